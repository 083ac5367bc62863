"""Memory with pages around it that nobody may touch: an access outside ends the process."""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

__all__ = ["Guarded"]

_PAGE = mmap.PAGESIZE
_protect = ctypes.CDLL(None, use_errno=True).mprotect
_protect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]


@dataclass
class Guarded:
    """Makes arrays that begin or end at a page that cannot be read or written.

    Attributes:
        ends: Says of each array whether it ends there.
    """

    ends: Callable[[], bool]
    _blocks: list = field(default_factory=list)

    def empty(self, shape: tuple[int, ...], dtype: np.dtype, size: int, alignment: int = 64) -> np.ndarray:
        """Return an array of `size` bytes, of chance content, whose address is a multiple of `alignment`."""
        length = -(-max(size, 1) // _PAGE) * _PAGE
        block = mmap.mmap(-1, length + 2 * _PAGE)
        start = ctypes.addressof(ctypes.c_char.from_buffer(block))
        ctypes.memset(start, 0xA5, length + 2 * _PAGE)
        for page in (start, start + _PAGE + length):
            if _protect(page, _PAGE, 0):
                raise OSError(ctypes.get_errno(), "mprotect")
        self._blocks.append(block)
        offset = _PAGE + (length - -(-size // alignment) * alignment if self.ends() else 0)
        return np.frombuffer(block, np.uint8, size, offset).view(dtype).reshape(shape)

    def copy(self, array: np.ndarray) -> np.ndarray:
        """Return a copy of an array, no better aligned than its elements have to be."""
        made = self.empty(array.shape, array.dtype, array.nbytes, max(array.dtype.itemsize, 1))
        made[...] = array
        return made
