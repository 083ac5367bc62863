"""Fused multiply-add for processors that have none, where LLVM would call the mathematical library for each number.

The sum is rounded to odd in more digits, and then once to the nearest. In f32 the product is exact in f64. In f64 the
product and the sums are computed with their errors: the result is that of the instruction, unless the product or its
error overflows or is next to the least number; where an error is none, the product and the sum are rounded as they are.

Reference: S. Boldo, G. Melquiond, "Emulation of FMA and correctly rounded sums: proved algorithms using rounding to
odd" (2008); Dekker, "A floating-point technique for extending the available precision" (1971); Knuth, "The Art of
Computer Programming", volume 2, section 4.2.2 (the error of a sum).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mlir import ir
from mlir.dialects import arith

from catgrad.passes.base import Pass
from catgrad.passes.kernels.walk import named
from catgrad.passes.rounding import bits_of, constant, element, like, to_odd

__all__ = ["EmulateMultiplyAdd"]

_SPLITTER = float((1 << 27) + 1)
"""Multiplying by it cuts the 53 bits of an f64 into two halves."""


@dataclass(frozen=True)
class EmulateMultiplyAdd(Pass):
    """Replace `math.fma` by products and sums whose result is the same."""

    name: ClassVar[str] = "catgrad-emulate-multiply-add"

    def run(self, module: ir.Operation) -> None:
        """Rewrite every `math.fma` on f32 and f64, and on vectors of them."""
        for op in named(module, "math.fma"):
            with ir.InsertionPoint(op), op.location:
                emulate = _through_f64 if element(op.result.type) == ir.F32Type.get() else _with_errors
                op.result.replace_all_uses_with(emulate(*op.operands))
            op.erase()


def _through_f64(a: ir.Value, b: ir.Value, c: ir.Value) -> ir.Value:
    wide = like(a.type, ir.F64Type.get())
    x, y, z = (arith.extf(wide, each) for each in (a, b, c))
    return arith.truncf(a.type, _odd_sum(arith.mulf(x, y), z))


def _with_errors(a: ir.Value, b: ir.Value, c: ir.Value) -> ir.Value:
    product = arith.mulf(a, b)
    product_error = _error_of_product(a, b, product)
    low = arith.addf(c, product_error)
    low_error = _error_of_sum(c, product_error, low)
    high = arith.addf(product, low)
    high_error = _error_of_sum(product, low, high)
    error = _odd_sum(high_error, low_error)
    result = arith.addf(high, error)
    # A zero has the sign of the sum of what it is the sum of.
    is_other = arith.cmpf(arith.CmpFPredicate.ONE, result, constant(result.type, 0.0))
    return arith.select(is_other, result, arith.addf(product, c))


def _odd_sum(a: ir.Value, b: ir.Value) -> ir.Value:
    """Return a + b rounded to odd; what is no number is rounded to the nearest."""
    total = arith.addf(a, b)
    error = _error_of_sum(a, b, total)
    is_inexact = arith.cmpf(arith.CmpFPredicate.ONE, error, constant(error.type, 0.0))
    signs = arith.xori(bits_of(total), bits_of(error))
    is_beyond = arith.cmpi(arith.CmpIPredicate.slt, signs, constant(signs.type, 0))
    return to_odd(total, is_inexact, arith.andi(is_inexact, is_beyond))


def _error_of_product(a: ir.Value, b: ir.Value, product: ir.Value) -> ir.Value:
    """Return a · b − product, exactly."""
    (high_a, low_a), (high_b, low_b) = _halves(a), _halves(b)
    error = arith.subf(arith.mulf(high_a, high_b), product)
    for x, y in ((high_a, low_b), (low_a, high_b), (low_a, low_b)):
        error = arith.addf(error, arith.mulf(x, y))
    return error


def _halves(x: ir.Value) -> tuple[ir.Value, ir.Value]:
    """Return two numbers of 26 bits whose sum is x."""
    scaled = arith.mulf(x, constant(x.type, _SPLITTER))
    high = arith.subf(scaled, arith.subf(scaled, x))
    return high, arith.subf(x, high)


def _error_of_sum(a: ir.Value, b: ir.Value, total: ir.Value) -> ir.Value:
    """Return a + b − total, exactly."""
    rounded_b = arith.subf(total, a)
    rounded_a = arith.subf(total, rounded_b)
    return arith.addf(arith.subf(a, rounded_a), arith.subf(b, rounded_b))
