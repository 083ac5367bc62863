"""Conversion of arrays between dtypes of one kind: integers that fit, and floats of any width, rounded."""

from __future__ import annotations

from typing import Any

import numpy as np

from catgrad.runtime.buffers import Array

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


def converted(array: Array, dtype: np.dtype[Any]) -> Array:
    """Return a new C-contiguous array of another dtype with the elements of `array`, numbers of the same kind or ints.

    Raises:
        Unfit: An integer is out of range, or a finite float becomes infinite.

    Example:
        >>> converted(np.arange(6)[::-2], np.dtype(np.int32))
        array([5, 3, 1], dtype=int32)
    """
    with np.errstate(over="ignore", invalid="ignore"):
        made: Array = np.array(array, dtype, order="C")
    if array.size and dtype != array.dtype:
        _check(array, made)
    return made


def _check(array: Array, made: Array) -> None:
    if kind_of(made.dtype) == "float":
        lost = np.isinf(made) & np.isfinite(array)
    elif kind_of(made.dtype) == "int":
        limits = np.iinfo(made.dtype)
        if limits.min <= int(array.min()) and int(array.max()) <= limits.max:  # type: ignore[operator, call-overload]
            return
        lost = (array < limits.min) | (array > limits.max)
    else:
        return
    if lost.any():
        index = tuple(int(axis[0]) for axis in np.nonzero(np.atleast_1d(lost)))[: array.ndim]
        raise Unfit(index, array[index].item())
