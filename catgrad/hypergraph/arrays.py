"""Primitives on one-dimensional integer arrays: the few data-parallel steps everything here is made of."""

from __future__ import annotations

from typing import TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from catgrad.hypergraph.errors import HypergraphError

__all__ = ["IntArray", "check_range", "frozen", "integers", "occurrence", "offsets"]

IntArray: TypeAlias = npt.NDArray[np.int64]
T = TypeVar("T", bound=np.generic)


def frozen(array: npt.NDArray[T]) -> npt.NDArray[T]:
    """Return a read-only view of `array`."""
    view: npt.NDArray[T] = array.view()
    view.flags.writeable = False
    return view


def integers(values: npt.ArrayLike) -> IntArray:
    """Return `values` as a read-only vector of int64; raise `HypergraphError` if they are anything else."""
    array = np.asarray(values)
    if array.ndim != 1:
        raise HypergraphError(f"expected a vector of integers, got an array of shape {array.shape}")
    if array.size and array.dtype.kind not in "iu":
        raise HypergraphError(f"expected a vector of integers, got dtype {array.dtype}")
    return frozen(array.astype(np.int64, copy=False))


def check_range(values: IntArray, bound: int, what: str) -> None:
    """Raise `HypergraphError` unless 0 <= x < `bound` for every x of `values`."""
    if not values.size or (values.min() >= 0 and values.max() < bound):
        return
    index = int(np.flatnonzero((values < 0) | (values >= bound))[0])
    raise HypergraphError(f"{what}: entry {index} is {values[index]}, expected 0 <= entry < {bound}")


def offsets(sizes: IntArray) -> IntArray:
    """Return where each segment starts, and the total: [0, s0, s0 + s1, ...].

    Example:
        >>> offsets(np.array([2, 0, 3])).tolist()
        [0, 2, 2, 5]
    """
    result = np.zeros(len(sizes) + 1, dtype=np.int64)
    np.cumsum(sizes, out=result[1:])
    return result


def occurrence(keys: IntArray, bound: int) -> IntArray:
    """Return, for each entry, how many equal entries precede it; keys lie below `bound`.

    Example:
        >>> occurrence(np.array([5, 3, 5, 5]), 6).tolist()
        [0, 0, 1, 2]
    """
    order = np.argsort(keys, kind="stable")
    starts = offsets(np.bincount(keys, minlength=bound))
    result = np.empty(len(keys), dtype=np.int64)
    result[order] = np.arange(len(keys)) - starts[keys[order]]
    return result
