"""The device that is none: kernels run on the processor, and every access is checked."""

from __future__ import annotations

import os

from mlir import ir

from catgrad.runtime.gpu.device import Kernels
from catgrad.runtime.gpu_emulator import Emulator, Memory

__all__ = ["EmulatedDevice"]

SCHEDULE = "CATGRAD_EMULATOR_SCHEDULE"
"""The variable of the environment that says in which order threads run; see `catgrad.runtime.gpu_emulator`."""


class EmulatedDevice:
    """A device in this process's memory.

    Args:
        schedule: In which order threads run.
    """

    def __init__(self, schedule: str | None = None) -> None:
        self.name = "cuda:emulate"
        self._schedule = schedule or os.environ.get(SCHEDULE, "forward")
        self._memory = Memory()

    def load(self, module: ir.Module) -> Kernels:
        """Compile the kernels of a module for the processor; see `catgrad.runtime.gpu.device.Device`."""
        return self.emulator(module)

    def emulator(self, module: ir.Module, counts: bool = False) -> Emulator:
        """Return what runs the kernels of a module in this device's memory; see `Emulator`."""
        return Emulator(module, self._schedule, self._memory, counts)

    def allocate(self, size: int) -> int:
        """Return the address of new memory."""
        return self._memory.allocate(size)

    def free(self, address: int) -> None:
        """Give memory back."""
        self._memory.free(address)

    def copy_in(self, address: int, source: int, size: int) -> None:
        """Copy bytes from the host."""
        self._memory.copy_in(address, source, size)

    def copy_out(self, target: int, address: int, size: int) -> None:
        """Copy bytes to the host."""
        self._memory.copy_out(target, address, size)
