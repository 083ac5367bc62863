"""The device that is none: kernels run on the processor, and every access is checked."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from mlir import ir

from catgrad.runtime.gpu.assembly import to_nothing
from catgrad.runtime.gpu_emulator import Emulator, Memory, Traffic

__all__ = ["EmulatedDevice", "EmulatedKernels"]

SCHEDULE = "CATGRAD_EMULATOR_SCHEDULE"
"""The variable of the environment that says in which order threads run; see `catgrad.runtime.gpu_emulator`."""

_POINTER, _INT, _UINT, _TEXT = ctypes.c_void_p, ctypes.c_int, ctypes.c_uint, ctypes.c_char_p
_LookUp = ctypes.CFUNCTYPE(_INT, ctypes.POINTER(_POINTER), _POINTER, _TEXT)
_Launch = ctypes.CFUNCTYPE(_INT, _POINTER, *[_UINT] * 7, _POINTER, _POINTER, _POINTER)
_UNKNOWN = 999
"""CUDA_ERROR_UNKNOWN."""


class EmulatedKernels:
    """Kernels in an emulator; each runs to its end when it is launched."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self._failures: list[BaseException] = []
        self.module = 0
        self.functions: Mapping[str, Any] = {
            "cuModuleGetFunction": _LookUp(self._look_up),
            "cuLaunchKernel": _Launch(self._launch),
        }

    def launching(self) -> AbstractContextManager[None]:
        """Return what host code runs in."""
        return nullcontext()

    def error(self, function: int, status: int) -> BaseException:
        """Return what was raised in a launch."""
        return self._failures.pop()

    def _look_up(self, function: ctypes._Pointer[ctypes.c_void_p], module: int, name: bytes) -> int:
        function[0] = 1 + self._emulator.kernels.index(name.decode())
        return 0

    def _launch(self, function: int, *rest: int) -> int:
        gx, gy, gz, bx, by, bz, shared_bytes, _, parameters, _ = rest
        try:
            name = self._emulator.kernels[function - 1]
            self._emulator.launch(name, (gx, gy, gz), (bx, by, bz), shared_bytes, parameters)
        except BaseException as error:  # an interrupt as well: native code would go on without it
            self._failures.append(error)
            return _UNKNOWN
        return 0


class EmulatedDevice:
    """A device in this process's memory.

    Args:
        schedule: In which order threads run.
        traffic: Where to note what each launch requests of memory; nothing is counted if None.
    """

    def __init__(self, schedule: str | None = None, traffic: list[Traffic] | None = None) -> None:
        self.name = self.target = "cuda:emulate"
        self.dlpack = (12, 0)  # kDLExtDev: nobody else knows it
        self._schedule = schedule or os.environ.get(SCHEDULE, "forward")
        self._memory = Memory()
        self._traffic = traffic

    def load(self, module: ir.Module) -> EmulatedKernels:
        """Compile the kernels of a module for the processor; see `catgrad.runtime.gpu.device.Device`."""
        kernels = EmulatedKernels(Emulator(module, self._schedule, self._memory, self._traffic))
        to_nothing(module)
        return kernels

    def allocate(self, size: int) -> int:
        """Return the address of new memory."""
        return self._memory.allocate(size)

    def free(self, address: int) -> None:
        """Give memory back."""
        self._memory.free(address)

    def give_back(self, memory: object) -> None:
        """Do nothing: a kernel that was launched is done with it."""

    def copy_in(self, address: int, source: int, size: int) -> None:
        """Copy bytes from the host."""
        self._memory.copy_in(address, source, size)

    def copy_out(self, target: int, address: int, size: int) -> None:
        """Copy bytes to the host."""
        self._memory.copy_out(target, address, size)

    def wait(self) -> None:
        """Do nothing: a kernel that was launched is done."""
