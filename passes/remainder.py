"""Remainders of floating-point division without the mathematical library, which LLVM would call for each number.

It is long division in base two: the divisor is doubled while it is at most half of the dividend, and halved again, each
time subtracted where it is not the larger one. Every difference is exact, as its operands are within a factor of two
(P. H. Sterbenz, "Floating-Point Computation", 1974, theorem 4.3.1).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf, nan, prod
from typing import ClassVar

from mlir import ir
from mlir.dialects import arith, scf, vector
from mlir.dialects import math as math_dialect

from catgrad.passes.base import Pass
from catgrad.passes.kernels.walk import named
from catgrad.passes.rounding import constant

__all__ = ["LongDivision"]

_LESS, _AT_MOST, _AT_LEAST, _EQUAL = (arith.CmpFPredicate[each] for each in ("OLT", "OLE", "OGE", "OEQ"))


@dataclass(frozen=True)
class LongDivision(Pass):
    """Replace `arith.remf`, on numbers and on vectors, by loops that subtract."""

    name: ClassVar[str] = "catgrad-long-division"

    def run(self, module: ir.Operation) -> None:
        """Rewrite every remainder."""
        for op in named(module, "arith.remf"):
            with ir.InsertionPoint(op), op.location:
                op.result.replace_all_uses_with(_remainder(*op.operands))
            op.erase()


def _remainder(x: ir.Value, y: ir.Value) -> ir.Value:
    """Return x - y n for the integer n next to x / y on the side of 0, with the sign of x; NaN if x = ±∞ or y = 0."""
    a, b = math_dialect.absf(x), math_dialect.absf(y)
    infinite, zero = constant(x.type, inf), constant(x.type, 0.0)
    is_finite = arith.cmpf(_LESS, a, infinite)
    divides = arith.andi(arith.cmpf(_LESS, zero, b), arith.cmpf(_LESS, b, infinite))
    is_division = arith.andi(is_finite, divides)
    rest = _divided(arith.select(is_division, a, zero), arith.select(is_division, b, constant(x.type, 1.0)))
    is_itself = arith.andi(is_finite, arith.cmpf(_EQUAL, b, infinite))
    otherwise = arith.select(is_itself, x, constant(x.type, nan))
    return arith.select(is_division, math_dialect.copysign(rest, x), otherwise)


def _divided(a: ir.Value, b: ir.Value) -> ir.Value:
    """Return the remainder of a ≥ 0 by b > 0, both finite."""
    half = constant(a.type, 0.5)

    def double(divisor: ir.Value) -> list[ir.Value]:
        is_small = arith.cmpf(_AT_MOST, divisor, arith.mulf(a, half))
        return [arith.select(is_small, arith.addf(divisor, divisor), divisor)]

    def subtract(rest: ir.Value, divisor: ir.Value) -> list[ir.Value]:
        fits = arith.andi(arith.cmpf(_AT_LEAST, rest, divisor), arith.cmpf(_AT_LEAST, divisor, b))
        return [arith.select(fits, arith.subf(rest, divisor), rest), arith.mulf(divisor, half)]

    (largest,) = _while([b], lambda divisor: arith.cmpf(_AT_MOST, divisor, arith.mulf(a, half)), double)
    rest, _ = _while([a, largest], lambda _, divisor: arith.cmpf(_AT_LEAST, divisor, b), subtract)
    return rest


def _while(
    start: Sequence[ir.Value], goes_on: Callable[..., ir.Value], step: Callable[..., Sequence[ir.Value]]
) -> Sequence[ir.Value]:
    """Repeat a step while a condition holds for any element."""
    types = [value.type for value in start]
    loop = scf.WhileOp(types, list(start))
    before, after = (region.blocks.append(*types) for region in (loop.before, loop.after))
    with ir.InsertionPoint(before):
        scf.condition(_any(goes_on(*before.arguments)), list(before.arguments))
    with ir.InsertionPoint(after):
        scf.yield_(list(step(*after.arguments)))
    return list(loop.results)


def _any(condition: ir.Value) -> ir.Value:
    if not isinstance(condition.type, ir.VectorType):
        return condition
    bit = ir.IntegerType.get_signless(1)
    flat = vector.shape_cast(ir.VectorType.get([prod(condition.type.shape)], bit), condition)
    return vector.reduction(bit, vector.CombiningKind.OR, flat)
