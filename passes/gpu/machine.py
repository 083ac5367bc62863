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
    """

    name: str
    warp: int = 32
    block: int = 256
    access_bytes: int = 16

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


_PRESETS = {name: GpuMachine(name) for name in ("sm_80", "sm_90", "sm_100")}
