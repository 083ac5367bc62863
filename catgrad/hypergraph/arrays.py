"""Primitives on one-dimensional integer arrays: the few data-parallel steps everything here is made of.

The elements of a set are numbered by int32: half the memory of int64, and memory is what these steps wait for.
Positions in flat arrays are int64, which no sum of sizes exceeds.
"""

from __future__ import annotations

from typing import Any, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from catgrad.hypergraph.errors import HypergraphError

__all__ = [
    "IntArray",
    "by_appearance",
    "cardinal",
    "frozen",
    "indices",
    "integers",
    "occurrence",
    "offsets",
    "ranked",
    "side_by_side",
    "unchecked",
]

IntArray: TypeAlias = npt.NDArray[np.signedinteger[Any]]
T = TypeVar("T")

_LARGEST = int(np.iinfo(np.int32).max)


def unchecked(kind: type[T], *parts: object) -> T:
    """Return the frozen dataclass `kind` of parts that are valid because of how they were computed.

    What comes from outside goes through the constructor, which checks it; what is computed from checked objects comes
    here. Arrays among the parts become read-only.
    """
    made = object.__new__(kind)
    fields = made.__dict__
    for name, part in zip(kind.__match_args__, parts, strict=True):  # type: ignore[attr-defined]
        if type(part) is np.ndarray:
            part.setflags(write=False)
        fields[name] = part
    return made


def cardinal(n: int) -> int:
    """Return n if a set can have n elements; raise `HypergraphError` if not."""
    if not 0 <= n <= _LARGEST:
        raise HypergraphError(f"a set has between 0 and {_LARGEST} elements, got {n}")
    return n


def frozen(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return a read-only view of `array`."""
    view: npt.NDArray[Any] = array.view()
    view.setflags(write=False)
    return view


def integers(values: npt.ArrayLike) -> IntArray:
    """Return `values` as a read-only vector of integers; raise `HypergraphError` if they are anything else."""
    array = np.asarray(values)
    if array.ndim != 1:
        raise HypergraphError(f"expected a vector of integers, got an array of shape {array.shape}")
    if array.size and array.dtype.kind not in "iu":
        raise HypergraphError(f"expected a vector of integers, got dtype {array.dtype}")
    return frozen(array if array.size else array.astype(np.int32))


def indices(values: npt.ArrayLike, bound: int, what: str) -> IntArray:
    """Return elements of a set of size `bound` as a read-only vector of int32; raise `HypergraphError` if they are not.

    Args:
        values: A vector of integers.
        bound: The size of the set.
        what: What they are, for the message.
    """
    array, bound = integers(values), cardinal(bound)
    if array.size and (array.min() < 0 or array.max() >= bound):
        index = int(np.flatnonzero((array < 0) | (array >= bound))[0])
        raise HypergraphError(f"{what}: entry {index} is {array[index]}, expected 0 <= entry < {bound}")
    return frozen(array.astype(np.int32, copy=False))


def offsets(sizes: IntArray) -> IntArray:
    """Return where each segment starts, and the total: [0, s0, s0 + s1, ...].

    Example:
        >>> offsets(np.array([2, 0, 3])).tolist()
        [0, 2, 2, 5]
    """
    result = np.zeros(len(sizes) + 1, dtype=np.int64)
    np.cumsum(sizes, out=result[1:])
    return result


def side_by_side(left: IntArray, right: IntArray, shift: int) -> IntArray:
    """Concatenate two vectors, with `shift` added to the entries of the second.

    Example:
        >>> side_by_side(np.array([0, 1]), np.array([0, 0]), 2).tolist()
        [0, 1, 2, 2]
    """
    both = np.concatenate([left, right])
    both[len(left) :] += shift
    return both


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


def ranked(values: npt.NDArray[Any]) -> tuple[IntArray, int]:
    """Return the rank of each entry among the different ones, and how many of them there are.

    Example:
        >>> ranks, count = ranked(np.array([30, 10, 30]))
        >>> ranks.tolist(), count
        ([1, 0, 1], 2)
    """
    ordered = np.sort(values)
    different = np.ones(len(values), dtype=bool)
    different[1:] = ordered[1:] != ordered[:-1]
    distinct = ordered[different]
    return np.searchsorted(distinct, values), len(distinct)


def by_appearance(codes: npt.NDArray[np.integer[Any]], bound: int) -> tuple[IntArray, IntArray]:
    """Renumber codes below `bound` in the order of their first appearance; also return where each appears first.

    Example:
        >>> codes, first = by_appearance(np.array([3, 1, 3]), 5)
        >>> codes.tolist(), first.tolist()
        ([0, 1, 0], [0, 1])
    """
    n = len(codes)
    where = np.full(bound, n)
    where[codes[::-1]] = np.arange(n)[::-1]
    first = np.sort(where[where < n])
    numbers = np.empty(bound, dtype=np.int64)
    numbers[codes[first]] = np.arange(len(first))
    return numbers.take(codes), first
