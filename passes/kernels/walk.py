"""Operations of some names, collected before any of them is changed."""

from __future__ import annotations

from mlir import ir

__all__ = ["named"]


def named(module: ir.Operation, *names: str) -> list[ir.Operation]:
    """Return the operations called by one of `names` inside `module`, in order."""
    found: list[ir.Operation] = []

    def visit(op: ir.Operation) -> ir.WalkResult:
        if op.name in names:
            found.append(op)
        return ir.WalkResult.ADVANCE

    module.walk(visit)
    return found
