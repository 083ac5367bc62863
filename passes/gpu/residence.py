"""Launch bounds: how many blocks of a kernel a multiprocessor has to keep, as far as the assembler is told.

Reference: Volkov, "Better performance at lower occupancy" (2010), on threads that do more each and are fewer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mlir import ir

from catgrad.passes.base import Pass
from catgrad.passes.kernels.view import width
from catgrad.passes.kernels.walk import named

__all__ = ["KeepRegisters"]

_SHARES = "workgroup_attributions"
_LEAST_BLOCKS = "nvvm.minctasm"
_REGISTER_BITS = 32


@dataclass(frozen=True)
class KeepRegisters(Pass):
    """Let kernels that need many registers have them, once they are functions.

    The assembler spills some of them to fit more blocks onto a multiprocessor, unless a kernel states how many it has
    to be: one, for those whose threads share memory or combine their results, and for those on floats that are not as
    wide as a register: of 16 bits, of which a thread computes eight at once, or of 64 bits, each of which takes two
    registers. The others need few registers, and hide the latency of memory by many blocks.
    """

    name: ClassVar[str] = "catgrad-keep-registers"

    def run(self, module: ir.Operation) -> None:
        """State it."""
        for kernel in named(module, "gpu.func"):
            if _shares(kernel) or any(named(kernel, "gpu.shuffle")) or _is_on_other_widths(kernel):
                i32 = ir.IntegerType.get_signless(32, kernel.context)
                kernel.attributes[_LEAST_BLOCKS] = ir.IntegerAttr.get(i32, 1)


def _shares(kernel: ir.Operation) -> bool:
    """Return whether the threads of a kernel share memory."""
    return _SHARES in kernel.attributes and ir.IntegerAttr(kernel.attributes[_SHARES]).value > 0


def _is_on_other_widths(kernel: ir.Operation) -> bool:
    """Return whether a kernel is on floating-point elements that are not as wide as a register."""
    kinds = ir.FunctionType(ir.TypeAttr(kernel.attributes["function_type"]).value).inputs
    elements = [ir.MemRefType(kind).element_type for kind in kinds if isinstance(kind, ir.MemRefType)]
    return any(isinstance(each, ir.FloatType) and width(each) != _REGISTER_BITS for each in elements)
