"""The CUDA driver: whether it is there, what it says of its devices and of its failures.

It is called through `cuda.bindings.driver`, which comes with the extra `cuda`.

Reference: https://docs.nvidia.com/cuda/cuda-driver-api/
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from catgrad.errors import CatgradError

__all__ = ["BLOCKING", "LIBRARY", "MissingDriver", "Properties", "checked", "describe", "open_driver", "properties"]

LIBRARY = "libcuda.so.1"
BLOCKING = "CUDA_LAUNCH_BLOCKING"
"""The variable of the environment by which launches wait."""


class MissingDriver(CatgradError):
    """There is no driver, or it does not start.

    Args:
        message: What is missing.
        install: The command that installs it, if one does.
    """

    def __init__(self, message: str, install: str = "") -> None:
        super().__init__(message)
        self.install = install


@dataclass(frozen=True)
class Properties:
    """Properties of a device, as the driver tells them.

    Attributes:
        name: What NVIDIA calls it.
        capability: Its compute capability: the architectures up to this one run on it.
        memory: The size of its memory in bytes.
        shared_memory: The most bytes of shared memory that a block can have.
    """

    name: str
    capability: tuple[int, int]
    memory: int
    shared_memory: int


def open_driver() -> ModuleType:
    """Return the bindings of the driver, which has started.

    Raises:
        MissingDriver: Something is missing; the message says what.
    """
    try:
        ctypes.CDLL(LIBRARY)
    except OSError as error:
        raise MissingDriver(f"no CUDA driver: {LIBRARY} not found", "apt-get install nvidia-driver") from error
    try:
        from cuda.bindings import driver
    except ImportError as error:
        raise MissingDriver("no Python bindings of the CUDA driver", "pip install 'catgrad[cuda]'") from error
    try:
        (status,) = driver.cuInit(0)
    except RuntimeError as error:  # a function that this driver does not have
        raise MissingDriver(f"the CUDA driver is too old: {error}", "apt-get install nvidia-driver") from error
    if status:
        raise MissingDriver(f"the CUDA driver does not start: {describe(driver, status)}")
    return driver


def describe(driver: ModuleType, status: int) -> str:
    """Return the name of a status that is not 0, and what the driver says it means."""
    try:
        known = driver.CUresult(status)
    except ValueError:
        return f"CUDA error {int(status)}"
    _, text = driver.cuGetErrorString(known)
    return f"{known.name} ({text.decode()})" if text else str(known.name)


def checked(driver: ModuleType, answer: tuple[Any, ...]) -> Any:
    """Return what a function of the driver gave.

    Raises:
        MissingDriver: It failed.
    """
    status, *values = answer
    if status:
        raise MissingDriver(f"the CUDA driver does not start: {describe(driver, status)}")
    return values[0] if values else None


def properties(driver: ModuleType) -> tuple[Properties, ...]:
    """Return what the driver says of its devices; of those that CUDA_VISIBLE_DEVICES names, if it is set.

    Raises:
        MissingDriver: It does not say.
    """
    return tuple(_properties(driver, ordinal) for ordinal in range(checked(driver, driver.cuDeviceGetCount())))


def _properties(driver: ModuleType, ordinal: int) -> Properties:
    device = checked(driver, driver.cuDeviceGet(ordinal))
    kinds = driver.CUdevice_attribute
    major, minor, shared_memory = (
        checked(driver, driver.cuDeviceGetAttribute(kind, device))
        for kind in (
            kinds.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR,
            kinds.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR,
            kinds.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN,
        )
    )
    name = checked(driver, driver.cuDeviceGetName(128, device)).partition(b"\0")[0].decode()
    return Properties(name, (major, minor), checked(driver, driver.cuDeviceTotalMem(device)), shared_memory)
