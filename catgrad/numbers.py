"""Numbers without a dtype of their own, Python's, alone and in lists, as arrays of a dtype that has a place for them.

Each is rounded once. A list is an array if it holds nothing but numbers: those of Python, NumPy's scalars, and arrays
without axes.
"""

from __future__ import annotations

import reprlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from catgrad.errors import TypeCheckError
from catgrad.rounding import ElementType, rounded, to_odd

__all__ = ["check_unmasked", "floats", "is_list", "is_masked", "is_number", "leaves", "placed", "plain", "wide"]

_KINDS = "bif"
"""The kinds of numbers, as NumPy calls them; each is part of the next."""
_OTHER_KINDS = {"u": "i", "V": "f"}
"""What arrays have besides: unsigned integers, and the floats that NumPy does not know itself."""


def is_number(value: Any) -> bool:
    """Return whether `value` is a Python number, which has no dtype of its own.

    Example:
        >>> is_number(2.0), is_number(np.float32(2.0))
        (True, False)
    """
    return isinstance(value, int | float) and not isinstance(value, np.generic)


def is_list(value: Any) -> bool:
    """Return whether `value` is a list of numbers, or of such lists.

    Example:
        >>> is_list([[1.0, 2.0]]), is_list([np.float32(1), 2]), is_list([np.ones(1)]), is_list([])
        (True, True, False, False)
    """
    return isinstance(value, list) and bool(list.__len__(value)) and all(map(_is_numeric, list.__iter__(value)))


def _is_numeric(value: Any) -> bool:
    is_scalar = isinstance(value, np.generic) or (isinstance(value, np.ndarray) and not value.ndim)
    return is_scalar or is_number(value) or is_list(value)


def leaves(value: Any) -> Iterator[Any]:
    """Yield what is in lists."""
    if not isinstance(value, list):
        yield value
        return
    for each in list.__iter__(value):
        yield from leaves(each)


def is_masked(value: Any) -> bool:
    """Return whether a value is a masked array, without importing `numpy.ma`: where it is not, there are none."""
    return isinstance(value, getattr(sys.modules.get("numpy.ma"), "MaskedArray", ()))


def check_unmasked(value: Any) -> None:
    """Raise `TypeCheckError` if something is a masked array."""
    if is_masked(value):
        raise TypeCheckError("a masked array would lose its mask: pass x.filled(value), or x.data and the mask")


def plain(value: Any, change: Callable[[Any], Any] = lambda leaf: leaf) -> Any:
    """Return lists as Python's own, whatever their classes are, with what is in them changed."""
    return [plain(each, change) for each in list.__iter__(value)] if isinstance(value, list) else change(value)


def floats(value: Any, dtype: ElementType) -> Any:
    """Return numbers with floats for Python's integers, which round to a float dtype as the integers do.

    Raises:
        OverflowError: An integer is beyond the floats.

    Example:
        >>> from catgrad.types import f32, f64
        >>> n = 2**60 + 2**36 + 1
        >>> int(np.float32(floats(n, f32))) - n, int(np.float32(floats(n, f64))) - n
        (68719476735, -68719476737)
    """

    def change(leaf: Any) -> Any:
        is_integer = isinstance(leaf, int) and not isinstance(leaf, np.generic)
        return float(leaf if dtype.bits == 64 else to_odd(leaf)) if is_integer else leaf

    return plain(value, change)


def wide(value: Any, dtype: ElementType) -> np.ndarray[Any, Any]:
    """Return Python numbers as an f64 array that rounds to a dtype as they do.

    Raises:
        TypeCheckError: They are in lists of several lengths, or an integer is beyond the floats.

    Example:
        >>> from catgrad.types import f64
        >>> wide([1e39, 1], f64)
        array([1.e+39, 1.e+00])
    """
    try:
        return np.asarray(floats(value, dtype), np.float64)
    except (OverflowError, ValueError):
        raise TypeCheckError(f"{_shown(value)} has no place in a tensor of {dtype}") from None


def placed(value: Any, dtype: ElementType, wanted: str = "") -> np.ndarray[Any, Any]:
    """Return numbers as an array of a dtype: a number, lists of numbers, or an array of another dtype.

    Args:
        value: Bools, integers or floats.
        dtype: The dtype.
        wanted: What to call it, if not by its name.

    Raises:
        TypeCheckError: They are no numbers, are masked, or have no place in the dtype: a float in integers, a number
            out of range. Infinities and NaN are floats of every dtype, and floats are rounded.

    Example:
        >>> from catgrad.types import f32
        >>> placed([1, 2.5], f32)
        array([1. , 2.5], dtype=float32)
    """
    for leaf in leaves(value):
        check_unmasked(leaf)
    try:
        found = np.asarray(floats(value, dtype) if dtype.kind == "float" else plain(value))
        if not _holds(dtype, found):
            raise OverflowError
        array = rounded(found, dtype) if dtype.kind == "float" else np.asarray(plain(value), dtype=dtype.numpy)
        kept = np.isfinite(array) | ~np.isfinite(found) if dtype.kind == "float" else array == found
        if not kept.all():  # an integer wrapped, or a float became infinite
            raise OverflowError
        return array
    except (OverflowError, TypeError, ValueError):
        raise TypeCheckError(
            f"{_shown(value)} has no place in a tensor of {wanted or dtype}: name another dtype, or use cg.cast"
        ) from None


def _holds(dtype: ElementType, found: np.ndarray[Any, Any]) -> bool:
    """Return whether numbers are of the kind of an element type, or of a part of it."""
    if not found.size:
        return True
    if dtype.kind == "bool" and found.dtype.kind == "i":
        return bool(((found == 0) | (found == 1)).all())
    return _KINDS.index(_OTHER_KINDS.get(found.dtype.kind, found.dtype.kind)) <= _KINDS.index(dtype.kind[0])


def _shown(value: Any) -> str:
    """Return how a message names numbers."""
    if isinstance(value, int) and value.bit_length() > 64:
        return f"an integer of {value.bit_length()} bits"
    return f"the number {value}" if is_number(value) else reprlib.repr(value)
