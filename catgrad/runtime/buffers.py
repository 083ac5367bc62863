"""Memory as compiled code sees it: addresses of arrays, memref descriptors, and the frame of a call.

MLIR passes a ranked memref by the address of its descriptor, `3 + 2 * rank` machine words:

    allocated | aligned | offset | sizes[rank] | strides[rank]

The packed form of a function, made by the execution engine, takes one pointer: to a table with the address of each
operand's value. The value of an `index` is the number itself, that of a memref is the address of its descriptor. A
`Frame` is one block of memory that holds all of it; between calls only the addresses of the arrays change.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Collection, Container, Iterable, Sequence
from itertools import accumulate, chain
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["ALIGNMENT", "Array", "Frame", "Shape", "address", "aligned_empty", "overlap", "row_major_strides"]

Array: TypeAlias = npt.NDArray[np.generic]
Shape: TypeAlias = tuple[int, ...]

ALIGNMENT = 64
"""Alignment of fresh results in bytes: a cache line, and the widest vector register."""

_WORD = ctypes.sizeof(ctypes.c_uint64)
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


def row_major_strides(shape: Shape) -> Shape:
    """Return the distance in elements between neighbours along each axis.

    Example:
        >>> row_major_strides((2, 3, 4))
        (12, 4, 1)
    """
    return tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))


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
    """The operands of one call in memory: numbers first, then memrefs with the identity layout.

    The block is a table of the addresses of the operands' values, the values, and the descriptors. It serves one call
    at a time.

    Args:
        integers: The `index` operands.
        shapes: The shapes of the memref operands.

    Attributes:
        address: What packed code takes.
    """

    __slots__ = ("_descriptors", "_words", "address")

    def __init__(self, integers: Sequence[int], shapes: Sequence[Shape]) -> None:
        operands = len(integers) + len(shapes)
        descriptors = [(0, 0, 0, *shape, *row_major_strides(shape)) for shape in shapes]
        *starts, length = accumulate(map(len, descriptors), initial=2 * operands)
        self._words = (ctypes.c_uint64 * length)()
        self._descriptors = starts
        self.address = ctypes.addressof(self._words)
        table = map(self._at, range(operands, 2 * operands))
        self._words[:] = [*table, *integers, *map(self._at, starts), *chain(*descriptors)]

    def _at(self, word: int) -> int:
        return self.address + word * _WORD

    def fill(self, starts: Iterable[int]) -> None:
        """Point the memrefs to the arrays that start at these addresses."""
        words = self._words
        for descriptor, start in zip(self._descriptors, starts, strict=True):
            words[descriptor] = words[descriptor + 1] = start
