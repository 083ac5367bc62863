"""Names that no library has: a function may be called `sin`, and still call that of the C library.

    @sin    becomes    @sin.entry if it is public, @sin.function if it is not

What measures the workspace of a function (`catgrad.passes.workspace`) keeps its name, which ends alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mlir import ir
from mlir.dialects import func

from catgrad.passes.base import Pass
from catgrad.passes.calls import is_private
from catgrad.passes.kernels.walk import named
from catgrad.runtime.buffers import ENTRY, MEASURE

__all__ = ["OwnNames"]

_FUNCTION = ".function"


@dataclass(frozen=True)
class OwnNames(Pass):
    """Give every function with a body a name that ends with what it is, after a dot: no function of C has one."""

    name: ClassVar[str] = "catgrad-own-names"

    def run(self, module: ir.Operation) -> None:
        """Rename the functions, and what is called."""
        functions = [op for op in module.regions[0].blocks[0].operations if isinstance(op, func.FuncOp)]
        bodies = {function.sym_name.value: function for function in functions if not function.is_external}
        measures = {name + MEASURE for name in bodies}
        renamed = {
            name: name + (_FUNCTION if is_private(function) else ENTRY)
            for name, function in bodies.items()
            if name not in measures
        }
        with module.context:
            for function in functions:
                if function.sym_name.value in renamed:
                    function.attributes["sym_name"] = ir.StringAttr.get(renamed[function.sym_name.value])
            for call in named(module, "func.call"):
                callee = call.opview.callee.value
                call.attributes["callee"] = ir.FlatSymbolRefAttr.get(renamed.get(callee, callee))
