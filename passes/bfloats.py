"""Masked accesses to bf16 as accesses to their bits.

Where a processor has no masks, LLVM takes such an access apart, and calls a function of the compiler's run-time library
for each bf16, which not every library has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mlir import ir
from mlir.dialects import llvm

from catgrad.passes.base import Pass
from catgrad.passes.kernels.walk import named

__all__ = ["BfloatBits"]


@dataclass(frozen=True)
class BfloatBits(Pass):
    """Let masked loads and stores of bf16, in the LLVM dialect, move i16."""

    name: ClassVar[str] = "catgrad-bfloat-bits"

    def run(self, module: ir.Operation) -> None:
        """Rewrite every masked access to bf16."""
        for op in named(module, "llvm.intr.masked.load"):
            if _is_bf16(op.result.type):
                with ir.InsertionPoint(op), op.location:
                    pointer, mask, *otherwise = op.operands
                    bits = _bits(op.result.type)
                    given = [llvm.bitcast(bits, x) for x in otherwise]
                    loaded = _like(op, [bits], [pointer, mask, *given]).result
                    op.result.replace_all_uses_with(llvm.bitcast(op.result.type, loaded))
                op.erase()
        for op in named(module, "llvm.intr.masked.store"):
            vector, *rest = op.operands
            if _is_bf16(vector.type):
                with ir.InsertionPoint(op), op.location:
                    _like(op, [], [llvm.bitcast(_bits(vector.type), vector), *rest])
                op.erase()


def _is_bf16(kind: ir.Type) -> bool:
    return isinstance(kind, ir.VectorType) and isinstance(kind.element_type, ir.BF16Type)


def _bits(kind: ir.Type) -> ir.VectorType:
    return ir.VectorType.get(ir.VectorType(kind).shape, ir.IntegerType.get_signless(16))


def _like(op: ir.Operation, results: list[ir.Type], operands: list[ir.Value]) -> ir.Operation:
    """Return an operation of the same kind with other operands."""
    attributes = {name: op.attributes[name] for name in op.attributes}
    return ir.Operation.create(op.name, results, operands, attributes)
