"""One module for all kernels of a program, which is compiled and loaded once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from mlir import ir
from mlir.dialects import gpu

from catgrad.passes.base import Pass
from catgrad.passes.kernels.walk import named

__all__ = ["OneGpuModule"]

_CONSTANT = "memref.global"
_KERNELS = "kernels"
"""What the module of all kernels is called."""
_FOREIGN = re.compile(r"[^a-zA-Z0-9_$]")
"""What a name in PTX does not have."""


@dataclass(frozen=True)
class OneGpuModule(Pass):
    """Move all kernels into one `gpu.module`, which is there even if it has none; kernels that are equal become one."""

    name: ClassVar[str] = "catgrad-one-gpu-module"

    def run(self, module: ir.Operation) -> None:
        """Rewrite the modules, and the launches."""
        parts = named(module, "gpu.module")
        with module.context, module.location:
            renamed = _merge(module, parts)
            for launch in named(module, "gpu.launch_func"):
                old = ir.SymbolRefAttr(launch.attributes["kernel"]).value
                launch.attributes["kernel"] = ir.SymbolRefAttr.get([_KERNELS, renamed[old[0]]])
        for part in parts:
            part.erase()


def _merge(module: ir.Operation, parts: list[ir.Operation]) -> dict[str, str]:
    """Make the module of all kernels; return what each kernel is called there, by the name of its old module."""
    with ir.InsertionPoint.at_block_begin(module.regions[0].blocks[0]):
        made = gpu.GPUModuleOp(_KERNELS)
        block = made.bodyRegion.blocks.append()
    known: dict[str, str] = {}
    renamed: dict[str, str] = {}
    constants = {ir.StringAttr(op.attributes["sym_name"]).value: op for part in parts for op in named(part, _CONSTANT)}
    for constant in constants.values():
        block.append(constant)
    for part in parts:
        (kernel,) = named(part, "gpu.func")
        own = _FOREIGN.sub("_", ir.StringAttr(kernel.attributes["sym_name"]).value)
        kernel.attributes["sym_name"] = ir.StringAttr.get("kernel")
        text = kernel.get_asm(assume_verified=True, use_local_scope=True)
        if text not in known:
            known[text] = f"{own}_{len(known)}" if own in known.values() else own
            kernel.attributes["sym_name"] = ir.StringAttr.get(known[text])
            block.append(kernel)
        renamed[ir.StringAttr(part.attributes["sym_name"]).value] = known[text]
    return renamed
