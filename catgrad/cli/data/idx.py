"""The IDX format of arrays: a magic number with element type and rank, the extents, the elements; all big-endian.

Reference: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits", http://yann.lecun.com/exdb/mnist.
"""

from __future__ import annotations

import gzip
import io
import math
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from catgrad import files
from catgrad.errors import CatgradError

__all__ = ["decode", "read"]

_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_GREATEST_RANK = 32
_GZIP = b"\x1f\x8b"
_LARGEST = 1 << 28
"""How many bytes a file holds at most, compressed or not: more than 300,000 images of 28 × 28."""


def read(path: Path, most: int = _LARGEST) -> np.ndarray[Any, Any]:
    """Read an array from a file, which may be compressed by gzip.

    Args:
        path: The file.
        most: How many bytes are read, and unpacked, at most.

    Raises:
        CatgradError: The file does not hold exactly one array, or more than is read.
        OSError: The file cannot be read.
    """
    content = files.read(path, most)
    try:
        return decode(_unpacked(content, most) if content.startswith(_GZIP) else content)
    except (CatgradError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise CatgradError(f"{path}: {error}") from error


def _unpacked(content: bytes, most: int) -> bytes:
    """Return what is compressed; nothing is unpacked beyond a number of bytes."""
    with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
        unpacked = file.read(most + 1)
    if len(unpacked) > most:
        raise CatgradError(f"unpacked, it holds more than the {most:,} bytes that are read")
    return unpacked


def decode(content: bytes) -> np.ndarray[Any, Any]:
    """Return the array that `content` describes.

    Raises:
        CatgradError: It is not exactly one array.

    Example:
        >>> decode(bytes([0, 0, 8, 1, 0, 0, 0, 3, 1, 2, 3])).tolist()
        [1, 2, 3]
    """
    known = len(content) >= 4 and content[:2] == b"\0\0" and content[2] in _TYPES and content[3] <= _GREATEST_RANK
    if not known:
        raise CatgradError(f"not an IDX file: it starts with {content[:4].hex(' ') or 'nothing'}")
    start = 4 + 4 * content[3]
    extents = [int.from_bytes(content[at : at + 4], "big") for at in range(4, start, 4)]
    dtype = np.dtype(_TYPES[content[2]])
    expected = start + math.prod(extents) * dtype.itemsize
    if len(content) != expected:
        raise CatgradError(f"an array of shape {tuple(extents)} takes {expected} bytes, the file has {len(content)}")
    return np.frombuffer(content, dtype, offset=start).reshape(extents)
