"""The last passes of a GPU's kernels and of the host's launches, which agree on how buffers are passed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from mlir import ir
from mlir.passmanager import PassManager

from catgrad.passes.base import Pass
from catgrad.passes.gpu.machine import GpuMachine
from catgrad.passes.kernels.walk import named

__all__ = ["LowerKernels", "LowerLaunches"]

_KERNELS = (
    "nvvm-attach-target{{chip={chip} O=3}},"
    "gpu.module(expand-strided-metadata,lower-affine,convert-scf-to-cf,"
    "convert-vector-to-llvm{{use-vector-alignment=1}},arith-expand{{include-bf16=true}},"
    "convert-gpu-to-nvvm{{use-bare-ptr-memref-call-conv={pointers}}},canonicalize,cse,reconcile-unrealized-casts)"
)
_LAUNCHES = (
    "func.func(gpu-async-region),expand-strided-metadata,lower-affine,"
    "gpu-to-llvm{{use-bare-pointers-for-kernels={pointers}}}"
)


@dataclass(frozen=True)
class LowerKernels(Pass):
    """Lower `gpu.module`s to NVVM, for a GPU."""

    name: ClassVar[str] = "catgrad-lower-kernels"

    machine: GpuMachine = field(default_factory=lambda: GpuMachine.named("sm_80"))

    def run(self, module: ir.Operation) -> None:
        """Run upstream's passes."""
        _run(module, _KERNELS.format(chip=self.machine.name, pointers=_are_pointers(module)))


@dataclass(frozen=True)
class LowerLaunches(Pass):
    """Lower launches to the LLVM dialect."""

    name: ClassVar[str] = "catgrad-lower-launches"

    def run(self, module: ir.Operation) -> None:
        """Run upstream's pass."""
        _run(module, _LAUNCHES.format(pointers=_are_pointers(module)))


def _are_pointers(module: ir.Operation) -> int:
    """Return whether every buffer is passed as its address alone, which it is if all sizes are known."""
    buffers = [x.type for op in named(module, "gpu.launch_func") for x in op.operands]
    return int(all(kind.has_static_shape for kind in buffers if isinstance(kind, ir.MemRefType)))


def _run(module: ir.Operation, pipeline: str) -> None:
    PassManager.parse(f"builtin.module({pipeline})").run(module)
