"""Scalars between element types: the widening that 16-bit floats compute in, and the conversions of `cast`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from mlir import ir
from mlir.dialects import arith

from catgrad.dialect.types import element_type
from catgrad.passes.to_linalg.site import Body, number
from catgrad.types import DType

__all__ = ["convert", "from_index", "narrowed", "widened", "wrapped"]


def widened(value: ir.Value) -> ir.Value:
    """Return a 16-bit float as f32, and anything else as it is."""
    narrow = isinstance(value.type, ir.FloatType) and ir.FloatType(value.type).width < 32
    return arith.extf(ir.F32Type.get(), value) if narrow else value


def narrowed(value: ir.Value, dtype: DType) -> ir.Value:
    """Return a float of the accumulator's type as `dtype`, and anything else as it is."""
    return arith.truncf(element_type(dtype), value) if dtype.accumulator is not dtype else value


def wrapped(body: Body, given: DType, result: DType) -> Body:
    """Return the body that computes in f32 where the operands are 16-bit floats, and rounds once."""
    if given.accumulator is given:
        return body
    return lambda *scalars: narrowed(body(*map(widened, scalars)), result)


def from_index(position: ir.Value, dtype: DType) -> ir.Value:
    """Return an index value as an integer or a float."""
    i64 = arith.index_cast(ir.IntegerType.get_signless(64), position)
    if dtype.is_float:
        return _from_integer(i64, dtype)
    return i64 if dtype.bits == 64 else arith.trunci(element_type(dtype), i64)


def convert(value: ir.Value, source: DType, target: DType) -> ir.Value:
    """Return a scalar in another element type, by the rules of `cast`."""
    return _CONVERSIONS[source.kind, target.kind](widened(value), target)


def _float_to_bool(value: ir.Value, _: DType) -> ir.Value:
    return arith.cmpf(arith.CmpFPredicate.UNE, value, number(value.type, 0))


def _int_to_bool(value: ir.Value, _: DType) -> ir.Value:
    return arith.cmpi(arith.CmpIPredicate.ne, value, number(value.type, 0))


def _int_to_int(value: ir.Value, target: DType) -> ir.Value:
    type = element_type(target)
    given = ir.IntegerType(value.type).width
    if given == target.bits:
        return value
    return arith.trunci(type, value) if given > target.bits else arith.extsi(type, value)


def _from_integer(value: ir.Value, target: DType) -> ir.Value:
    return arith.sitofp(element_type(target), value)


def _bool_to_float(value: ir.Value, target: DType) -> ir.Value:
    return arith.uitofp(element_type(target), value)


def _float_to_float(value: ir.Value, target: DType) -> ir.Value:
    type, given = element_type(target), ir.FloatType(value.type).width
    if given <= target.bits:
        return value if given == target.bits else arith.extf(type, value)
    # The mode is said, or `canonicalize` would round an integer once where it is to be rounded to both types.
    return arith.truncf(type, value, roundingmode=arith.RoundingMode.to_nearest_even)


def _float_to_int(value: ir.Value, target: DType) -> ir.Value:
    """Truncate toward zero, saturate, and turn NaN into 0; the conversion itself never sees what does not fit."""
    type, range = element_type(target), np.iinfo(target.numpy)
    least, greatest = number(value.type, range.min), number(value.type, range.max)
    above = arith.cmpf(arith.CmpFPredicate.OGT, value, least)
    below = arith.cmpf(arith.CmpFPredicate.OLT, value, greatest)
    fitting = arith.select(arith.andi(above, below), value, number(value.type, 0))
    low = arith.cmpf(arith.CmpFPredicate.OLE, value, least)
    high = arith.cmpf(arith.CmpFPredicate.OGE, value, greatest)
    bounded = arith.select(low, number(type, range.min), arith.fptosi(type, fitting))
    return arith.select(high, number(type, range.max), bounded)


_CONVERSIONS: dict[tuple[str, str], Callable[[ir.Value, DType], ir.Value]] = {
    ("bool", "int"): lambda value, target: arith.extui(element_type(target), value),
    ("bool", "float"): _bool_to_float,
    ("int", "bool"): _int_to_bool,
    ("int", "int"): _int_to_int,
    ("int", "float"): _from_integer,
    ("float", "bool"): _float_to_bool,
    ("float", "int"): _float_to_int,
    ("float", "float"): _float_to_float,
}
