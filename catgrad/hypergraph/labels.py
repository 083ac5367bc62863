"""Vectors of labels, as numbers into an alphabet.

    labels   f  g  f  f  h            alphabet   f g h            codes   0 1 0 0 2

A graph of a million operations has few different ones. So labels are hashed once, where they come in; from then on they
are gathered, concatenated and compared as small integers. Labels that compare equal are one label.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, overload

import numpy as np
import numpy.typing as npt

from catgrad.hypergraph.arrays import IntArray, by_appearance, ranked, unchecked
from catgrad.hypergraph.errors import HypergraphError

__all__ = [
    "Label",
    "LabelArray",
    "Vector",
    "concatenate",
    "first_difference",
    "intern",
    "labels",
    "same",
]

Label: TypeAlias = Hashable
Alphabet: TypeAlias = tuple[Any, ...]
Vector: TypeAlias = Any
"""A vector of labels or a numpy vector of integers: what has `take`, `tolist` and a length."""

# Unused labels that a vector may keep alive: dropping them costs more than carrying them.
_SPARE = 64


@dataclass(frozen=True, eq=False, repr=False)
class LabelArray:
    """A vector of n labels, made by `labels`; it is indexed like an array.

    Attributes:
        codes: n unsigned integers, of the least width that the alphabet needs.
        alphabet: Different labels, not all of them in use.

    Example:
        >>> words = labels(["a", "b", "a"])
        >>> words[1], words[1:].tolist(), words[np.array([2, 2])].tolist()
        ('b', ['b', 'a'], ['a', 'a'])
    """

    codes: npt.NDArray[np.unsignedinteger[Any]]
    alphabet: Alphabet

    def __len__(self) -> int:
        return len(self.codes)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.tolist())

    @overload
    def __getitem__(self, chosen: int | np.integer[Any]) -> Any: ...
    @overload
    def __getitem__(self, chosen: slice | npt.NDArray[Any]) -> LabelArray: ...
    def __getitem__(self, chosen: Any) -> Any:
        codes = self.codes[chosen]
        if not isinstance(codes, np.ndarray):
            return self.alphabet[codes]
        return _used(codes, self.alphabet)

    def take(self, chosen: IntArray) -> LabelArray:
        """Return the labels at the positions `chosen`."""
        return _used(self.codes.take(chosen), self.alphabet)

    def tolist(self) -> list[Any]:
        """Return the labels as a list."""
        return list(map(self.alphabet.__getitem__, self.codes.tolist()))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return np.fromiter(self, dtype=object, count=len(self))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, LabelArray):
            return NotImplemented
        if self.alphabet is other.alphabet:
            return np.array_equal(self.codes, other.codes)
        return len(self) == len(other) and self.tolist() == other.tolist()

    def __hash__(self) -> int:
        return hash(tuple(self.tolist()))

    def __repr__(self) -> str:
        return f"labels({self.tolist()})"


def labels(values: LabelArray | npt.NDArray[Any] | Iterable[Label]) -> LabelArray:
    """Return `values`, labels in any iterable or in a numpy vector of any dtype, as a `LabelArray`.

    Example:
        >>> len(labels([("a", 1), ("b", 2)]))
        2
    """
    if isinstance(values, LabelArray):
        return values
    if not isinstance(values, np.ndarray):
        return _numbered(values)
    if values.ndim != 1:
        raise HypergraphError(f"expected a vector of labels, got an array of shape {values.shape}")
    # A million references to few objects are told apart by address; only the few are hashed.
    keys = np.fromiter(map(id, values), np.int64, len(values)) if values.dtype == object else values
    which, first = by_appearance(*ranked(keys))
    return _numbered(values[first].tolist())[which]


def concatenate(arrays: Sequence[LabelArray]) -> LabelArray:
    """Concatenate one or more vectors of labels, in one alphabet.

    Example:
        >>> concatenate([labels([1]), labels(["1"])]).tolist()
        [1, '1']
    """
    filled = [array for array in arrays if len(array)]
    if len(filled) < 2:
        return filled[0] if filled else arrays[0]
    alphabet = filled[0].alphabet
    if all(array.alphabet is alphabet or array.alphabet == alphabet for array in filled):
        return unchecked(LabelArray, np.concatenate([array.codes for array in filled]), alphabet)
    table: dict[Any, int] = {}
    renamed = [[table.setdefault(label, len(table)) for label in array.alphabet] for array in filled]
    width = _width(table)
    codes = [np.array(new, width).take(array.codes) for new, array in zip(renamed, filled, strict=True)]
    return unchecked(LabelArray, np.concatenate(codes), tuple(table))


def same(a: Vector, b: Vector) -> bool:
    """Return whether two vectors are equal, entry by entry."""
    if type(a) is not type(b):
        return bool(a.tolist() == b.tolist())
    return a == b if isinstance(a, LabelArray) else np.array_equal(a, b)


def first_difference(a: LabelArray, b: LabelArray) -> int | None:
    """Return the first index where two vectors differ (the shorter length, if one continues the other)."""
    if a == b:
        return None
    pairs = zip(a, b, strict=False)
    return next((i for i, (x, y) in enumerate(pairs) if x is not y and x != y), min(len(a), len(b)))


def intern(array: LabelArray | npt.NDArray[Any]) -> tuple[IntArray, list[Any]]:
    """Return a code for each label, and the distinct labels by code, in the order of their first appearance.

    Example:
        >>> codes, distinct = intern(labels(["x", "y", "x"])[1:])
        >>> codes.tolist(), distinct
        ([0, 1], ['y', 'x'])
    """
    found = labels(array)
    codes, first = by_appearance(found.codes, len(found.alphabet))
    return codes, found.take(first).tolist()


def _numbered(values: Iterable[Label]) -> LabelArray:
    """Number labels in the order of their first appearance."""
    table: dict[Label, int] = {}
    codes = [table.setdefault(label, len(table)) for label in values]
    return unchecked(LabelArray, np.array(codes, _width(table)), tuple(table))


def _width(alphabet: dict[Any, int]) -> type[np.unsignedinteger[Any]]:
    """Return the least type that numbers the labels of an alphabet."""
    if len(alphabet) <= 2**8:
        return np.uint8
    return np.uint16 if len(alphabet) <= 2**16 else np.uint32


def _used(codes: npt.NDArray[Any], alphabet: Alphabet) -> LabelArray:
    """Return a gathered vector; one that is much shorter than the alphabet drops the labels it does not use."""
    if len(alphabet) <= len(codes) + _SPARE:
        return unchecked(LabelArray, codes, alphabet)
    return _numbered(map(alphabet.__getitem__, codes.tolist()))
