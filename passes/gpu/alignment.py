"""Alignment of shared memory: buffers begin at multiples of the widest access, which their elements do not ask for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from mlir import ir

from catgrad.passes.base import Pass
from catgrad.passes.gpu.machine import GpuMachine
from catgrad.passes.kernels.walk import named

__all__ = ["AlignShared"]

_FOR_BUFFERS = "workgroup_attrib_attrs"


@dataclass(frozen=True)
class AlignShared(Pass):
    """Align the buffers that threads of a block share, so that several of their elements can be accessed at once."""

    name: ClassVar[str] = "catgrad-align-shared"

    machine: GpuMachine = field(default_factory=lambda: GpuMachine.named("sm_80"))

    def run(self, module: ir.Operation) -> None:
        """State the alignment at every kernel that has such buffers."""
        with module.context:
            i64 = ir.IntegerType.get_signless(64)
            aligned = ir.DictAttr.get({"llvm.align": ir.IntegerAttr.get(i64, self.machine.access_bytes)})
            for kernel in named(module, "gpu.func"):
                if "workgroup_attributions" in kernel.attributes:
                    count = ir.IntegerAttr(kernel.attributes["workgroup_attributions"]).value
                    kernel.attributes[_FOR_BUFFERS] = ir.ArrayAttr.get([aligned] * count)
