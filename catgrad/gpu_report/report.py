"""The report on a program: what is known of each launch, in one place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from mlir import ir

from catgrad.backend import emitted
from catgrad.cached import cached_property
from catgrad.errors import CatgradError
from catgrad.gpu_report.gpus import Gpu
from catgrad.gpu_report.launches import Launch, launches
from catgrad.gpu_report.machine_code import MachineCode, machine_code
from catgrad.gpu_report.occupancy import Occupancy, occupancy
from catgrad.gpu_report.traffic import measure
from catgrad.native import critical
from catgrad.passes.base import Stage
from catgrad.passes.gpu.machine import GpuMachine
from catgrad.passes.gpu.work import Work
from catgrad.passes.pipelines import stages
from catgrad.passes.runner import run
from catgrad.runtime import Signature
from catgrad.runtime.gpu.assembly import ptx
from catgrad.runtime.gpu_emulator import Traffic
from catgrad.term import Term
from catgrad.types import TensorType

__all__ = ["LaunchReport", "Report", "Roofline", "launch_report", "report", "roofline"]

_MEMORY = "memory"
_LAUNCHES = "gpu"
"""The stage after which the host's function has its launches."""


@dataclass(frozen=True)
class Roofline:
    """The least time that a GPU needs for some work.

    Attributes:
        seconds: That time.
        bound: What takes it: "memory", or the format of the arithmetic.
    """

    seconds: float
    bound: str


def roofline(work: Work, gpu: Gpu) -> Roofline:
    """Return the least time that a GPU needs: memory and arithmetic units work at once, each at its peak."""
    seconds = {_MEMORY: (work.read + work.written) / gpu.bandwidth}
    seconds |= {format: flop / gpu.flops[format] for format, flop in work.flop.items()}
    bound = max(seconds, key=lambda name: seconds[name])
    return Roofline(seconds[bound], bound)


@dataclass(frozen=True)
class LaunchReport:
    """Report on one launch.

    Attributes:
        launch: What is launched, and its work.
        code: The kernel's machine code.
        occupancy: What of it is on a multiprocessor at once.
        roofline: The least time that its work takes.
        traffic: What its threads request of global memory; None if that was not counted.
    """

    launch: Launch
    code: MachineCode
    occupancy: Occupancy
    roofline: Roofline
    traffic: Traffic | None

    @property
    def shared_bytes(self) -> int:
        """Shared memory of a block: what the kernel declares, and what the launch adds."""
        return _shared_bytes(self.launch, self.code)


def _shared_bytes(launch: Launch, code: MachineCode) -> int:
    return code.usage.shared_bytes + launch.shared_bytes


def launch_report(launch: Launch, code: MachineCode, traffic: Traffic | None, gpu: Gpu) -> LaunchReport:
    """Put together what is known of a launch."""
    machine = GpuMachine.named(gpu.architecture)
    warps = occupancy(machine, prod(launch.block), code.usage.registers, _shared_bytes(launch, code))
    return LaunchReport(launch, code, warps, roofline(launch.work, gpu), traffic)


@dataclass(frozen=True)
class Report:
    """Report on a program.

    Attributes:
        gpu: The GPU that times are for.
        launches: Its launches, in the order in which they happen.
        least: What the whole function has to do, if no launch had to hand anything on to the next: to do the
            arithmetic, to read its arguments, and to write its results.
    """

    gpu: Gpu
    launches: tuple[LaunchReport, ...]
    least: Work

    @cached_property
    def work(self) -> Work:
        """The work of all launches together."""
        return _together([each.launch.work for each in self.launches])

    @cached_property
    def traffic(self) -> Traffic | None:
        """Global memory traffic of all launches together, if that was counted."""
        counted = [each.traffic for each in self.launches if each.traffic is not None]
        if len(counted) < len(self.launches):
            return None
        return Traffic(sum(each.read for each in counted), sum(each.written for each in counted))

    @property
    def seconds(self) -> float:
        """The least time that the launches take, one after the other."""
        return sum(each.roofline.seconds for each in self.launches)

    @property
    def least_time(self) -> Roofline:
        """The least time that the whole function takes, if it were one kernel."""
        return roofline(self.least, self.gpu)


def report(term: Term, signature: Signature, gpu: Gpu, *, counts: bool = True) -> Report:
    """Compile a program for a GPU, and return what is known of its kernels.

    Args:
        term: A simplified term, all of whose sizes are known.
        signature: What its code takes and gives.
        gpu: The GPU.
        counts: Whether to run the program on the emulator, to count what it requests of memory.

    Raises:
        CatgradError: A size is not known.
        CompileError: NVIDIA's assembler or disassembler is not there, or a pass failed.
    """
    if signature.symbols:
        open_sizes = ", ".join(map(str, signature.symbols))
        raise CatgradError(f"a report needs every size: {signature.name} leaves {open_sizes} open")
    module, found = _compiled(term, signature, gpu)
    codes = machine_code(ptx(module))
    traffic: Sequence[Traffic | None] = measure(module, signature) if counts else [None] * len(found)
    rows = [launch_report(launch, codes[launch.kernel], each, gpu) for launch, each in zip(found, traffic, strict=True)]
    arithmetic = _together([each.work for each in found]).flop
    return Report(gpu, tuple(rows), Work(arithmetic, _bytes(signature.inputs), _bytes(signature.outputs)))


@critical()
def _compiled(term: Term, signature: Signature, gpu: Gpu) -> tuple[ir.Module, tuple[Launch, ...]]:
    """Return the module after the last stage, and its launches, which the stage "gpu" shows."""
    found: dict[str, tuple[Launch, ...]] = {}

    def look(stage: Stage, module: ir.Module) -> None:
        if stage.name == _LAUNCHES:
            found[_LAUNCHES] = launches(module, signature.name)

    module = emitted((term, signature))
    run(module, stages(f"cuda:{gpu.architecture}"), look)
    return module, found[_LAUNCHES]


def _together(works: Sequence[Work]) -> Work:
    flop = Counter[str]()
    for work in works:
        flop.update(work.flop)
    return Work(dict(flop), sum(work.read for work in works), sum(work.written for work in works))


def _bytes(types: Sequence[TensorType]) -> int:
    return sum(prod(map(int, each.shape)) * each.dtype.numpy.itemsize for each in types)
