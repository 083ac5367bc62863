"""Loops that no compiler unrolls: what the loop of a kernel says arrives at the branch that it becomes."""

from __future__ import annotations

from typing import ClassVar

from mlir import ir

from catgrad.passes.base import Pass
from catgrad.passes.kernels.emit import ROLLED
from catgrad.passes.kernels.walk import named

__all__ = ["RolledLoops"]


class RolledLoops(Pass):
    """Give branches of the LLVM dialect the annotation that they have from an `scf.for`.

    Upstream carries it along as an attribute of any operation, which the translation to LLVM does not read.
    """

    name: ClassVar[str] = "catgrad-rolled-loops"

    def run(self, module: ir.Operation) -> None:
        """Rename the attribute."""
        for op in named(module, "llvm.br", "llvm.cond_br"):
            if ROLLED in op.attributes:
                op.attributes["loop_annotation"] = op.attributes[ROLLED]
                del op.attributes[ROLLED]
