"""The memory of the emulated device: allocations that never touch each other, and those that were freed.

New memory is filled with bytes 255, which as a float is not a number. Freed memory is kept for a while, so that its
addresses are not given out again at once, and a use of them can be told from others.
"""

from __future__ import annotations

import ctypes
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from catgrad.runtime.gpu_emulator.faults import EmulationError, OutOfMemoryError

__all__ = ["Memory"]

_ALIGNMENT = 256
_GUARD = 256
_FRESH = 0xFF
_KEPT = 1 << 28


@dataclass(frozen=True)
class _Allocation:
    address: int
    size: int
    owner: npt.NDArray[np.uint8]

    def holds(self, address: int, size: int) -> bool:
        return self.address <= address and address + size <= self.address + self.size


class Memory:
    """Allocations by address."""

    def __init__(self) -> None:
        self._live: dict[int, _Allocation] = {}
        self._freed: OrderedDict[int, _Allocation] = OrderedDict()
        self._freed_size = 0
        self._table: npt.NDArray[np.uint64] | None = None

    def allocate(self, size: int) -> int:
        """Return the address of `size` new bytes, a multiple of 256.

        Raises:
            EmulationError: The size is negative.
            OutOfMemoryError: This machine has not that much memory.
        """
        if size < 0:
            raise EmulationError(f"cannot allocate {size:,} bytes")
        owner = _surrounded(size)
        begin = owner.ctypes.data + _GUARD
        address = -(-begin // _ALIGNMENT) * _ALIGNMENT
        self._live[address] = _Allocation(address, size, owner)
        self._table = None
        return int(address)

    def free(self, address: int) -> None:
        """Give an allocation back.

        Raises:
            EmulationError: There is none at this address.
        """
        if address not in self._live:
            raise EmulationError(f"cannot free {address:#x}: {self.describe(address)}")
        allocation = self._live.pop(address)
        self._freed[address] = allocation
        self._freed_size += allocation.size
        self._table = None
        while self._freed_size > _KEPT:
            self._freed_size -= self._freed.popitem(last=False)[1].size

    def check(self, address: int, size: int) -> None:
        """Raise `EmulationError` unless `size` bytes at `address` are in one allocation."""
        if size < 0 or not any(each.holds(address, size) for each in self._live.values()):
            raise EmulationError(f"cannot copy {size:,} bytes at {address:#x}: {self.describe(address)}")

    def copy_in(self, address: int, source: int, size: int) -> None:
        """Copy `size` bytes from this process; raise `EmulationError` unless they fit into one allocation."""
        self.check(address, size)
        ctypes.memmove(address, source, size)

    def copy_out(self, target: int, address: int, size: int) -> None:
        """Copy `size` bytes to this process; raise `EmulationError` unless they are in one allocation."""
        self.check(address, size)
        ctypes.memmove(target, address, size)

    def table(self) -> npt.NDArray[np.uint64]:
        """Return addresses and sizes of the allocations, a row for each."""
        if self._table is None:
            rows = [(each.address, each.size) for each in self._live.values()]
            self._table = np.array(rows, np.uint64).reshape(-1, 2)
        return self._table

    def describe(self, address: int) -> str:
        """Return in words where an address is."""
        for word, kind in (("", self._live), (", which was freed", self._freed)):
            for each in kind.values():
                if each.address - _GUARD <= address < each.address + each.size + _GUARD:
                    return f"{_place(address - each.address, each.size)} an allocation of {each.size:,} bytes{word}"
        return "no allocation is near"


def _surrounded(size: int) -> npt.NDArray[np.uint8]:
    """Return new memory of this process: `size` bytes, with what aligns them and keeps them apart from others."""
    try:
        return np.full(size + 2 * _GUARD + _ALIGNMENT, _FRESH, np.uint8)
    except (MemoryError, ValueError) as error:  # of a size that no array has
        raise OutOfMemoryError(f"cannot allocate {size:,} bytes: this machine has not that much memory") from error


def _place(offset: int, size: int) -> str:
    if offset < 0:
        return f"{-offset:,} bytes before"
    return f"{offset - size:,} bytes behind" if offset >= size else f"{offset:,} bytes into"
