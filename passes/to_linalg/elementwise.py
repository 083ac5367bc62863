"""Lowerings of the operations applied entrywise: one `linalg.generic` each, whose body the tables below name."""

from __future__ import annotations

from functools import partial

from mlir import ir
from mlir.dialects import arith, math

from catgrad import ops
from catgrad.ops import Op
from catgrad.passes.to_linalg.math import functions
from catgrad.passes.to_linalg.math_scalar import Real, Truth, where
from catgrad.passes.to_linalg.scalars import wrapped
from catgrad.passes.to_linalg.site import LOWERINGS, Body, Result, Site, number

__all__ = ["entrywise"]

_EQ, _NE, _LT, _GT = (getattr(arith.CmpIPredicate, name) for name in ("eq", "ne", "slt", "sgt"))


def entrywise(op: Op, **bodies: Body) -> None:
    """Register the lowering of an entrywise operation.

    Args:
        op: The operation.
        **bodies: For each kind of operand that it takes (`bool`, `int`, `float`), the scalar it makes of scalars;
            16-bit floats come as f32, and a float result is rounded back.
    """

    def rule(site: Site, *operands: ir.Value) -> Result:
        given = site.inputs[0].dtype
        return site.pointwise(operands, wrapped(bodies[given.kind], given, site.result.dtype))

    LOWERINGS.add(op, rule)


def _guarded(divisor: ir.Value) -> ir.Value:
    """Return the divisor, or 1 where it is 0 or -1, which the machine's division does not survive."""
    one = number(divisor.type, 1)
    survives = arith.cmpi(arith.CmpIPredicate.ugt, arith.addi(divisor, one), one)
    return arith.select(survives, divisor, one)


def _crosses_zero(rest: ir.Value, divisor: ir.Value) -> ir.Value:
    """Return whether the remainder of the truncated division is not zero and has not the divisor's sign."""
    differs = arith.cmpi(_LT, arith.xori(rest, divisor), number(rest.type, 0))
    return arith.andi(differs, arith.cmpi(_NE, rest, number(rest.type, 0)))


def _integer_floor_divide(x: ir.Value, y: ir.Value) -> ir.Value:
    zero, divisor = number(x.type, 0), _guarded(y)
    quotient = arith.divsi(x, divisor)
    below = _crosses_zero(arith.remsi(x, divisor), divisor)
    floor = arith.select(below, arith.subi(quotient, number(x.type, 1)), quotient)
    nonzero = arith.select(arith.cmpi(_EQ, y, number(x.type, -1)), arith.subi(zero, x), floor)
    return arith.select(arith.cmpi(_EQ, y, zero), zero, nonzero)


def _integer_remainder(x: ir.Value, y: ir.Value) -> ir.Value:
    divisor = _guarded(y)
    rest = arith.remsi(x, divisor)
    return arith.select(_crosses_zero(rest, divisor), arith.addi(rest, divisor), rest)


def _truncated_rest(x: Real, y: Real) -> tuple[Real, Truth]:
    """Return the remainder of the truncated division, and whether it is not zero and has not the divisor's sign."""
    rest = Real(arith.remf(x.value, y.value))
    return rest, ((rest < 0) & (y > 0)) | ((rest > 0) & (y < 0))


def _floor_divide(a: ir.Value, b: ir.Value) -> ir.Value:
    """Return (a - a mod b) / b, which is an integer but for rounding."""
    x, y = Real(a), Real(b)
    rest, crosses = _truncated_rest(x, y)
    quotient = (x - rest) / y
    quotient = where(crosses, quotient - 1, quotient)
    floor = quotient.floor()
    nearest = where(quotient - floor > 0.5, floor + 1, floor)
    nonzero = where(quotient.equals(0), x.constant(0).with_sign_of(x / y), nearest)
    return where(y.equals(0), x / y, nonzero).value


def _remainder(a: ir.Value, b: ir.Value) -> ir.Value:
    x, y = Real(a), Real(b)
    rest, crosses = _truncated_rest(x, y)
    return where(rest.equals(0), x.constant(0).with_sign_of(y), where(crosses, rest + y, rest)).value


def _float_extremum(predicate: arith.CmpFPredicate, x: ir.Value, y: ir.Value) -> ir.Value:
    """Return y if it is NaN or beyond x, else x: NaN propagates, and a constant y costs one instruction."""
    beyond = arith.cmpf(predicate, y, x)
    unordered = arith.cmpf(arith.CmpFPredicate.UNO, y, y)
    return arith.select(arith.ori(unordered, beyond), y, x)


def _integer_negative(x: ir.Value) -> ir.Value:
    return arith.subi(number(x.type, 0), x)


def _integer_sign(x: ir.Value) -> ir.Value:
    zero = number(x.type, 0)
    negative = arith.select(arith.cmpi(_LT, x, zero), number(x.type, -1), zero)
    return arith.select(arith.cmpi(_GT, x, zero), number(x.type, 1), negative)


def _sign(value: ir.Value) -> ir.Value:
    x = Real(value)
    zero_or_nan = where(x.equals(0), 0, x)
    return where(x > 0, 1, where(x < 0, -1, zero_or_nan)).value


entrywise(ops.add, int=arith.addi, float=arith.addf)
entrywise(ops.subtract, int=arith.subi, float=arith.subf)
entrywise(ops.multiply, int=arith.muli, float=arith.mulf)
entrywise(ops.divide, float=arith.divf)
entrywise(ops.floor_divide, int=_integer_floor_divide, float=_floor_divide)
entrywise(ops.remainder, int=_integer_remainder, float=_remainder)
entrywise(ops.maximum, int=arith.maxsi, float=partial(_float_extremum, arith.CmpFPredicate.OGT))
entrywise(ops.minimum, int=arith.minsi, float=partial(_float_extremum, arith.CmpFPredicate.OLT))
entrywise(ops.negative, int=_integer_negative, float=arith.negf)
entrywise(ops.abs, int=math.absi, float=math.absf)
entrywise(ops.sign, int=_integer_sign, float=_sign)
entrywise(ops.floor, float=math.floor)
entrywise(ops.ceil, float=math.ceil)
entrywise(ops.trunc, float=math.trunc)
entrywise(ops.round, float=math.roundeven)
for _op in (
    *(ops.sqrt, ops.rsqrt, ops.exp, ops.expm1, ops.log, ops.log1p, ops.pow),
    *(ops.sin, ops.cos, ops.tanh, ops.sigmoid, ops.erf),
):
    entrywise(_op, float=functions[_op.name])
