"""A device of the CUDA driver.

Everything happens in the driver's default stream, in the device's primary context, which other libraries share: what
they launch in that stream and what is launched here is in one order. Calls return before kernels have run; the host
waits where it reads. So a failure inside a kernel is found later, by whatever comes next, and the driver does not say
which kernel it was: the error names those that nobody has waited for since. With CUDA_LAUNCH_BLOCKING=1, a variable of
the driver's, each launch waits, and the error names its kernel.

Memory comes from a pool that keeps what is freed: an array costs an allocation by the operating system only while the
pool grows. Freed memory may be used again at once, by what comes later in the stream.

Reference: https://docs.nvidia.com/cuda/cuda-driver-api/
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from contextlib import suppress
from types import ModuleType
from typing import Any

from mlir import ir

from catgrad.errors import DeviceError
from catgrad.passes.gpu.machine import GpuMachine
from catgrad.runtime.gpu.assembly import embedded, to_binary
from catgrad.runtime.gpu.cuda_kernels import CudaKernels
from catgrad.runtime.gpu.driver import BLOCKING, MissingDriver, Properties, checked, describe, open_driver, properties

__all__ = ["CudaDevice"]

_STREAM = 0
"""The default stream."""
_NAMED = 8
"""Kernels that an error names at most."""
_BORROWED = 64
"""Arrays of other libraries that are kept at most until somebody waits."""

_OUT_OF_MEMORY = 2
_FATAL = frozenset({214, 220, 226, 700, 702, 710, 714, 715, 716, 717, 718, 719, 721})
"""Failures inside kernels and of the hardware, after which the driver gives nothing but the same error."""


class CudaDevice:
    """The first device of the CUDA driver; the environment's CUDA_VISIBLE_DEVICES says which one that is.

    Raises:
        MissingDriver: There is no driver, no device, or none that is new enough.

    Attributes:
        driver: The bindings.
        about: What the driver says of it.
        context: Makes the device that of the calling thread, inside a `with`.
        running: The kernels that may run still, as keys.
    """

    dlpack = (2, 0)  # kDLCUDA

    def __init__(self) -> None:
        self.driver = driver = open_driver()
        devices = properties(driver)
        if not devices:
            raise MissingDriver("the CUDA driver has no device")
        self.about = devices[0]
        self.name = self.about.name
        self.target = f"cuda:{_best(self.about)}"
        self.context = _Context(driver)
        self.running: dict[CudaKernels, None] = {}
        self._borrowed: list[object] = []
        with self.context:
            self._pool = _pool(driver)

    def load(self, module: ir.Module) -> CudaKernels:
        """Have the driver compile the kernels of a module; see `catgrad.runtime.gpu.device.Device`."""
        to_binary(module)
        return CudaKernels(self, embedded(module))

    def allocate(self, size: int) -> int:
        """Return the address of new memory, a multiple of 256."""
        take = self.driver.cuMemAllocFromPoolAsync, size, self._pool, _STREAM
        status, address = self.attempt(*take)
        if status == _OUT_OF_MEMORY:
            self._tidy()
            status, address = self.attempt(*take)
        if status:
            raise self.failure(f"cannot allocate {size:,} bytes", status)
        return int(address)

    def free(self, address: int) -> None:
        """Give memory back to the pool."""
        with suppress(DeviceError):  # memory of a context that is lost is lost with it
            self.attempt(self.driver.cuMemFreeAsync, address, _STREAM)

    def give_back(self, memory: object) -> None:
        """Keep memory of another library until somebody waits: it may be used again in another stream than ours."""
        self._borrowed.append(memory)
        if len(self._borrowed) >= _BORROWED:
            with suppress(DeviceError):  # which the next who waits is told
                self.wait()

    def copy_in(self, address: int, source: int, size: int) -> None:
        """Copy bytes from the host; returns when they are read."""
        status, _ = self.attempt(self.driver.cuMemcpyHtoD, address, source, size)
        if status:
            raise self.failure(f"cannot copy {size:,} bytes to the device", status)

    def copy_out(self, target: int, address: int, size: int) -> None:
        """Copy bytes to the host, after all that was launched."""
        self._await(f"cannot copy {size:,} bytes from the device", self.driver.cuMemcpyDtoH, target, address, size)

    def wait(self) -> None:
        """Wait for all that was launched."""
        self._await("the device has failed", self.driver.cuStreamSynchronize, _STREAM)

    def attempt(self, function: Callable[..., tuple[Any, ...]], *arguments: Any) -> tuple[int, Any]:
        """Call a function of the driver for this device; return the status, and what the function gave.

        Raises:
            DeviceError: The device's context is lost, or driver and bindings are of versions that do not fit.
        """
        with self.context:
            try:
                status, *values = function(*arguments)
            except (RuntimeError, ValueError) as error:  # the one has a function, or a status, that the other has not
                raise DeviceError(f"{self.name}: {error}") from error
        return int(status), values[0] if values else None

    def failure(self, what: str, status: int, is_certain: bool = False) -> DeviceError:
        """Return what to raise after a failure.

        Args:
            what: What has failed.
            status: What the driver gave.
            is_certain: That nothing else has failed before.
        """
        message = f"{self.name}: {what}: {describe(self.driver, status)}"
        if status not in _FATAL:
            return DeviceError(message)
        suspects = "" if is_certain else self._suspects()
        return DeviceError(f"{message}{suspects}: the device is lost to this process, which has to be restarted")

    def _await(self, what: str, function: Callable[..., tuple[Any, ...]], *arguments: Any) -> None:
        """Call a function of the driver that waits."""
        running, self.running = self.running, {}
        borrowed, self._borrowed = self._borrowed, []
        status, _ = self.attempt(function, *arguments)
        if status:
            self.running = {**running, **self.running}
            self._borrowed += borrowed
            raise self.failure(what, status)

    def _suspects(self) -> str:
        """Return which kernels may have failed."""
        names = [name for kernels in self.running for name in kernels.names.values()]
        if not names:
            return ""
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        return f", in one of the kernels {', '.join(names[:_NAMED])}{more} ({BLOCKING}=1 tells which)"

    def _tidy(self) -> None:
        """Give back to the driver what nobody uses."""
        gc.collect()
        self.wait()
        self.attempt(self.driver.cuMemPoolTrimTo, self._pool, 0)


def _best(about: Properties) -> str:
    """Return the newest architecture that a device runs code for."""
    known = {name: GpuMachine.named(name).capability for name in GpuMachine.names()}
    fit = [name for name, capability in known.items() if capability <= about.capability]
    if not fit:
        has, needs = ("{}.{}".format(*each) for each in (about.capability, min(known.values())))
        raise MissingDriver(f"{about.name} has compute capability {has}, and kernels need {needs}")
    return max(fit, key=known.__getitem__)


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


def _pool(driver: ModuleType) -> Any:
    """Return a pool of the current device's memory that keeps what is freed, of catgrad's own."""
    settings = driver.CUmemPoolProps()
    settings.allocType = driver.CUmemAllocationType.CU_MEM_ALLOCATION_TYPE_PINNED
    settings.location.type = driver.CUmemLocationType.CU_MEM_LOCATION_TYPE_DEVICE
    settings.location.id = 0
    pool = checked(driver, driver.cuMemPoolCreate(settings))
    kept = driver.CUmemPool_attribute.CU_MEMPOOL_ATTR_RELEASE_THRESHOLD
    checked(driver, driver.cuMemPoolSetAttribute(pool, kept, driver.cuuint64_t((1 << 64) - 1)))
    return pool
