"""How many blocks of a kernel a multiprocessor has to keep, as far as the assembler is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mlir import ir

from catgrad.passes.base import Pass
from catgrad.passes.kernels.walk import named

__all__ = ["KeepRegisters"]

_SHARES = "workgroup_attributions"
_LEAST_BLOCKS = "nvvm.minctasm"


@dataclass(frozen=True)
class KeepRegisters(Pass):
    """Let kernels that share memory have the registers that they need, once they are functions.

    The assembler spills some of them to fit more blocks onto a multiprocessor, unless a kernel states how many it has
    to be: one. Kernels that share nothing need few, and hide the latency of memory by many blocks.
    """

    name: ClassVar[str] = "catgrad-keep-registers"

    def run(self, module: ir.Operation) -> None:
        """State it."""
        for kernel in named(module, "gpu.func"):
            if _SHARES in kernel.attributes and ir.IntegerAttr(kernel.attributes[_SHARES]).value:
                i32 = ir.IntegerType.get_signless(32, kernel.context)
                kernel.attributes[_LEAST_BLOCKS] = ir.IntegerAttr.get(i32, 1)
