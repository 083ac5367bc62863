"""Kernels that the CUDA driver has compiled from PTX."""

from __future__ import annotations

import ctypes
import os
import re
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from catgrad.errors import CompileError, DeviceError
from catgrad.runtime.gpu.driver import BLOCKING, LIBRARY, describe
from catgrad.runtime.gpu.stream import CudaStream

__all__ = ["CudaKernels"]

_ENTRY = re.compile(r"^\.visible \.entry ([\w$]+)", re.MULTILINE)
_LOG = 1 << 14
"""Bytes for what the driver says of PTX that it refuses."""
_UNSUPPORTED_PTX = 222


class CudaKernels:
    """Kernels that the driver has compiled; see `catgrad.runtime.gpu.device.Kernels`.

    Args:
        stream: Where they run.
        text: Their PTX.

    Raises:
        CompileError: The driver refuses the PTX; the message has what it says of it.

    Attributes:
        names: What each is called, by the driver's handle.
    """

    def __init__(self, stream: CudaStream, text: str) -> None:
        self._stream = stream
        library = ctypes.CDLL(LIBRARY)
        functions = ("cuModuleGetFunction", "cuLaunchKernel")
        self.functions: Mapping[str, Any] = {name: getattr(library, name) for name in functions}
        names = _ENTRY.findall(text)
        self.module = self._load(text) if names else 0
        if self.module:
            weakref.finalize(self, _unload, stream, self.module).atexit = False
        self.names = {self._find(name): name for name in names}

    @contextmanager
    def launching(self) -> Iterator[None]:
        """Make the device that of the calling thread, and remember that the kernels may run."""
        with self._stream.context:
            yield
        self._stream.running[self] = self.names.values()

    def error(self, function: int, status: int) -> DeviceError:
        """Return what to raise when a launch failed: it may have waited, or found that an earlier kernel failed."""
        what = f"the launch of {self.names.get(function, 'a kernel')} failed"
        return self._stream.failure(what, status, is_certain=os.environ.get(BLOCKING) == "1")

    def _load(self, text: str) -> int:
        """Have the driver compile PTX; return its handle of the module."""
        driver, log = self._stream.driver, bytearray(_LOG)
        options = [driver.CUjit_option.CU_JIT_ERROR_LOG_BUFFER, driver.CUjit_option.CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES]
        image = text.encode() + b"\0"
        status, module = self._stream.attempt(driver.cuModuleLoadDataEx, image, len(options), options, [log, len(log)])
        if status:
            said = log.partition(b"\0")[0].decode(errors="replace").strip()
            advice = "update the driver, or compile for target='cuda:sm_80'" if status == _UNSUPPORTED_PTX else ""
            problem = f"{self._stream.about.name} refuses the kernels: {describe(driver, status)}"
            raise CompileError(": ".join(filter(None, (problem, advice or said))))
        return int(module)

    def _find(self, name: str) -> int:
        """Return the driver's handle of a kernel, which may use all the shared memory that a block can have."""
        driver, attributes = self._stream.driver, self._stream.driver.CUfunction_attribute
        call, what = self._stream.checked, f"cannot load {name}"
        function = call(what, driver.cuModuleGetFunction, self.module, name.encode())
        declared = call(what, driver.cuFuncGetAttribute, attributes.CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES, function)
        most = attributes.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
        call(what, driver.cuFuncSetAttribute, function, most, self._stream.about.shared_memory - declared)
        return int(function)


def _unload(stream: CudaStream, module: int) -> None:
    """Give kernels back that nobody can launch, and that are done: `CudaStream.running` has those that may not be."""
    with suppress(DeviceError):
        stream.attempt(stream.driver.cuModuleUnload, module)
