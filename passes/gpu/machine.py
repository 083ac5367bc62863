"""What a code generator must know of a GPU: a description, never a list of special cases.

Example:
    >>> GpuMachine.named("sm_100").access_bytes
    16
    >>> GpuMachine.named("sm_100").capability
    (10, 0)
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["GpuMachine"]


@dataclass(frozen=True)
class GpuMachine:
    """A GPU, as the kernels see it.

    Attributes:
        name: Its architecture, as LLVM and ptxas name it.
        warp: Threads that run in step.
        block: Threads of a block that hide each other's latencies, where nothing else decides.
        access_bytes: The widest access of one thread to memory.
        registers: Registers of 32 bits that a thread may have.
        block_registers: Those that the threads of a block share.
        multiprocessors: How many of them run blocks.
        largest_block: Threads that a block may have.
        elements: Elements that a thread computes, where as many threads as one likes may share the work.
    """

    name: str
    warp: int = 32
    block: int = 256
    access_bytes: int = 16
    registers: int = 255
    block_registers: int = 65536
    multiprocessors: int = 108
    largest_block: int = 1024
    elements: int = 8

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
        GpuMachine("sm_80"),
        GpuMachine("sm_90", multiprocessors=132),
        GpuMachine("sm_100", multiprocessors=148),
    )
}
