"""Arrays of labels: numpy vectors of any dtype, most often of Python objects.

Objects are compared by identity first and by value second, so a million labels drawn from a few objects compare and
group at the speed of pointers.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from catgrad.hypergraph.arrays import IntArray, frozen
from catgrad.hypergraph.errors import HypergraphError

__all__ = ["Label", "LabelArray", "concatenate", "first_difference", "intern", "labels", "same"]

Label: TypeAlias = Hashable
LabelArray: TypeAlias = npt.NDArray[Any]


def labels(values: LabelArray | Iterable[Label]) -> LabelArray:
    """Return `values` as a read-only vector: an array as it is, any other iterable as a vector of objects.

    Example:
        >>> labels([("a", 1), ("b", 2)]).shape
        (2,)
    """
    if not isinstance(values, np.ndarray):
        return frozen(np.fromiter(values, dtype=object))
    if values.ndim != 1:
        raise HypergraphError(f"expected a vector of labels, got an array of shape {values.shape}")
    return frozen(values)


def concatenate(arrays: Sequence[LabelArray]) -> LabelArray:
    """Concatenate one or more label arrays without changing a label: kinds that differ become objects.

    Example:
        >>> concatenate([np.array([1]), np.array(["1"])]).tolist()
        [1, '1']
    """
    filled = [array for array in arrays if array.size]
    if not filled:
        return frozen(arrays[0])
    if len({array.dtype.kind for array in filled}) > 1:
        filled = [array.astype(object) for array in filled]
    return frozen(np.concatenate(filled))


def same(a: LabelArray, b: LabelArray) -> bool:
    """Return whether two label arrays are equal, entry by entry."""
    if a is b:
        return True
    if a.dtype != object and b.dtype != object and a.size and b.size:
        return np.array_equal(a, b)
    # Lists compare by identity before they compare by value; arrays of objects do not.
    return bool(a.tolist() == b.tolist())


def first_difference(a: LabelArray, b: LabelArray) -> int | None:
    """Return the first index where two label arrays differ (the shorter length, if one continues the other)."""
    if same(a, b):
        return None
    pairs = zip(a.tolist(), b.tolist(), strict=False)
    return next((i for i, (x, y) in enumerate(pairs) if x is not y and x != y), min(len(a), len(b)))


def intern(array: LabelArray) -> tuple[IntArray, list[Label]]:
    """Return a code for each label, and the distinct labels by code, in the order of their first appearance.

    Labels of dtype object are grouped by identity, then the few that remain by hash and equality.

    Example:
        >>> codes, distinct = intern(labels(["x", "y", "x"]))
        >>> codes.tolist(), distinct
        ([0, 1, 0], ['x', 'y'])
    """
    keys = np.fromiter(map(id, array), dtype=np.int64, count=len(array)) if array.dtype == object else array
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    appearance = np.argsort(first)
    table: dict[Label, int] = {}
    codes = np.empty(len(first), dtype=np.int64)
    codes[appearance] = [table.setdefault(label, len(table)) for label in array[first[appearance]].tolist()]
    return codes[inverse], list(table)
