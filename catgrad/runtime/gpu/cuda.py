"""A device of the CUDA driver.

Memory comes from a pool that keeps what is freed: an array costs an allocation by the operating system only while the
pool grows. Freed memory may be used again at once, by what comes later in the stream.

Reference: https://docs.nvidia.com/cuda/cuda-driver-api/
"""

from __future__ import annotations

import gc
from contextlib import suppress
from types import ModuleType
from typing import Any

from mlir import ir

from catgrad.errors import DeviceError
from catgrad.passes.gpu.machine import GpuMachine
from catgrad.runtime.gpu.assembly import embedded, to_binary
from catgrad.runtime.gpu.cuda_kernels import CudaKernels
from catgrad.runtime.gpu.driver import MissingDriver, Properties, checked, open_driver, properties
from catgrad.runtime.gpu.stream import STREAM, CudaStream

__all__ = ["CudaDevice"]

_BORROWED = 64
"""Arrays of other libraries that are kept at most until somebody waits."""

_OUT_OF_MEMORY = 2


class CudaDevice:
    """The first device of the CUDA driver; the environment's CUDA_VISIBLE_DEVICES says which one that is.

    Raises:
        MissingDriver: There is no driver, no device, or none that is new enough.

    Attributes:
        driver: The bindings.
        about: What the driver says of it.
        stream: The order of what happens on it.
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
        self.stream = CudaStream(driver, self.about)
        self._borrowed: list[object] = []
        with self.stream.context:
            self._pool = _pool(driver)

    def load(self, module: ir.Module) -> CudaKernels:
        """Have the driver compile the kernels of a module; see `catgrad.runtime.gpu.device.Device`."""
        to_binary(module)
        return CudaKernels(self.stream, embedded(module))

    def allocate(self, size: int) -> int:
        """Return the address of new memory, a multiple of 256."""
        take = self.driver.cuMemAllocFromPoolAsync, size, self._pool, STREAM
        status, address = self.stream.attempt(*take)
        if status == _OUT_OF_MEMORY:
            self._tidy()
            status, address = self.stream.attempt(*take)
        if status:
            raise self.stream.failure(f"cannot allocate {size:,} bytes", status)
        return int(address)

    def free(self, address: int) -> None:
        """Give memory back to the pool."""
        with suppress(DeviceError):  # memory of a context that is lost is lost with it
            self.stream.attempt(self.driver.cuMemFreeAsync, address, STREAM)

    def give_back(self, memory: object) -> None:
        """Keep memory of another library until somebody waits: it may be used again in another stream than ours."""
        self._borrowed.append(memory)
        if len(self._borrowed) >= _BORROWED:
            with suppress(DeviceError):  # which the next who waits is told
                self.wait()

    def copy_in(self, address: int, source: int, size: int) -> None:
        """Copy bytes from the host; returns when they are read."""
        what = f"cannot copy {size:,} bytes to the device"
        self.stream.checked(what, self.driver.cuMemcpyHtoD, address, source, size)

    def copy_out(self, target: int, address: int, size: int) -> None:
        """Copy bytes to the host, after all that was launched."""
        self._wait(f"cannot copy {size:,} bytes from the device", self.driver.cuMemcpyDtoH, target, address, size)

    def wait(self) -> None:
        """Wait for all that was launched."""
        self._wait("the device has failed", self.driver.cuStreamSynchronize, STREAM)

    def _wait(self, *call: Any) -> None:
        """Wait for all that was launched; what was kept until then is given back if it succeeds."""
        borrowed, self._borrowed = self._borrowed, []
        try:
            self.stream.wait(*call)
        except DeviceError:
            self._borrowed += borrowed
            raise

    def _tidy(self) -> None:
        """Give back to the driver what nobody uses."""
        gc.collect()
        self.wait()
        self.stream.attempt(self.driver.cuMemPoolTrimTo, self._pool, 0)


def _best(about: Properties) -> str:
    """Return the newest architecture that a device runs code for."""
    known = {name: GpuMachine.named(name).capability for name in GpuMachine.names()}
    fit = [name for name, capability in known.items() if capability <= about.capability]
    if not fit:
        has, needs = ("{}.{}".format(*each) for each in (about.capability, min(known.values())))
        raise MissingDriver(f"{about.name} has compute capability {has}, and kernels need {needs}")
    return max(fit, key=known.__getitem__)


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
