"""The emulated device: its memory, and launches of the kernels of one module."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from math import prod

import numpy as np
from mlir import ir

from catgrad.runtime.gpu_emulator.compiled import compile_kernels
from catgrad.runtime.gpu_emulator.faults import EmulationError, Scene, explain
from catgrad.runtime.gpu_emulator.launch import Launch
from catgrad.runtime.gpu_emulator.layout import Fault
from catgrad.runtime.gpu_emulator.memory import Memory
from catgrad.runtime.gpu_emulator.module import Kernel
from catgrad.runtime.gpu_emulator.schedules import Schedule
from catgrad.target import HOST

__all__ = ["Emulator", "Traffic"]

_MOST_THREADS = 1024
_MOST_BLOCK = (1024, 1024, 64)
_MOST_GRID = (2**31 - 1, 65535, 65535)
_MOST_SHARED = 227 * 1024


@dataclass(frozen=True)
class Traffic:
    """Global memory traffic of a launch, all accesses of its threads taken together.

    Attributes:
        read: Bytes that are read.
        written: Bytes that are written.
    """

    read: int
    written: int


class Emulator:
    """Runs the kernels of a module on the CPU.

    Args:
        module: A module with one `gpu.module` in the LLVM and NVVM dialects, as `convert-gpu-to-nvvm` leaves it.
        schedule: The order of threads: "forward", "reverse", "round-robin" or "random:SEED".
        memory: The device's memory, which several modules may work in; its own if None.
        traffic: Where to note what each launch requests of global memory; nothing is counted if None.
        processor: Whose instructions are used, as in `catgrad.target`.

    Raises:
        CatgradError: This process cannot run code for the processor.
        CompileError: The module has operations that cannot be emulated; the message lists all of them.

    Example:
        >>> kernel = "llvm.func @nothing() attributes {nvvm.kernel} { llvm.return }"
        >>> with ir.Context(), ir.Location.unknown():
        ...     module = ir.Module.parse(f"gpu.module @kernels {{ {kernel} }}")
        >>> emulator = Emulator(module, "reverse")
        >>> emulator.kernels
        ('nothing',)
        >>> emulator.launch("nothing", grid=(2, 1, 1), block=(40, 1, 1), shared_bytes=0, parameters=0)
    """

    def __init__(
        self,
        module: ir.Module,
        schedule: str = "forward",
        memory: Memory | None = None,
        traffic: list[Traffic] | None = None,
        processor: str = HOST,
    ) -> None:
        self._traffic = traffic
        self._schedule = Schedule(schedule)
        self._compiled = compile_kernels(module, traffic is not None, processor)
        self._program = self._compiled.program
        self._kernels = {each.name: each for each in self._program.kernels}
        self._memory = memory or Memory()

    @property
    def kernels(self) -> tuple[str, ...]:
        """The names of the kernels."""
        return tuple(self._kernels)

    def allocate(self, size: int) -> int:
        """Return the address of `size` bytes of device memory, a multiple of 256; every byte is 255.

        Raises:
            EmulationError: The size is negative, or more than this machine has.
        """
        return self._memory.allocate(size)

    def free(self, address: int) -> None:
        """Give device memory back.

        Raises:
            EmulationError: Nothing was allocated at this address, or it was freed before.
        """
        self._memory.free(address)

    def copy_in(self, address: int, source_address: int, size: int) -> None:
        """Copy `size` bytes from this process to device memory.

        Raises:
            EmulationError: They do not fit into one allocation.
        """
        self._memory.copy_in(address, source_address, size)

    def copy_out(self, target_address: int, address: int, size: int) -> None:
        """Copy `size` bytes of device memory to this process.

        Raises:
            EmulationError: They are not in one allocation.
        """
        self._memory.copy_out(target_address, address, size)

    def fill(self, address: int, byte: int, size: int) -> None:
        """Set `size` bytes of device memory to `byte`.

        Raises:
            EmulationError: They are not in one allocation.
        """
        self._memory.check(address, size)
        ctypes.memset(address, byte, size)

    def launch(
        self,
        kernel: str,
        grid: tuple[int, int, int],
        block: tuple[int, int, int],
        shared_bytes: int,
        parameters: int,
    ) -> None:
        """Run a kernel to its end; one that has none is not stopped.

        Args:
            kernel: One of `kernels`.
            grid: Blocks by axis, x first.
            block: Threads of a block by axis, x first.
            shared_bytes: Bytes of shared memory beyond those that the module declares.
            parameters: The address of a table of pointers to the values of the arguments.

        Raises:
            EmulationError: The launch is beyond the limits of a device, or the kernel did what is an error there.
        """
        self._check(kernel, grid, block, shared_bytes)
        launch = Launch.prepare(grid, block, self._kernels[kernel].shared_size + shared_bytes, self._schedule)
        launch.use("parameters", parameters)
        launch.use("allocations", self._memory.table())
        launch.use("allocations_count", len(self._memory.table()))
        launch.use("found", np.zeros((len(self._program.sites), 2), np.uint64))
        self._compiled.run(kernel, launch.address)
        if self._traffic is not None:
            self._traffic.append(Traffic(*(int(launch.record[name][0]) for name in ("read_bytes", "written_bytes"))))
        if launch.record["fault"][0] != Fault.NONE:
            where = self._memory.describe(int(launch.record["fault_address"][0]))
            raise EmulationError(explain(Scene(kernel, launch.record[0], launch.threads, self._program.sites, where)))

    def _check(self, name: str, grid: tuple[int, ...], block: tuple[int, ...], shared_bytes: int) -> None:
        """Raise where a device would refuse a launch."""
        if name not in self._kernels:
            raise EmulationError(f"there is no kernel {name}: the module has {', '.join(self._kernels) or 'none'}")
        for what, sizes, most in (("grid", grid, _MOST_GRID), ("block", block, _MOST_BLOCK)):
            if len(sizes) != 3 or not all(0 < size <= limit for size, limit in zip(sizes, most, strict=True)):
                raise EmulationError(f"kernel {name}: expected a {what} of three sizes up to {most}, got {sizes}")
        if prod(block) > _MOST_THREADS:
            raise EmulationError(f"kernel {name}: a block has at most {_MOST_THREADS} threads, got {block}")
        _check_stated(self._kernels[name], block)
        total = self._kernels[name].shared_size + shared_bytes
        if shared_bytes < 0 or total > _MOST_SHARED:
            raise EmulationError(
                f"kernel {name}: a block has at most {_MOST_SHARED:,} bytes of shared memory, got {total:,}"
            )


def _check_stated(kernel: Kernel, block: tuple[int, ...]) -> None:
    """Raise where a block is not of the size that the kernel was made for."""
    if not kernel.most:
        return
    sizes = (*kernel.most, 1, 1)[:3]
    if prod(block) > prod(sizes) or (kernel.exact and block != sizes):
        raise EmulationError(f"kernel {kernel.name}: it was made for blocks of {sizes} threads, got {block}")
