"""What native code makes of functions: only the C interface is visible, and sharing survives LLVM.

Inlining was decided before, where fusion could still gain from it. LLVM would undo the sharing of code, and optimise
the same loops once for each call. A driver, a long function without loops that only calls others, is left as it is:
LLVM's optimiser and its instruction selector take more than linear time on it, and have nothing to gain.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mlir import ir
from mlir.dialects import llvm

from catgrad.passes.base import Pass

__all__ = ["Internal"]

_INTERFACE = "_mlir_ciface_"
_LONG = 512
"""Operations of the LLVM dialect from which a function without loops is a driver."""


@dataclass(frozen=True)
class Internal(Pass):
    """Hide all functions but the C interface, keep kernels out of line, and long drivers unoptimised."""

    name: ClassVar[str] = "catgrad-internal"

    def run(self, module: ir.Operation) -> None:
        """Mark every function of the LLVM dialect that has a body."""
        functions = [f for f in module.regions[0].blocks[0].operations if isinstance(f, llvm.LLVMFuncOp)]
        names = {f.sym_name.value for f in functions}
        with module.context:
            for function in functions:
                if function.body.blocks:
                    _mark(function, is_entry=_INTERFACE + function.sym_name.value in names)


def _mark(function: llvm.LLVMFuncOp, is_entry: bool) -> None:
    is_interface = function.sym_name.value.startswith(_INTERFACE)
    driver = _is_driver(function)
    if not is_interface:
        function.attributes["linkage"] = ir.Attribute.parse("#llvm.linkage<internal>")
    wanted = {"noinline": driver or not (is_interface or is_entry), "optnone": driver}
    attributes = [ir.StringAttr.get(name) for name, yes in wanted.items() if yes]
    if attributes:
        function.attributes["passthrough"] = ir.ArrayAttr.get(attributes)


def _is_driver(function: llvm.LLVMFuncOp) -> bool:
    blocks = function.body.blocks
    return len(blocks) == 1 and len(blocks[0].operations) >= _LONG
