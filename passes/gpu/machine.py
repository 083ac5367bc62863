"""Description of a GPU, for making code and for judging it: never a list of special cases.

Reference: CUDA C++ Programming Guide, appendix "Compute Capabilities", table "Technical Specifications per Compute
Capability"; the units in which registers and shared memory are given out are those of the CUDA Occupancy Calculator.

Example:
    >>> GpuMachine.named("sm_100").access_bytes
    16
    >>> GpuMachine.named("sm_100").capability
    (10, 0)
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["GpuMachine", "Multiprocessor"]


@dataclass(frozen=True)
class Multiprocessor:
    """Resources of a multiprocessor, which the blocks that run on it at once share.

    Attributes:
        shared_bytes: Shared memory.
        reserved_bytes: Shared memory that the system takes for itself with each block.
        shared_unit: Shared memory is given out in multiples of as many bytes.
        registers: Registers of 32 bits.
        register_unit: Registers are given to a warp in multiples of as many.
        partitions: Parts that have equal shares of the registers; a warp stays in one.
        warps: The most warps.
        blocks: The most blocks.
    """

    shared_bytes: int
    reserved_bytes: int = 1 << 10
    shared_unit: int = 128
    registers: int = 1 << 16
    register_unit: int = 256
    partitions: int = 4
    warps: int = 64
    blocks: int = 32


@dataclass(frozen=True)
class GpuMachine:
    """A GPU, as the kernels see it.

    Attributes:
        name: Its architecture, as LLVM and ptxas name it.
        multiprocessor: What its multiprocessors have.
        warp: Threads that run in step.
        block: Threads of a block that hide each other's latencies, where nothing else decides.
        access_bytes: The widest access of one thread to memory.
        registers: Registers of 32 bits that a thread may have.
        shared_bytes: Memory that a block may declare to be shared.
        multiprocessors: How many of them run blocks.
        largest_block: Threads that a block may have.
        elements: Elements that a thread computes, where as many threads as one likes may share the work.
        schedulers: Warps of a multiprocessor that each issue an instruction in one clock.
        multiply_adds: What a multiprocessor does of them in one clock, in f32.
        tensor_multiply_adds: What its tensor cores do, with factors of 16 bits.
        load_bytes: What a multiprocessor reads of the memory behind it in one clock.
    """

    name: str
    multiprocessor: Multiprocessor
    warp: int = 32
    block: int = 256
    access_bytes: int = 16
    registers: int = 255
    shared_bytes: int = 48 << 10
    multiprocessors: int = 108
    largest_block: int = 1024
    elements: int = 8
    schedulers: int = 4
    multiply_adds: int = 64
    tensor_multiply_adds: int = 1024
    load_bytes: int = 64

    def __str__(self) -> str:
        return self.name

    @property
    def capability(self) -> tuple[int, int]:
        """The compute capability that a device needs to run its code."""
        number = self.name.removeprefix("sm_")
        return int(number[:-1]), int(number[-1])

    @staticmethod
    def named(name: str) -> GpuMachine:
        """Return the machine called `name`; raise `ValueError` with the known names if there is none."""
        if name not in _PRESETS:
            raise ValueError(f"unknown GPU {name!r}: expected one of {', '.join(sorted(_PRESETS))}")
        return _PRESETS[name]

    @staticmethod
    def names() -> tuple[str, ...]:
        """Return the machines that have a name."""
        return tuple(_PRESETS)


_PRESETS = {
    machine.name: machine
    for machine in (
        GpuMachine("sm_80", Multiprocessor(164 << 10)),
        GpuMachine(
            "sm_90", Multiprocessor(228 << 10), multiprocessors=132, multiply_adds=128, tensor_multiply_adds=2048
        ),
        GpuMachine(
            "sm_100", Multiprocessor(228 << 10), multiprocessors=148, multiply_adds=128, tensor_multiply_adds=2048
        ),
    )
}
"""The A100, H100 and B200: the largest GPU of each architecture.

Reference: CUDA C++ Programming Guide, section "Arithmetic Instructions" (results per clock cycle and multiprocessor);
NVIDIA's white papers on the A100 and H100 (tensor cores).
"""
