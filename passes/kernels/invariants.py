"""The pass that reads once what an inner loop would read again and again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mlir import ir

from catgrad.passes.accesses import VIEWS
from catgrad.passes.base import Pass
from catgrad.passes.kernels.walk import named

__all__ = ["HoistInvariantLoads"]


@dataclass(frozen=True)
class HoistInvariantLoads(Pass):
    """Move loads out of innermost loops that neither change their indices nor store to their memref.

    Run it on the loops of linalg operations, where an operand that is read elsewhere than at the position of the
    iteration is never written. LLVM has to prove that no store of the loop changes it before it makes the loop a
    vector loop, which it can't where buffers are places in one workspace.
    """

    name: ClassVar[str] = "catgrad-hoist-invariant-loads"

    def run(self, module: ir.Operation) -> None:
        """Visit every loop without loops inside."""
        for loop in named(module, "scf.for"):
            body = loop.regions[0].blocks[0]
            operations = [view.operation for view in body.operations]
            if not any(op.regions for op in operations):
                _hoist(loop, body, operations)


def _hoist(loop: ir.Operation, body: ir.Block, operations: list[ir.Operation]) -> None:
    varying = set(body.arguments) | {result for op in operations for result in op.results}
    written = {_origin(op.operands[1]) for op in operations if op.name == "memref.store"}
    for op in operations:
        if op.name == "memref.load" and varying.isdisjoint(op.operands) and _origin(op.operands[0]) not in written:
            op.move_before(loop)


def _origin(buffer: ir.Value) -> ir.Value:
    """Return the memref that a buffer is another view of."""
    while isinstance(buffer, ir.OpResult) and buffer.owner.operation.name in VIEWS:
        buffer = buffer.owner.operation.operands[0]
    return buffer
