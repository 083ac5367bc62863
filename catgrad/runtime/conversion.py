"""Conversion of arrays between dtypes of one kind: integers that fit, and floats of any width, rounded."""

from __future__ import annotations

from typing import Any

import numpy as np

from catgrad.rounding import rounded
from catgrad.runtime.buffers import Array
from catgrad.types import DType

__all__ = ["Unfit", "converted", "kind_of"]

_KINDS = {"b": "bool", "i": "int", "u": "int", "f": "float"}


class Unfit(Exception):
    """An element has no place in the dtype.

    Args:
        index: Where it is.
        value: What it is.
    """

    def __init__(self, index: tuple[int, ...], value: Any) -> None:
        super().__init__(index, value)
        self.index, self.value = index, value


def kind_of(dtype: np.dtype[Any]) -> str | None:
    """Return the kind that a dtype computes in, "bool", "int" or "float"; None if it holds no such numbers.

    Example:
        >>> kind_of(np.dtype(">u2")), kind_of(np.dtype(object))
        ('int', None)
    """
    is_small_float = dtype.kind == "V" and dtype.name.startswith(("bfloat", "float"))
    return "float" if is_small_float else _KINDS.get(dtype.kind)


def converted(array: Array, dtype: DType) -> Array:
    """Return a new C-contiguous array of another dtype with the elements of `array`, numbers of the same kind or ints.

    Floats are rounded once.

    Raises:
        Unfit: An integer is out of range, or a finite float becomes infinite.

    Example:
        >>> from catgrad.types import i32
        >>> converted(np.arange(6)[::-2], i32)
        array([5, 3, 1], dtype=int32)
    """
    native = np.array(array, array.dtype.newbyteorder("="), order="C")
    with np.errstate(over="ignore", invalid="ignore"):
        made: Array = rounded(native, dtype) if dtype.is_float else native.astype(dtype.numpy, copy=False)
    if array.size and dtype != native.dtype:
        _check(native, made)
    return made


def _check(array: Any, made: Any) -> None:
    """Raise `Unfit` at the first element that the conversion has changed by more than rounding."""
    is_float = kind_of(made.dtype) == "float"
    lost = np.isinf(made) & np.isfinite(array) if is_float else made != array
    if lost.any():
        index = tuple(int(axis[0]) for axis in np.nonzero(np.atleast_1d(lost)))[: array.ndim]
        raise Unfit(index, array[index].item())
