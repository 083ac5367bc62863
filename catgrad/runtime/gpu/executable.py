"""Executables whose arrays are on a device."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from operator import attrgetter
from types import MappingProxyType
from typing import Any

import numpy as np

from catgrad.runtime.arguments import CONTIGUOUS, READABLE, WRITEABLE, Parameter
from catgrad.runtime.buffers import Shape, address
from catgrad.runtime.dlpack import device_of, from_device
from catgrad.runtime.executable import Code, Executable, Source
from catgrad.runtime.gpu.array import DeviceArray
from catgrad.runtime.gpu.device import Device
from catgrad.runtime.signature import Signature

__all__ = ["GpuExecutable"]

ALIGNMENT = 16
"""Kernels take that many bytes at once."""
_PROBLEMS = {CONTIGUOUS: "is not C-contiguous", WRITEABLE: "is read-only but will be written"}


class GpuExecutable(Executable):
    """A compiled function whose arrays are on a device.

    It is called as `Executable` is. An argument is a `DeviceArray` of its device, or an array of another library that
    is there and has `__dlpack__`, neither of which is copied; or anything that `Executable` takes, which is copied to
    the device. A result is a `DeviceArray`. What is donated on the device is updated in place; of a donated array of
    the host, the copy is, which is returned. So a training loop that hands the state from call to call leaves it on the
    device.

    A call returns when its kernels are launched. The host waits where it looks at a result.

    Args:
        signature: What the code takes and gives.
        code: The host's code.
        device: Where its arrays are, and its kernels run.
        source: What it was compiled from.
        compile_seconds: How long each stage took.
        target: What the code runs on.

    Attributes:
        device: Where its arrays are.
    """

    _address: Callable[[Any], int] = staticmethod(attrgetter("address"))

    def __init__(
        self,
        signature: Signature,
        code: Code,
        device: Device,
        *,
        source: Source | None = None,
        compile_seconds: Mapping[str, float] = MappingProxyType({}),
        target: str,
    ) -> None:
        self.device = device
        self._allocate: Callable[[Shape, np.dtype[Any], int], Any] = lambda shape, dtype, _: DeviceArray(
            device, shape, dtype
        )
        super().__init__(signature, code, source=source, compile_seconds=compile_seconds, target=target)
        self._readable = [replace(parameter, flags=READABLE) for parameter in self._inputs]

    def _admit(self, given: list[Any]) -> list[Any]:
        """Return the arguments on the device, in a new list; copies take the place of what was copied."""
        given[:] = [self._on_device(*each) for each in zip(self._inputs, self._readable, given, strict=True)]
        return list(given)

    def _on_device(self, parameter: Parameter, readable: Parameter, value: Any) -> DeviceArray:
        if isinstance(value, DeviceArray):
            self._check_device(parameter, value)
            return value
        if device_of(value) == self.device.dlpack:
            return self._adopted(parameter, value)
        return DeviceArray.of(self.device, readable.admit(value))

    def _adopted(self, parameter: Parameter, value: Any) -> DeviceArray:
        """Return an array of another library that is on the device."""
        try:
            array = from_device(value)
        except (AttributeError, BufferError, RuntimeError, TypeError, ValueError) as error:
            raise parameter.error(f"it is not handed over ({error})", "pass a DeviceArray, or a NumPy array") from error
        if parameter.type.dtype.numpy != array.dtype:
            raise parameter.error(f"got {array.dtype} of shape {array.shape}", "convert it")
        missing = parameter.flags & ~array.flags.num
        for bit, problem in _PROBLEMS.items():
            if missing & bit:
                raise parameter.error(f"the array {problem}", "pass a copy")
        if address(array) % ALIGNMENT and array.size:
            raise parameter.error(f"its address is no multiple of {ALIGNMENT}", "pass a copy")
        return DeviceArray(self.device, array.shape, array.dtype, array)

    def _check_device(self, parameter: Parameter, value: DeviceArray) -> None:
        dtype = parameter.type.dtype.numpy
        if value.device is not self.device:
            raise parameter.error(f"it is on {value.device.name}", f"pass np.asarray({parameter.name})")
        if value.dtype != dtype:
            problem = f"got {value.dtype} of shape {value.shape}"
            raise parameter.error(problem, f"pass np.asarray({parameter.name}).astype({str(dtype)!r})")

    def _admit_target(self, parameter: Parameter, target: Any, shape: Shape) -> DeviceArray:
        if not isinstance(target, DeviceArray):
            raise parameter.error(f"got a {type(target).__name__}", "pass a DeviceArray, or None for a new one")
        self._check_device(parameter, target)
        if target.shape != shape:
            raise parameter.error(f"the array has shape {target.shape}", f"pass one of shape {shape}, or None")
        return target

    def _is_perfect(self, out: Any, plan: object) -> bool:
        """Return that `out` needs a look."""
        return False
