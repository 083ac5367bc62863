"""Devices: what host code needs of something that runs kernels."""

from __future__ import annotations

from typing import Protocol

from mlir import ir

__all__ = ["Device", "Kernels"]

Grid = tuple[int, int, int]


class Kernels(Protocol):
    """Kernels that a device has loaded; they are there as long as this object."""

    def launch(self, name: str, grid: Grid, block: Grid, shared_bytes: int, parameters: int) -> None:
        """Run a kernel.

        Args:
            name: Which.
            grid: Blocks along x, y and z.
            block: Threads of a block along x, y and z.
            shared_bytes: The size of the shared memory that is not declared in the kernel.
            parameters: The address of a table with the addresses of the kernel's arguments.

        Raises:
            CatgradError: The kernel cannot be launched, or does what it must not; the message has its name.
        """


class Device(Protocol):
    """Something with memory of its own, which only kernels use."""

    name: str

    def load(self, module: ir.Module) -> Kernels:
        """Load the kernels of a module, which are in NVVM.

        Raises:
            CompileError: They have something that the device does not know.
        """

    def allocate(self, size: int) -> int:
        """Return the address of new memory; never 0.

        Raises:
            CatgradError: There is not enough.
        """

    def free(self, address: int) -> None:
        """Give memory back."""

    def copy_in(self, address: int, source: int, size: int) -> None:
        """Copy bytes from the host to the device."""

    def copy_out(self, target: int, address: int, size: int) -> None:
        """Copy bytes from the device to the host, after everything that was launched."""
