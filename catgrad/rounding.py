"""Numbers of one element type as another, rounded once, to the nearest, to even where two are as near.

NumPy does so itself, but `ml_dtypes` takes f64 and integers to bf16 by way of f32, and rounds twice. Rounding to odd
before, toward zero with the last bit set if anything was lost, makes the second rounding that of the number itself.

Reference: S. Boldo, G. Melquiond, "Emulation of FMA and correctly rounded sums: proved algorithms using rounding to
odd" (2008), theorem 3.
"""

from __future__ import annotations

from typing import Any, Protocol

import ml_dtypes
import numpy as np

__all__ = ["ElementType", "rounded", "to_odd"]

_BF16 = np.dtype(ml_dtypes.bfloat16)
_DIGITS = 53
"""The bits of an integer that an f64 has a place for."""
_LOST = 64 - _DIGITS
"""The bits of a 64-bit integer that it may have no place for."""


class ElementType(Protocol):
    """An element type, as far as numbers go: those of `catgrad.types` are defined in terms of numbers themselves."""

    @property
    def numpy(self) -> np.dtype[Any]:
        """The numpy type of its values."""

    @property
    def kind(self) -> str:
        """The family: bool, int or float."""

    @property
    def bits(self) -> int:
        """The size of a value."""


def rounded(array: Any, dtype: ElementType) -> np.ndarray[Any, Any]:
    """Return an array with another element type.

    Args:
        array: What `np.asarray` takes.
        dtype: The element type.

    Example:
        >>> from catgrad.types import bf16
        >>> rounded(1 + 2.0**-8 + 2.0**-40, bf16).item(), np.asarray(1 + 2.0**-8 + 2.0**-40, bf16.numpy).item()
        (1.0078125, 1.0)
    """
    given = np.asarray(array)
    if dtype.numpy == _BF16 and (given.dtype.kind in "iu" or given.dtype == np.float64):
        wide = _f64_of_integer(given) if given.dtype.kind in "iu" and given.itemsize == 8 else given.astype(np.float64)
        given = _f32_of_f64(wide)
    with np.errstate(over="ignore", under="ignore"):
        return np.asarray(given, dtype=dtype.numpy)


def to_odd(number: int) -> int:
    """Return an integer that an f64 has a place for, and that rounds to narrower floats as `number` does.

    Example:
        >>> to_odd(2**60 + 1) - 2**60
        256
    """
    lost = max(number.bit_length() - _DIGITS, 0)
    kept = abs(number) >> lost
    odd = (kept | (kept << lost != abs(number))) << lost
    return -odd if number < 0 else odd


def _f64_of_integer(x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return integers rounded to odd."""
    rest = x & (1 << _LOST) - 1
    odd = x - rest | (rest != 0).astype(x.dtype) << _LOST
    return np.where(np.abs(x.astype(np.float64)) < 1 << _DIGITS, x, odd).astype(np.float64)


def _f32_of_f64(x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return numbers rounded to odd."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        nearest = np.asarray(x.astype(np.float32))
        again = nearest.astype(np.float64)
        is_inexact = (again != x) & (x == x)
        truncated = nearest.view(np.uint32) - (np.abs(again) > np.abs(x)).astype(np.uint32)
        return np.asarray(truncated | is_inexact.astype(np.uint32)).view(np.float32)
