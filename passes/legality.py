"""Legality: the operations that may be left after a stage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mlir import ir

from catgrad.passes.base import DiagnosticError, Pass, Stage

__all__ = ["Legal"]


@dataclass(frozen=True)
class Legal(Pass):
    """Check that only operations of the given names and dialects are left; change nothing."""

    name: ClassVar[str] = "catgrad-legal"

    stage: str = ""
    """The step that was just done, for the message."""

    allowed: tuple[str, ...] = ()
    """Names of dialects ("linalg") and operations ("func.call")."""

    @staticmethod
    def after(stage: Stage) -> Legal:
        """Return the check that ends a stage."""
        return Legal(stage.name, tuple(sorted(stage.legal_after)))

    def run(self, module: ir.Operation) -> None:
        """Raise `DiagnosticError` at the first operation that may not be left."""
        illegal: list[ir.Operation] = []
        legal: set[str] = set()

        def visit(op: ir.Operation) -> ir.WalkResult:
            name = op.name
            if name in legal or name in self.allowed or name.partition(".")[0] in self.allowed:
                legal.add(name)
                return ir.WalkResult.ADVANCE
            illegal.append(op)
            return ir.WalkResult.INTERRUPT

        module.walk(visit)
        if illegal:
            raise DiagnosticError(illegal[0].location, f"{illegal[0].name} is left after stage {self.stage}")
