"""The order of what happens on a device of the CUDA driver, and what has failed in it.

Everything happens in the driver's default stream, in the device's primary context, which other libraries share: what
they launch in that stream and what is launched here is in one order. Calls return before kernels have run; the host
waits where it reads. So a failure inside a kernel is found later, by whatever comes next, and the driver does not say
which kernel it was: the error names those that nobody has waited for since. With CUDA_LAUNCH_BLOCKING=1, a variable of
the driver's, each launch waits, and the error names its kernel.

Reference: https://docs.nvidia.com/cuda/cuda-driver-api/
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from types import ModuleType
from typing import Any

from catgrad.errors import DeviceError
from catgrad.runtime.gpu.driver import BLOCKING, Properties, checked, describe

__all__ = ["STREAM", "CudaStream"]

STREAM = 0
"""The default stream, as the driver knows it."""

_NAMED = 8
"""Kernels that an error names at most."""
_FATAL = frozenset({214, 220, 226, 700, 702, 710, 714, 715, 716, 717, 718, 719, 721})
"""Failures inside kernels and of the hardware, after which the driver gives nothing but the same error."""


class CudaStream:
    """The default stream of the first device.

    Args:
        driver: The bindings.
        about: What the driver says of the device.

    Attributes:
        context: Makes the device that of the calling thread, inside a `with`.
        running: What was launched, with the names of the kernels that may run still; what is here is kept.
    """

    def __init__(self, driver: ModuleType, about: Properties) -> None:
        self.driver = driver
        self.about = about
        self.context = _Context(driver)
        self.running: dict[object, Collection[str]] = {}

    def attempt(self, function: Callable[..., tuple[Any, ...]], *arguments: Any) -> tuple[int, Any]:
        """Call a function of the driver for the device; return the status, and what the function gave.

        Raises:
            DeviceError: The device's context is lost, or driver and bindings are of versions that do not fit.
        """
        with self.context:
            try:
                status, *values = function(*arguments)
            except (RuntimeError, ValueError) as error:  # the one has a function, or a status, that the other has not
                raise DeviceError(f"{self.about.name}: {error}") from error
        return int(status), values[0] if values else None

    def checked(self, what: str, function: Callable[..., tuple[Any, ...]], *arguments: Any) -> Any:
        """Call a function of the driver for the device; return what the function gave.

        Raises:
            DeviceError: It has failed; the message begins with `what`.
        """
        status, value = self.attempt(function, *arguments)
        if status:
            raise self.failure(what, status)
        return value

    def wait(self, what: str, function: Callable[..., tuple[Any, ...]], *arguments: Any) -> None:
        """Call a function of the driver that waits for all that was launched.

        Raises:
            DeviceError: It has failed, or a kernel has.
        """
        running, self.running = self.running, {}
        status, _ = self.attempt(function, *arguments)
        if status:
            self.running = {**running, **self.running}
            raise self.failure(what, status)

    def failure(self, what: str, status: int, is_certain: bool = False) -> DeviceError:
        """Return what to raise after a failure.

        Args:
            what: What has failed.
            status: What the driver gave.
            is_certain: That nothing else has failed before.
        """
        message = f"{self.about.name}: {what}: {describe(self.driver, status)}"
        if status not in _FATAL:
            return DeviceError(message)
        suspects = "" if is_certain else self._suspects()
        return DeviceError(f"{message}{suspects}: the device is lost to this process, which has to be restarted")

    def _suspects(self) -> str:
        """Return which kernels may have failed."""
        names = [name for kernels in self.running.values() for name in kernels]
        if not names:
            return ""
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        return f", in one of the kernels {', '.join(names[:_NAMED])}{more} ({BLOCKING}=1 tells which)"


class _Context:
    """The primary context of a device, which is the calling thread's inside a `with`; what was before, comes back.

    It is kept to the end of the process: there may be arrays as long.
    """

    def __init__(self, driver: ModuleType) -> None:
        self._driver = driver
        self._handle = checked(driver, driver.cuDevicePrimaryCtxRetain(checked(driver, driver.cuDeviceGet(0))))

    def __enter__(self) -> None:
        (status,) = self._driver.cuCtxPushCurrent(self._handle)
        if status:
            raise DeviceError(f"the device's context is lost: {describe(self._driver, status)}")

    def __exit__(self, *_: object) -> None:
        self._driver.cuCtxPopCurrent()
