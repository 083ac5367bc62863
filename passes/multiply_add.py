"""Fused multiply-add for processors that have none, where LLVM would call the mathematical library for each number.

In f32 the product is exact in f64, which leaves two roundings of one sum. In f64 the product and the sum are computed
with their errors, which are added at the end; where that overflows, the product and the sum are rounded as they are.

Reference: Dekker, "A floating-point technique for extending the available precision" (1971); Knuth, "The Art of
Computer Programming", volume 2, section 4.2.2 (the error of a sum).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mlir import ir
from mlir.dialects import arith

from catgrad.passes.base import Pass
from catgrad.passes.kernels.walk import named
from catgrad.passes.rounding import constant

__all__ = ["EmulateMultiplyAdd"]

_SPLITTER = float((1 << 27) + 1)
"""Multiplying by it cuts the 53 bits of an f64 into two halves."""


@dataclass(frozen=True)
class EmulateMultiplyAdd(Pass):
    """Replace `math.fma` by products and sums that are as good but for the last bit."""

    name: ClassVar[str] = "catgrad-emulate-multiply-add"

    def run(self, module: ir.Operation) -> None:
        """Rewrite every `math.fma` on f32 and f64, and on vectors of them."""
        for op in named(module, "math.fma"):
            with ir.InsertionPoint(op), op.location:
                emulate = _through_f64 if _element(op.result.type) == ir.F32Type.get() else _with_errors
                op.result.replace_all_uses_with(emulate(*op.operands))
            op.erase()


def _element(kind: ir.Type) -> ir.Type:
    return kind.element_type if isinstance(kind, ir.VectorType) else kind


def _through_f64(a: ir.Value, b: ir.Value, c: ir.Value) -> ir.Value:
    f64 = ir.F64Type.get()
    wide = ir.VectorType.get(a.type.shape, f64) if isinstance(a.type, ir.VectorType) else f64
    x, y, z = (arith.extf(wide, each) for each in (a, b, c))
    return arith.truncf(a.type, arith.addf(arith.mulf(x, y), z))


def _with_errors(a: ir.Value, b: ir.Value, c: ir.Value) -> ir.Value:
    product = arith.mulf(a, b)
    total = arith.addf(product, c)
    error = arith.addf(_error_of_product(a, b, product), _error_of_sum(product, c, total))
    result = arith.addf(total, error)
    is_number = arith.cmpf(arith.CmpFPredicate.ORD, error, error)
    return arith.select(is_number, result, total)


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
