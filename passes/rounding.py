"""Floats of 16 bits from numbers and back, by arithmetic on f32 and on bits, of scalars and of vectors.

A number is rounded once, to the nearest, to even where two are as near. What has more bits than an f32 is rounded to
odd first: toward zero, with the last bit set if anything was lost. An f32 has at least two bits more than what comes
next, so the second rounding is that of the number itself.

Reference: S. Boldo, G. Melquiond, "Emulation of FMA and correctly rounded sums: proved algorithms using rounding to
odd" (2008), theorem 3.
"""

from __future__ import annotations

from mlir import ir
from mlir.dialects import arith
from mlir.dialects import math as math_dialect

__all__ = ["bits_of", "constant", "element", "f32_from", "from_bf16", "from_f16", "like", "to_bf16", "to_f16", "to_odd"]

_EXACT = 53
"""Integers of so many bits and a sign are f64."""
_INFINITY, _QUIET, _SIGN, _ABSOLUTE = 0x7F800000, 0x400000, 1 << 15, 0x7FFF
_LEAST_NORMAL, _BEYOND = 0x38800000, 0x47800000
"""The bits of 2^-14 and of 2^16 in f32: f16 has the normal numbers between them."""
_BIASES = (127 - 15) << 23
"""What the exponents of f32 and f16 differ by, in its place."""

_GT, _NE, _UNORDERED = arith.CmpFPredicate.OGT, arith.CmpFPredicate.ONE, arith.CmpFPredicate.UNO
_UGT, _UGE, _ULT = (arith.CmpIPredicate[each] for each in ("ugt", "uge", "ult"))


def element(kind: ir.Type) -> ir.Type:
    """Return the type of the elements of a vector, and any other type as it is."""
    return kind.element_type if isinstance(kind, ir.VectorType) else kind


def like(kind: ir.Type, element: ir.Type) -> ir.Type:
    """Return `element`, or the type of vectors of it that have the shape of `kind`."""
    return ir.VectorType.get(kind.shape, element) if isinstance(kind, ir.VectorType) else element


def constant(kind: ir.Type, number: float) -> ir.Value:
    """Return a number, or a vector of it."""
    each = element(kind)
    attribute = ir.FloatAttr.get(each, number) if isinstance(each, ir.FloatType) else ir.IntegerAttr.get(each, number)
    is_vector = isinstance(kind, ir.VectorType)
    return arith.constant(kind, ir.DenseElementsAttr.get_splat(kind, attribute) if is_vector else attribute)


def to_odd(nearest: ir.Value, is_inexact: ir.Value, is_beyond: ir.Value) -> ir.Value:
    """Return a number rounded to odd.

    Args:
        nearest: It, rounded to the nearest.
        is_inexact: Whether that is another number.
        is_beyond: Whether that is further from 0.
    """
    bits = bits_of(nearest)
    truncated = arith.subi(bits, arith.extui(bits.type, is_beyond))
    return arith.bitcast(nearest.type, arith.ori(truncated, arith.extui(bits.type, is_inexact)))


def f32_from(x: ir.Value) -> ir.Value:
    """Return an f32 that rounds to the same 16 bits as a float or a signed integer."""
    if isinstance(element(x.type), ir.IntegerType):
        return _from_integer(x)
    return _from_f64(x) if element(x.type) == ir.F64Type.get() else x


def _from_f64(x: ir.Value) -> ir.Value:
    nearest = arith.truncf(like(x.type, ir.F32Type.get()), x)
    again = arith.extf(x.type, nearest)
    is_beyond = arith.cmpf(_GT, math_dialect.absf(again), math_dialect.absf(x))
    return to_odd(nearest, arith.cmpf(_NE, again, x), is_beyond)


def _from_integer(x: ir.Value) -> ir.Value:
    width = ir.IntegerType(element(x.type)).width
    exact = like(x.type, ir.F32Type.get() if width <= 24 else ir.F64Type.get())
    return f32_from(arith.sitofp(exact, x if width <= _EXACT else _shortened(x, width - _EXACT)))


def _shortened(x: ir.Value, excess: int) -> ir.Value:
    """Return an integer rounded to odd, without its last bits but one, unless it is an f64 as it is."""
    lost = constant(x.type, (1 << excess) - 1)
    rest = arith.andi(x, lost)
    # Adding what was lost at most carries into the next bit if there is anything.
    sticky = arith.andi(arith.addi(rest, lost), constant(x.type, 1 << excess))
    odd = arith.ori(arith.subi(x, rest), sticky)
    half = 1 << _EXACT
    is_short = arith.cmpi(_ULT, arith.addi(x, constant(x.type, half)), constant(x.type, 2 * half))
    return arith.select(is_short, x, odd)


def to_bf16(x: ir.Value) -> ir.Value:
    """Return an f32 as bf16."""
    bits = bits_of(x)
    sixteen = constant(bits.type, 16)
    is_odd = arith.andi(arith.shrui(bits, sixteen), constant(bits.type, 1))
    rounded = arith.addi(bits, arith.addi(is_odd, constant(bits.type, 0x7FFF)))
    quiet = arith.ori(bits, constant(bits.type, _QUIET))
    chosen = arith.select(arith.cmpf(_UNORDERED, x, x), quiet, rounded)
    return _half(arith.shrui(chosen, sixteen), ir.BF16Type.get())


def from_bf16(x: ir.Value) -> ir.Value:
    """Return a bf16 as f32."""
    bits = _word(x)
    return arith.bitcast(like(x.type, ir.F32Type.get()), arith.shli(bits, constant(bits.type, 16)))


def to_f16(x: ir.Value) -> ir.Value:
    """Return an f32 as f16."""
    size = math_dialect.absf(x)
    bits = bits_of(size)
    # The unit in the last place of numbers from 0.5 on is the least f16.
    half = constant(x.type, 0.5)
    subnormal = arith.subi(bits_of(arith.addf(size, half)), bits_of(half))
    is_odd = arith.andi(arith.shrui(bits, constant(bits.type, 13)), constant(bits.type, 1))
    rounded = arith.addi(bits, arith.addi(is_odd, constant(bits.type, 0xFFF - _BIASES)))
    normal = arith.shrui(rounded, constant(bits.type, 13))
    is_nan = arith.cmpi(_UGT, bits, constant(bits.type, _INFINITY))
    large = arith.select(is_nan, constant(bits.type, 0x7E00), constant(bits.type, 0x7C00))
    chosen = arith.select(arith.cmpi(_ULT, bits, constant(bits.type, _LEAST_NORMAL)), subnormal, normal)
    chosen = arith.select(arith.cmpi(_UGE, bits, constant(bits.type, _BEYOND)), large, chosen)
    sign = arith.andi(arith.shrui(bits_of(x), constant(bits.type, 16)), constant(bits.type, _SIGN))
    return _half(arith.ori(chosen, sign), ir.F16Type.get())


def from_f16(x: ir.Value) -> ir.Value:
    """Return an f16 as f32."""
    word, kind = _word(x), like(x.type, ir.F32Type.get())
    size = arith.andi(word, constant(word.type, _ABSOLUTE))
    shifted = arith.bitcast(kind, arith.shli(size, constant(word.type, 13)))
    # Multiplied, what has the least exponent becomes normal as well.
    finite = bits_of(arith.mulf(shifted, constant(kind, 2.0 ** (127 - 15))))
    not_finite = arith.ori(finite, constant(word.type, _INFINITY))
    bits = arith.select(arith.cmpi(_UGE, size, constant(word.type, 0x7C00)), not_finite, finite)
    sign = arith.shli(arith.andi(word, constant(word.type, _SIGN)), constant(word.type, 16))
    return arith.bitcast(kind, arith.ori(bits, sign))


def bits_of(x: ir.Value) -> ir.Value:
    """Return the bits of a float, as an integer of its width."""
    return arith.bitcast(like(x.type, ir.IntegerType.get_signless(ir.FloatType(element(x.type)).width)), x)


def _word(x: ir.Value) -> ir.Value:
    """Return the bits of a float of 16 bits in an i32."""
    return arith.extui(like(x.type, ir.IntegerType.get_signless(32)), bits_of(x))


def _half(bits: ir.Value, kind: ir.Type) -> ir.Value:
    """Return the float of 16 bits whose bits are the last of an i32."""
    short = arith.trunci(like(bits.type, ir.IntegerType.get_signless(16)), bits)
    return arith.bitcast(like(bits.type, kind), short)
