"""Host code of a GPU's executable: native code that launches kernels by two functions of the CUDA driver.

`catgrad.passes.gpu.driver_calls` says what it calls. For a device those are the driver's own functions, so that a
launch runs no Python; the emulator has its own. Nothing can be raised through native code: a status that is not 0 is
kept in the record of the call, and becomes an exception when the host's function has returned.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from threading import Lock
from typing import Any

from mlir import ir

from catgrad.errors import CatgradError
from catgrad.native import critical
from catgrad.runtime.engine import jit
from catgrad.runtime.gpu.device import Device, Kernels
from catgrad.runtime.link import Linked

__all__ = ["HostCode", "host_code"]

_RECORD = "catgrad.launches"


class _Launches(ctypes.Structure):
    """Record of a call, as native code reads it."""

    module: int
    function: int
    status: int
    _fields_ = (("module", ctypes.c_uint64), ("function", ctypes.c_uint64), ("status", ctypes.c_int32))


class HostCode:
    """Native code for the host that launches kernels on a device; one call runs at a time.

    Args:
        native: Makes the native code, given what it calls by name.
        kernels: The kernels.
    """

    def __init__(self, native: Callable[[dict[str, Any]], Linked], kernels: Kernels) -> None:
        self._kernels = kernels
        self._launches = _Launches(module=kernels.module)
        self._table = {**kernels.functions, _RECORD: ctypes.pointer(self._launches)}
        self._native = native(self._table)
        self._lock = Lock()
        self.measure = self._native.measure

    def entry(self, frame: int) -> None:
        """Run the code; the kernels that it launches may still run when it returns.

        Raises:
            CatgradError: A kernel failed.
        """
        launches = self._launches
        with self._lock, self._kernels.launching():
            launches.status = 0
            self._native.entry(frame)
            function, status = launches.function, launches.status
        if status:
            raise self._kernels.error(function, status)

    @property
    def object_code(self) -> bytes:
        """Object file, which could be linked elsewhere."""
        raise CatgradError("an executable for a GPU cannot be saved: its kernels are on the device")


@critical()
def host_code(module: ir.Module, name: str, device: Device, opt_level: int) -> HostCode:
    """Load a module's kernels into a device, and compile the host's part.

    Args:
        module: In the LLVM dialect, its kernels in NVVM; the device takes them out.
        name: The function to call.
        device: Where its kernels run.
        opt_level: LLVM's optimisation level.

    Raises:
        CompileError: LLVM or the device refuses something.
    """
    kernels = device.load(module)
    return HostCode(lambda table: jit(module, name, opt_level, table), kernels)
