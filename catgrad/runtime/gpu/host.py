"""Host code of a GPU's executable: MLIR's launches, handed to a device.

The host's function is native code. For each launch it calls what MLIR expects of a GPU's run-time library, by the names
below; here these are Python functions that ask the device. What they raise cannot pass through native code: it is kept,
and raised when the host's function has returned.

Reference: mlir/lib/ExecutionEngine/CudaRuntimeWrappers.cpp of LLVM.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from mlir import ir

from catgrad.errors import CatgradError
from catgrad.runtime.engine import Native, jit
from catgrad.runtime.gpu.assembly import to_binary
from catgrad.runtime.gpu.device import Device, Kernels

__all__ = ["HostCode", "host_code"]

_POINTER, _SIZE, _INT, _TEXT = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int32, ctypes.c_char_p
_HANDLE = 1
"""What stands for the one module and the one stream."""


@dataclass
class _Runtime:
    """The functions that host code calls.

    Attributes:
        kernels: What it launches.
        names: The kernels that it has asked for; their handles are positions here, from 1 on.
        error: What went wrong in the call that is running.
    """

    kernels: Kernels
    names: list[str] = field(default_factory=list)
    error: BaseException | None = None

    def table(self) -> dict[str, Any]:
        """Return the functions by name, as C has them."""
        functions: dict[str, tuple[Any, list[Any], Callable[..., Any]]] = {
            "mgpuModuleLoad": (_POINTER, [_POINTER, _SIZE], lambda *_: _HANDLE),
            "mgpuModuleLoadJIT": (_POINTER, [_POINTER, _INT, _SIZE], lambda *_: _HANDLE),
            "mgpuModuleUnload": (None, [_POINTER], lambda _: None),
            "mgpuModuleGetFunction": (_POINTER, [_POINTER, _TEXT], self._function),
            "mgpuLaunchKernel": (
                None,
                [_POINTER, *[_SIZE] * 6, _INT, _POINTER, _POINTER, _POINTER, _SIZE],
                self._launch,
            ),
            "mgpuStreamCreate": (_POINTER, [], lambda: _HANDLE),
            "mgpuStreamDestroy": (None, [_POINTER], lambda _: None),
            "mgpuStreamSynchronize": (None, [_POINTER], lambda _: None),
        }
        return {name: ctypes.CFUNCTYPE(result, *kinds)(call) for name, (result, kinds, call) in functions.items()}

    def _function(self, _: int, name: bytes) -> int:
        self.names.append(name.decode())
        return len(self.names)

    def _launch(self, function: int, *rest: int) -> None:
        gx, gy, gz, bx, by, bz, shared_bytes, _, parameters, _, _ = rest
        if self.error is not None:
            return
        try:
            name = self.names[function - 1]
            self.kernels.launch(name, (gx, gy, gz), (bx, by, bz), shared_bytes, parameters)
        except BaseException as error:  # an interrupt as well: native code would go on without it
            self.error = error


class HostCode:
    """Native code for the host that launches kernels on a device; one call runs at a time.

    Args:
        native: Makes the native code, given the functions that it calls.
        kernels: The kernels.
    """

    def __init__(self, native: Callable[[dict[str, Any]], Native], kernels: Kernels) -> None:
        self._runtime = _Runtime(kernels)
        self._table = self._runtime.table()
        self._native = native(self._table)
        self._lock = Lock()
        self.measure = self._native.measure

    def entry(self, frame: int) -> None:
        """Run the code.

        Raises:
            CatgradError: A kernel failed.
        """
        with self._lock:
            self._native.entry(frame)
            error, self._runtime.error = self._runtime.error, None
        if error is not None:
            raise error

    @property
    def object_code(self) -> bytes:
        """What could be linked elsewhere."""
        raise CatgradError("an executable for a GPU cannot be saved: its kernels are on the device")


def host_code(module: ir.Module, name: str, device: Device, opt_level: int) -> HostCode:
    """Load a module's kernels into a device, and compile the host's part.

    Args:
        module: In the LLVM dialect, its kernels in NVVM; they are replaced by their PTX.
        name: The function to call.
        device: Where its kernels run.
        opt_level: LLVM's optimisation level.

    Raises:
        CompileError: LLVM or the device refuses something.
    """
    kernels = device.load(module)
    to_binary(module)
    return HostCode(lambda table: jit(module, name, opt_level, table), kernels)
