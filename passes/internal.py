"""Linkage of the functions of native code: only entries are visible, and sharing survives LLVM.

Inlining was decided before, where fusion could still gain from it. LLVM would undo the sharing of code, and optimise
the same loops once for each call. A driver, a long function that only calls others, some of them in loops, is left as
it is: LLVM's optimiser and its instruction selector take more than linear time on it, and have nothing to gain.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mlir import ir
from mlir.dialects import llvm

from catgrad.passes.base import Pass
from catgrad.passes.calls import is_private
from catgrad.passes.variants import FORMULA

__all__ = ["Internal"]

_LONG = 256
"""Operations of the LLVM dialect from which a function that only calls is a driver."""


@dataclass(frozen=True)
class Internal(Pass):
    """Hide private functions and keep them out of line, and long drivers unoptimised."""

    name: ClassVar[str] = "catgrad-internal"

    def run(self, module: ir.Operation) -> None:
        """Mark every function of the LLVM dialect that has a body."""
        with module.context:
            for function in module.regions[0].blocks[0].operations:
                if isinstance(function, llvm.LLVMFuncOp) and function.body.blocks:
                    _mark(function)


def _mark(function: llvm.LLVMFuncOp) -> None:
    is_hidden, is_driver = is_private(function), _is_driver(function)
    if is_hidden:
        function.attributes["linkage"] = ir.Attribute.parse("#llvm.linkage<internal>")
    if is_hidden or is_driver:
        function.attributes["no_inline"] = ir.UnitAttr.get()
    if is_driver:
        function.attributes["optimize_none"] = ir.UnitAttr.get()


def _is_driver(function: llvm.LLVMFuncOp) -> bool:
    """Return whether a function is long, computes no formula, and has no loops but those that only call."""
    if FORMULA in function.attributes:
        return False
    names = [op.operation.name for block in function.body.blocks for op in block.operations]
    return len(names) >= _LONG and (len(function.body.blocks) == 1 or "llvm.store" not in names)
