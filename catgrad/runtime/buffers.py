"""Memory as compiled code sees it: addresses of arrays, and the frame of a call.

A compiled function has one operand, a frame. Between calls only the addresses of the arrays change.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Collection, Container, Iterable, Sequence
from itertools import accumulate, chain
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = [
    "ALIGNMENT",
    "ENTRY",
    "MEASURE",
    "Array",
    "Frame",
    "Shape",
    "Workspaces",
    "address",
    "aligned_empty",
    "overlap",
]

Array: TypeAlias = npt.NDArray[np.generic]
Shape: TypeAlias = tuple[int, ...]

ALIGNMENT = 64
"""Alignment of fresh results in bytes: a cache line, and the widest vector register."""

ENTRY, MEASURE = ".entry", ".workspace"
"""How the names of a function's code end: what runs it, and what says how much memory it works in."""

_word_at = ctypes.c_uint64.from_address
_HEADER = object.__basicsize__
_BYTE = np.dtype(np.uint8)


def address(array: Array) -> int:
    """Return the address of the first element, as `array.ctypes.data` does, in an eighth of its time.

    It reads the field that the C macro `PyArray_DATA` reads, the first after the object header: part of NumPy's binary
    interface.
    """
    return _word_at(id(array) + _HEADER).value


def aligned_empty(shape: Shape, dtype: np.dtype[Any], size: int) -> Array:
    """Return an uninitialised C-contiguous array of `size` bytes whose address is a multiple of `ALIGNMENT`."""
    block: Array = np.empty(size + ALIGNMENT, _BYTE)
    array: Array = np.ndarray(shape, dtype, block, -address(block) % ALIGNMENT)
    return array


def overlap(starts: Sequence[int], sizes: Sequence[int], written: Collection[int]) -> tuple[int, int] | None:
    """Return the positions of two blocks of memory that share a byte although one of them is written, if there are any.

    Args:
        starts: Where each block starts.
        sizes: How long each block is, in bytes. An empty block overlaps nothing.
        written: Positions of the blocks that are written.

    Example:
        >>> overlap([0, 4, 8], [8, 4, 4], written=[2])
        >>> overlap([0, 4, 8], [8, 4, 4], written=[1])
        (0, 1)
    """
    if len(written) > 1:
        return _overlap_of_many(starts, sizes, written)
    for one in written:
        start, stop = starts[one], starts[one] + sizes[one]
        for other, (low, size) in enumerate(zip(starts, sizes, strict=True)):
            if low < stop and start < low + size and other != one and size and start < stop:
                return (other, one) if low <= start else (one, other)
    return None


def _overlap_of_many(starts: Sequence[int], sizes: Sequence[int], written: Container[int]) -> tuple[int, int] | None:
    """Do what `overlap` does in one pass over the blocks in the order of their addresses."""
    spans = enumerate(zip(starts, sizes, strict=True))
    blocks = sorted((start, start + size, i) for i, (start, size) in spans if size)
    end = end_of_written = 0
    reaching = reaching_written = -1
    for start, stop, i in blocks:
        if start < end_of_written:
            return reaching_written, i
        if i in written:
            if start < end:
                return reaching, i
            end_of_written, reaching_written = stop, i
        if stop > end:
            end, reaching = stop, i
    return None


class Frame:
    """The arguments of one call in memory, as `catgrad.passes.frames` lays them out: numbers first, then arrays.

    It serves one call at a time.

    Args:
        integers: The numbers.
        shapes: The shapes of the arrays.

    Attributes:
        address: Where it is.
    """

    __slots__ = ("_places", "_words", "address")

    def __init__(self, integers: Sequence[int], shapes: Sequence[Shape]) -> None:
        arrays = [(0, *shape) for shape in shapes]
        *self._places, length = accumulate(map(len, arrays), initial=len(integers))
        self._words = (ctypes.c_uint64 * length)(*integers, *chain(*arrays))
        self.address = ctypes.addressof(self._words)

    def fill(self, starts: Iterable[int]) -> None:
        """Say where the arrays start."""
        words = self._words
        for place, start in zip(self._places, starts, strict=True):
            words[place] = start


class Workspaces:
    """Memory that calls work in, kept from call to call. There are as many blocks as calls have overlapped.

    Args:
        allocate: Makes an array of a shape and a dtype, of so many bytes.
    """

    def __init__(self, allocate: Callable[[Shape, np.dtype[Any], int], Any]) -> None:
        self._allocate = allocate
        self._free: list[Any] = []

    def borrow(self, size: int) -> Any:
        """Return an aligned block of at least `size` bytes that no other call is using."""
        try:
            block = self._free.pop()
        except IndexError:
            return self._allocate((size,), _BYTE, size)
        return block if block.size >= size else self._allocate((size,), _BYTE, size)

    def give_back(self, block: Any) -> None:
        """Take back a block whose call is over."""
        self._free.append(block)
