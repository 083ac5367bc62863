"""Operations of one name, collected before any of them is changed."""

from __future__ import annotations

from mlir import ir

__all__ = ["named"]


def named(module: ir.Operation, name: str) -> list[ir.Operation]:
    """Return the operations called `name` inside `module`, in order."""
    found: list[ir.Operation] = []

    def visit(op: ir.Operation) -> ir.WalkResult:
        if op.name == name:
            found.append(op)
        return ir.WalkResult.ADVANCE

    module.walk(visit)
    return found
