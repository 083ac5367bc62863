"""Devices: what host code needs of something that runs kernels."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

from mlir import ir

__all__ = ["Device", "Kernels"]


class Kernels(Protocol):
    """Kernels that a device has loaded; they are there as long as this object.

    Attributes:
        module: What `cuModuleGetFunction` knows them by.
        functions: The functions of C that host code launches them with: `cuModuleGetFunction` and `cuLaunchKernel`, or
            what does the same.
    """

    module: int
    functions: Mapping[str, Any]

    def launching(self) -> AbstractContextManager[None]:
        """Return what host code runs in."""

    def error(self, function: int, status: int) -> BaseException:
        """Return what to raise when a launch failed.

        Args:
            function: The kernel, as `cuModuleGetFunction` gave it.
            status: What was returned, which is not 0.
        """


class Device(Protocol):
    """Something with memory of its own, which only kernels use.

    What is launched and copied happens in order. It may happen later, but not later than what waits for it.

    Attributes:
        name: What it is called.
        target: The target of the code that it runs best.
        dlpack: What it is in DLPack: a type of devices, and a number.
    """

    name: str
    target: str
    dlpack: tuple[int, int]

    def load(self, module: ir.Module) -> Kernels:
        """Load the kernels of a module, which are in NVVM; what the host's code embeds takes their place.

        Raises:
            CompileError: They have something that the device does not know.
        """

    def allocate(self, size: int) -> int:
        """Return the address of new memory; never 0.

        Raises:
            CatgradError: There is not enough.
        """

    def free(self, address: int) -> None:
        """Give memory back, when everything that was launched is done with it; from any thread."""

    def give_back(self, memory: object) -> None:
        """Let go of memory of another library, when everything that was launched is done with it; from any thread."""

    def copy_in(self, address: int, source: int, size: int) -> None:
        """Copy bytes from the host to the device; the source may change afterwards."""

    def copy_out(self, target: int, address: int, size: int) -> None:
        """Copy bytes from the device to the host, after everything that was launched."""

    def wait(self) -> None:
        """Wait until everything that was launched is done.

        Raises:
            CatgradError: A kernel failed.
        """
