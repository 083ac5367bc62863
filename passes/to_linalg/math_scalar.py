"""Formulas as IR: arithmetic on values of f32 and f64, on their bits and on truth values, or on vectors of them.

`Real` overloads the operators, so that `fma(r * r, p, r)` builds one `arith.mulf` and one `math.fma` at the current
insertion point. Every operation used here maps a vector register to a vector register on AVX2, AVX-512 and NEON, which
is what lets LLVM vectorise a loop over such a formula: integers are as wide as the reals and are never converted to
them by a conversion instruction (AVX2 has none for 64 bits).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from mlir import ir
from mlir.dialects import arith
from mlir.dialects import math as math_dialect

from catgrad.passes.rounding import constant, element, like

__all__ = ["F32", "F64", "Bits", "Format", "Real", "Truth", "clamp", "fma", "nearest_integer", "polynomial", "where"]


@dataclass(frozen=True)
class Format:
    """A binary interchange format of IEEE 754.

    Attributes:
        name: MLIR's name of the type.
        width: Bits in all.
        mantissa: Bits of the fraction.
    """

    name: str
    width: int
    mantissa: int

    @property
    def bias(self) -> int:
        """Exponent bias; also the largest exponent."""
        return (1 << (self.width - self.mantissa - 2)) - 1

    @property
    def smallest_normal(self) -> float:
        """The smallest positive number of full precision."""
        return 2.0 ** (1 - self.bias)

    @property
    def integer_shift(self) -> float:
        """1.5 2^mantissa: adding it leaves the nearest integer, ties to even, in the low bits of the sum."""
        return 1.5 * 2.0**self.mantissa

    @property
    def real_type(self) -> ir.Type:
        """The MLIR type of these numbers, in the current context."""
        return ir.F32Type.get() if self.width == 32 else ir.F64Type.get()

    def bits_of(self, number: float) -> int:
        """The bits of `number` rounded to this format, as an unsigned integer."""
        return int.from_bytes(struct.pack(">f" if self.width == 32 else ">d", number), "big")

    @property
    def bits_type(self) -> ir.Type:
        """The MLIR integer type of the same width, in the current context."""
        return ir.IntegerType.get_signless(self.width)


F32 = Format("f32", 32, 23)
F64 = Format("f64", 64, 52)
_FORMATS = {format.name: format for format in (F32, F64)}


@dataclass(frozen=True)
class Truth:
    """An i1 value, or a vector of them."""

    value: ir.Value

    def __and__(self, other: Truth) -> Truth:
        return Truth(arith.andi(self.value, other.value))

    def __or__(self, other: Truth) -> Truth:
        return Truth(arith.ori(self.value, other.value))

    def __invert__(self) -> Truth:
        return Truth(arith.xori(self.value, constant(self.value.type, 1)))


@dataclass(frozen=True)
class Bits:
    """An integer as wide as a real; arithmetic wraps. The other operand of an operator may be a Python integer."""

    value: ir.Value
    format: Format

    def _operand(self, other: Bits | int) -> ir.Value:
        return other.value if isinstance(other, Bits) else constant(self.value.type, other)

    def __add__(self, other: Bits | int) -> Bits:
        return Bits(arith.addi(self.value, self._operand(other)), self.format)

    def __sub__(self, other: Bits | int) -> Bits:
        return Bits(arith.subi(self.value, self._operand(other)), self.format)

    def __rsub__(self, other: int) -> Bits:
        return Bits(arith.subi(self._operand(other), self.value), self.format)

    def __and__(self, other: int) -> Bits:
        return Bits(arith.andi(self.value, self._operand(other)), self.format)

    def __xor__(self, other: Bits) -> Bits:
        return Bits(arith.xori(self.value, other.value), self.format)

    def __lshift__(self, count: int) -> Bits:
        return Bits(arith.shli(self.value, self._operand(count)), self.format)

    def __rshift__(self, count: int) -> Bits:
        """Keeps the sign."""
        return Bits(arith.shrsi(self.value, self._operand(count)), self.format)

    def halved(self) -> Bits:
        """Half of what is at least 0, rounded down; for n and its bits by `nearest_integer`, half of n alike."""
        return Bits(arith.shrui(self.value, self._operand(1)), self.format)

    def is_negative(self) -> Truth:
        """Whether the highest bit is set."""
        return Truth(arith.cmpi(arith.CmpIPredicate.slt, self.value, self._operand(0)))

    def is_zero(self) -> Truth:
        """Whether no bit is set."""
        return Truth(arith.cmpi(arith.CmpIPredicate.eq, self.value, self._operand(0)))

    @property
    def real(self) -> Real:
        """The real with these bits."""
        return Real(arith.bitcast(like(self.value.type, self.format.real_type), self.value))

    def to_real(self) -> Real:
        """The real equal to this integer, which must be smaller than 2^(mantissa - 1)."""
        shift = self.format.integer_shift
        return (self + self.format.bits_of(shift)).real - shift


@dataclass(frozen=True)
class Real:
    """An f32 or f64 value, or a vector of them.

    The other operand of an operator may be a Python number; it is rounded to the format.
    """

    value: ir.Value

    @property
    def format(self) -> Format:
        """The value's format."""
        return _FORMATS[str(element(self.value.type))]

    def constant(self, number: float) -> Real:
        """`number` in this value's format."""
        return Real(constant(self.value.type, float(number)))

    def _operand(self, other: Real | float) -> ir.Value:
        return other.value if isinstance(other, Real) else self.constant(other).value

    def __add__(self, other: Real | float) -> Real:
        return Real(arith.addf(self.value, self._operand(other)))

    def __sub__(self, other: Real | float) -> Real:
        return Real(arith.subf(self.value, self._operand(other)))

    def __mul__(self, other: Real | float) -> Real:
        return Real(arith.mulf(self.value, self._operand(other)))

    def __truediv__(self, other: Real | float) -> Real:
        return Real(arith.divf(self.value, self._operand(other)))

    __radd__ = __add__
    __rmul__ = __mul__

    def __rtruediv__(self, other: float) -> Real:
        return self.constant(other) / self

    def __neg__(self) -> Real:
        return Real(arith.negf(self.value))

    def __abs__(self) -> Real:
        return Real(math_dialect.absf(self.value))

    def _compare(self, predicate: arith.CmpFPredicate, other: Real | float) -> Truth:
        return Truth(arith.cmpf(predicate, self.value, self._operand(other)))

    def __lt__(self, other: Real | float) -> Truth:
        return self._compare(arith.CmpFPredicate.OLT, other)

    def __gt__(self, other: Real | float) -> Truth:
        return self._compare(arith.CmpFPredicate.OGT, other)

    def equals(self, other: Real | float) -> Truth:
        """Whether both are numbers and equal (`==` compares the Python objects)."""
        return self._compare(arith.CmpFPredicate.OEQ, other)

    def with_sign_of(self, other: Real) -> Real:
        """The magnitude of self with the sign bit of `other`."""
        return Real(math_dialect.copysign(self.value, other.value))

    def sqrt(self) -> Real:
        """The square root, correctly rounded."""
        return Real(math_dialect.sqrt(self.value))

    def floor(self) -> Real:
        """The largest integer that is not larger."""
        return Real(math_dialect.floor(self.value))

    def fraction(self) -> Real:
        """The distance from the nearest integer, exactly; NaN for infinities."""
        return self - Real(math_dialect.roundeven(self.value))

    def is_integer(self) -> Truth:
        """Whether the number has no fractional part; holds for infinities."""
        return self.floor().equals(self)

    @property
    def bits(self) -> Bits:
        """The bits of the number."""
        return Bits(arith.bitcast(like(self.value.type, self.format.bits_type), self.value), self.format)

    def to(self, type: ir.Type) -> Real:
        """This number rounded or extended to another floating-point type."""
        source = ir.FloatType(element(self.value.type))
        if type == source:
            return self
        convert = arith.extf if ir.FloatType(type).width > source.width else arith.truncf
        return Real(convert(like(self.value.type, type), self.value))


def fma(a: Real, b: Real | float, c: Real | float) -> Real:
    """A b + c, rounded once."""
    return Real(math_dialect.fma(a.value, a._operand(b), a._operand(c)))


def nearest_integer(x: Real, factor: float = 1.0) -> tuple[Real, Bits]:
    """The integer n nearest to x * factor, ties to even: as a real, and as bits that equal n modulo 2^mantissa.

    |n| must be smaller than 2^(mantissa - 1).
    """
    shift = x.format.integer_shift
    shifted = fma(x, factor, shift)
    return shifted - shift, shifted.bits


def where(condition: Truth, yes: Real | float, no: Real | float) -> Real:
    """`yes` if the condition holds, else `no`; at most one of them is a Python number."""
    real = yes if isinstance(yes, Real) else no
    assert isinstance(real, Real)
    return Real(arith.select(condition.value, real._operand(yes), real._operand(no)))


def clamp(x: Real, low: float, high: float) -> Real:
    """X limited to [low, high]; NaN stays NaN. Written as selections, each of which is one instruction."""
    x = where(x < low, low, x)
    return where(x > high, high, x)


def polynomial(coefficients: Sequence[float], x: Real) -> Real:
    """The polynomial with the given coefficients, constant first, by Estrin's scheme.

    It combines neighbours, p₀ + p₁ x, then moves on to x²: hardly more work than Horner's rule, and a dependency chain
    of logarithmic length.
    """
    terms = [x.constant(coefficient) for coefficient in coefficients]
    while len(terms) > 1:
        pairs = [fma(high, x, low) for low, high in zip(terms[::2], terms[1::2], strict=False)]
        terms = pairs + terms[2 * len(pairs) :]
        x = x * x
    return terms[0]
