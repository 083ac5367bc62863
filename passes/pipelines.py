"""The way from the catgrad dialect to machine code, as data.

Example:
    >>> [stage.name for stage in stages()]
    ['catgrad', 'linalg', 'fused', 'destinations', 'bufferized', 'kernels', 'loops', 'llvm']
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from catgrad.errors import RegistryError
from catgrad.passes.base import Pass, Pipeline, Stage
from catgrad.passes.constant_bytes import ConstantBytes
from catgrad.passes.destinations import Destinations
from catgrad.passes.float_bits import FloatBits
from catgrad.passes.frames import EntryFrames
from catgrad.passes.fuse import FuseElementwise
from catgrad.passes.gpu.alignment import AlignShared
from catgrad.passes.gpu.driver_calls import DriverCalls
from catgrad.passes.gpu.kernels import GpuKernels
from catgrad.passes.gpu.machine import GpuMachine
from catgrad.passes.gpu.modules import OneGpuModule
from catgrad.passes.gpu.residence import KeepRegisters
from catgrad.passes.internal import Internal
from catgrad.passes.kernels.contraction import ContractionKernels
from catgrad.passes.kernels.copies import StridedCopies
from catgrad.passes.kernels.fills import SeparateFills
from catgrad.passes.kernels.invariants import HoistInvariantLoads
from catgrad.passes.kernels.reduction import ReductionKernels
from catgrad.passes.machine import Machine
from catgrad.passes.multiply_add import EmulateMultiplyAdd
from catgrad.passes.names import OwnNames
from catgrad.passes.narrow_floats import NarrowFloats
from catgrad.passes.pointers import PointerArguments
from catgrad.passes.remainder import LongDivision
from catgrad.passes.reshapes import ReshapeViews
from catgrad.passes.rolled import RolledLoops
from catgrad.passes.share import ShareKernels
from catgrad.passes.variants import VectorVariants
from catgrad.passes.workspace import Workspace
from catgrad.target import HOST, is_cpu, known
from catgrad.target import target as processor

__all__ = ["CpuPipeline", "CudaPipeline", "stages"]

_SCALARS = frozenset({"builtin", "func", "arith", "math", "ub"})
_CONTROL = frozenset({"scf", "cf"})
_TENSORS = _SCALARS | _CONTROL | {"tensor", "linalg"}
_FRAMES = frozenset({"llvm.getelementptr", "llvm.insertvalue", "llvm.load", "llvm.mlir.undef"})
_DRIVERS = frozenset({"bufferization", "memref"}) | _FRAMES
_BUFFERS = _SCALARS | _CONTROL | {"memref", "linalg"} | _FRAMES

_BUFFERIZE = (
    "one-shot-bufferize{bufferize-function-boundaries=true function-boundary-type-conversion=identity-layout-map},"
    "canonicalize,cse,drop-equivalent-buffer-results,"
    # Callers own what callees make, so that every buffer has a place in one function.
    "buffer-results-to-out-params{hoist-static-allocs=true hoist-dynamic-allocs=true},"
    "canonicalize,func.func(buffer-loop-hoisting)"
)
_LOWER = (
    "expand-strided-metadata,lower-affine,convert-scf-to-cf,convert-vector-to-llvm,convert-math-to-llvm,"
    "arith-expand,finalize-memref-to-llvm,convert-arith-to-llvm,"
    "convert-index-to-llvm,convert-func-to-llvm,convert-cf-to-llvm,convert-ub-to-llvm,reconcile-unrealized-casts"
)

_INLINE = "inline{default-pipeline=},symbol-dce"
_TO_NVVM = (
    "nvvm-attach-target{{chip={architecture} O=3}},"
    "gpu.module(convert-nvgpu-to-nvvm,expand-strided-metadata,lower-affine,convert-scf-to-cf,"
    "convert-vector-to-llvm{{use-vector-alignment=1}},arith-expand,"
    "convert-gpu-to-nvvm,canonicalize,cse,reconcile-unrealized-casts)"
)
_LAUNCHES = "func.func(gpu-async-region),expand-strided-metadata,lower-affine,gpu-to-llvm"
_OUTLINE = "gpu-launch-sink-index-computations,gpu-kernel-outlining,canonicalize,cse"


def stages(target: str = "cpu", machine: Machine | None = None, lowering: Pass | None = None) -> tuple[Stage, ...]:
    """Return the stages that compile a module of the catgrad dialect for `target`.

    Args:
        target: A processor, as in `catgrad.target`: "cpu", "cpu:x86-64-v3"; "cuda", or "cuda:sm_90" for GPUs of one
            architecture and later ones; "cuda:emulate".
        machine: What kernels know of the processor; what the target says if None.
        lowering: The pass from the catgrad dialect to linalg; the whole table of rules if None.

    Raises:
        CatgradError: There is no such target.
    """
    common = _common((lowering,) if lowering else _lowering())
    if is_cpu(target):
        return (*common, *_cpu(machine or Machine.of(processor(target))))
    if target in _GPUS:
        return (*common, *_cuda(_GPUS[target]))
    raise RegistryError(f"unknown target {target!r}: expected one of {', '.join((*known(), *_GPUS))}")


def _lowering() -> tuple[Pass | str, ...]:
    """Return the passes from the catgrad dialect to linalg."""
    # Here and not above: they depend on the operation table, which the pipelines themselves do not need.
    from catgrad.passes.roll import RollCalls
    from catgrad.passes.to_linalg import ToLinalg

    return RollCalls(), "symbol-dce", ToLinalg()


def _formulas(outside_loops: bool = False, calls: Machine | None = None) -> Pass:
    """Return the pass that expands elementary functions, whose formulas lie with the lowerings."""
    from catgrad.passes.elementary import ExpandElementary

    return ExpandElementary(outside_loops, calls)


def _common(lowering: tuple[Pass | str, ...]) -> tuple[Stage, ...]:
    """Return the stages from the dialect to linalg on buffers, which all targets have."""
    scalars = _formulas(outside_loops=True)
    return (
        Stage("catgrad", (), _TENSORS | {"catgrad"}),
        Stage("linalg", lowering, _TENSORS | _DRIVERS),
        Stage(
            "fused",
            (scalars, "canonicalize,cse", FuseElementwise(), "canonicalize,cse", SeparateFills()),
            _TENSORS | _DRIVERS,
        ),
        Stage("destinations", (Destinations(),), _TENSORS | _DRIVERS),
        Stage("bufferized", (_BUFFERIZE, ReshapeViews(), StridedCopies()), _BUFFERS),
    )


def _cpu(machine: Machine) -> tuple[Stage, ...]:
    """Return the last stages for processors."""
    emulation = () if machine.multiply_add else (EmulateMultiplyAdd(),)
    narrow = NarrowFloats(machine.half_conversions)
    return (
        Stage(
            "kernels",
            (
                *(ShareKernels(), _formulas(calls=machine), "canonicalize,cse"),
                *(ContractionKernels(machine), ReductionKernels(machine), *emulation, "cse", Workspace()),
            ),
            _BUFFERS | {"vector"},
        ),
        Stage(
            "loops",
            ("convert-linalg-to-loops,canonicalize,cse", HoistInvariantLoads(), LongDivision(), narrow),
            (_BUFFERS | {"vector"}) - {"linalg"},
        ),
        Stage(
            "llvm",
            (
                *(OwnNames(), EntryFrames(), PointerArguments(), _LOWER, "canonicalize,cse"),
                *(RolledLoops(), FloatBits(), ConstantBytes(), Internal(), VectorVariants(), _INLINE),
            ),
            frozenset({"builtin", "llvm"}),
        ),
    )


def _cuda(architecture: str) -> tuple[Stage, ...]:
    """Return the last stages for GPUs."""
    machine = GpuMachine.named(architecture)
    return (
        Stage(
            "gpu",
            (
                *(_formulas(), "canonicalize,cse", GpuKernels(machine), "canonicalize,cse", Workspace(), _OUTLINE),
                *(OneGpuModule(), AlignShared(machine), KeepRegisters(), ShareKernels()),
            ),
            (_BUFFERS | {"gpu", "llvm", "nvgpu", "nvvm", "vector"}) - {"linalg"},
        ),
        Stage(
            "nvvm",
            (NarrowFloats(half_conversions=True), _TO_NVVM.format(architecture=architecture), RolledLoops()),
            _BUFFERS | {"gpu", "llvm", "nvvm"},
        ),
        Stage(
            "llvm",
            (OwnNames(), EntryFrames(), _LAUNCHES, _LOWER, "canonicalize,cse", Internal(), DriverCalls()),
            frozenset({"builtin", "gpu", "llvm", "nvvm"}),
        ),
    )


_GPUS = {
    "cuda": "sm_80",
    "cuda:emulate": "sm_80",
    **{f"cuda:{architecture}": architecture for architecture in GpuMachine.names()},
}
"""The architecture that a GPU's kernels are made for, by target."""


@dataclass(frozen=True)
class CpuPipeline(Pipeline):
    """Compile the catgrad dialect to the LLVM dialect for a processor.

    Attributes:
        target: The processor: cpu for this one, or any, as cpu:x86-64-v3.
    """

    name: ClassVar[str] = "catgrad-cpu-pipeline"

    target: str = HOST

    def stages(self) -> tuple[Stage, ...]:
        """Return the stages for the processor."""
        _check_kind(self.target, is_cpu(self.target), known())
        return stages(self.target)


@dataclass(frozen=True)
class CudaPipeline(Pipeline):
    """Compile the catgrad dialect to NVVM and the LLVM dialect.

    Attributes:
        target: The GPUs: those of an architecture and later ones, as cuda:sm_90.
    """

    name: ClassVar[str] = "catgrad-cuda-pipeline"

    target: str = "cuda"

    def stages(self) -> tuple[Stage, ...]:
        """Return the stages for the GPUs."""
        _check_kind(self.target, not is_cpu(self.target), _GPUS)
        return stages(self.target)


def _check_kind(target: str, fits: bool, names: Iterable[str]) -> None:
    if not fits:
        raise RegistryError(f"unknown target {target!r}: expected one of {', '.join(names)}")
