"""Floats of 16 bits as numbers in memory alone: all that is computed is computed in f32, and rounded once.

Where LLVM has no instruction for a float of 16 bits it calls a function of the compiler's run-time library for each,
which not every process has; and instructions that round to bf16 take numbers next to 0 for 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mlir import ir
from mlir.dialects import arith

from catgrad.passes.base import Pass
from catgrad.passes.rounding import element, f32_from, from_bf16, from_f16, like, to_bf16, to_f16

__all__ = ["NarrowFloats", "is_narrow"]

_MOVES = frozenset({"arith.bitcast", "arith.constant", "arith.select"})
_UNSIGNED = frozenset({"arith.uitofp", "arith.fptoui"})
_MODE = "roundingmode"
_CONVERSIONS = frozenset({"arith.extf", "arith.truncf", "arith.sitofp", "arith.uitofp"})


@dataclass(frozen=True)
class NarrowFloats(Pass):
    """Let operations on f16 and bf16, in the arith and math dialects, compute in f32."""

    name: ClassVar[str] = "catgrad-narrow-floats"

    half_conversions: bool = False
    """Whether there are instructions between f16 and f32."""

    def run(self, module: ir.Operation) -> None:
        """Rewrite what takes or gives floats of 16 bits, but for what only moves them, and what says how it rounds."""
        for op in _found(module):
            with ir.InsertionPoint(op), op.location:
                results = [self._converted(op)] if op.name in _CONVERSIONS else self._computed(op)
            for old, new in zip(op.results, results, strict=True):
                old.replace_all_uses_with(new)
            op.erase()

    def _converted(self, op: ir.Operation) -> ir.Value:
        """Return what a conversion gives, rounded to the nearest as LLVM's conversions are."""
        (x,), kind = op.operands, op.results[0].type
        if not is_narrow(x.type) and not is_narrow(kind):
            return arith.truncf(kind, x)
        if is_narrow(kind):
            return self._narrowed(f32_from(_signed(x) if op.name in _UNSIGNED else x), kind)
        wide = self._widened(x)
        return wide if wide.type == kind else arith.extf(kind, wide)

    def _computed(self, op: ir.Operation) -> list[ir.Value]:
        """Return what an operation gives when it computes in f32."""
        operands = [self._widened(x) if is_narrow(x.type) else x for x in op.operands]
        types = [like(x.type, ir.F32Type.get()) if is_narrow(x.type) else x.type for x in op.results]
        attributes = {name: op.attributes[name] for name in op.attributes}
        made = ir.Operation.create(op.name, types, operands, attributes)
        pairs = zip(op.results, made.results, strict=True)
        return [self._narrowed(new, old.type) if is_narrow(old.type) else new for old, new in pairs]

    def _widened(self, x: ir.Value) -> ir.Value:
        if element(x.type) == ir.BF16Type.get():
            return from_bf16(x)
        return arith.extf(like(x.type, ir.F32Type.get()), x) if self.half_conversions else from_f16(x)

    def _narrowed(self, x: ir.Value, kind: ir.Type) -> ir.Value:
        if element(kind) == ir.BF16Type.get():
            return to_bf16(x)
        return arith.truncf(kind, x) if self.half_conversions else to_f16(x)


def is_narrow(kind: ir.Type) -> bool:
    """Return whether a type is that of floats of 16 bits, or of vectors of them."""
    return isinstance(element(kind), (ir.F16Type, ir.BF16Type))


def _found(module: ir.Operation) -> list[ir.Operation]:
    """Return the operations that compute with floats of 16 bits, or say how they round."""
    found: list[ir.Operation] = []

    def visit(op: ir.Operation) -> ir.WalkResult:
        computes = op.name.partition(".")[0] in {"arith", "math"} and op.name not in _MOVES
        if computes and (_MODE in op.attributes or any(is_narrow(x.type) for x in (*op.operands, *op.results))):
            found.append(op)
        return ir.WalkResult.ADVANCE

    module.walk(visit)
    return found


def _signed(x: ir.Value) -> ir.Value:
    """Return an unsigned integer with a sign."""
    width = ir.IntegerType(element(x.type)).width
    return arith.extui(like(x.type, ir.IntegerType.get_signless(2 * width)), x)
