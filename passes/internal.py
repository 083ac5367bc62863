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
_LONG = 256
"""Operations of the LLVM dialect from which a function without loops is a driver."""


@dataclass(frozen=True)
class Internal(Pass):
    """Hide all functions but the C interface, keep kernels out of line, and long drivers unoptimised."""

    name: ClassVar[str] = "catgrad-internal"

    def run(self, module: ir.Operation) -> None:
        """Mark every function of the LLVM dialect that has a body.

        An entry is called by its interface alone, and is there to be inlined into it.
        """
        functions = [f for f in module.regions[0].blocks[0].operations if isinstance(f, llvm.LLVMFuncOp)]
        bodies = {f.sym_name.value: f for f in functions if f.body.blocks}
        with module.context:
            for name, function in bodies.items():
                entry = bodies.get(name.removeprefix(_INTERFACE))
                if name.startswith(_INTERFACE) and entry is not None:
                    _keep_simple(function, _is_driver(entry))
                    continue
                function.attributes["linkage"] = ir.Attribute.parse("#llvm.linkage<internal>")
                if _INTERFACE + name not in bodies:
                    function.attributes["no_inline"] = ir.UnitAttr.get()
                    _keep_simple(function, _is_driver(function))


def _keep_simple(function: llvm.LLVMFuncOp, is_driver: bool) -> None:
    """Keep LLVM from optimising a driver."""
    if is_driver:
        function.attributes["no_inline"] = ir.UnitAttr.get()
        function.attributes["optimize_none"] = ir.UnitAttr.get()


def _is_driver(function: llvm.LLVMFuncOp) -> bool:
    blocks = function.body.blocks
    return len(blocks) == 1 and len(blocks[0].operations) >= _LONG
