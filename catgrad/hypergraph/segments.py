"""Segmented arrays: an indexed family of lists, stored flat (an indexed coproduct).

    lists   [a b] [] [c d e]        sizes  2 0 3        values  a b c d e

All operations are gathers and sums over the flat arrays, linear in what they read and write.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from catgrad.hypergraph.arrays import IntArray, check_range, integers, offsets
from catgrad.hypergraph.errors import HypergraphError
from catgrad.hypergraph.labels import Label, LabelArray, concatenate, labels, same

__all__ = ["Segments"]


@dataclass(frozen=True, eq=False)
class Segments:
    """A family of n lists.

    Args:
        sizes: n lengths, each at least 0.
        values: The entries of all lists, one after the other, of any dtype.

    Example:
        >>> family = Segments.of([[1, 2], [], [3]])
        >>> [segment.tolist() for segment in family]
        [[1, 2], [], [3]]
        >>> family.map_indexes(np.array([2, 0])).lists()
        [[3], [1, 2]]
    """

    sizes: IntArray
    values: LabelArray

    def __post_init__(self) -> None:
        object.__setattr__(self, "sizes", integers(self.sizes))
        object.__setattr__(self, "values", labels(self.values))
        if (self.sizes < 0).any():
            raise HypergraphError("a segment has 0 or more values, got a negative size")
        if self.offsets[-1] != len(self.values):
            raise HypergraphError(f"the sizes sum to {self.offsets[-1]}, but there are {len(self.values)} values")

    @cached_property
    def offsets(self) -> IntArray:
        """Where segments start and end: segment i is values[offsets[i] : offsets[i + 1]]."""
        return offsets(self.sizes)

    @cached_property
    def owners(self) -> IntArray:
        """For each value, the index of its segment."""
        return np.repeat(np.arange(len(self)), self.sizes)

    @property
    def ranks(self) -> IntArray:
        """For each value, its position in its segment."""
        return np.arange(len(self.values)) - np.repeat(self.offsets[:-1], self.sizes)

    def __len__(self) -> int:
        return len(self.sizes)

    def __getitem__(self, index: int) -> LabelArray:
        return self.values[self.offsets[index] : self.offsets[index + 1]]

    def __iter__(self) -> Iterator[LabelArray]:
        return (self.values[start:end] for start, end in pairwise(self.offsets.tolist()))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Segments):
            return NotImplemented
        return np.array_equal(self.sizes, other.sizes) and same(self.values, other.values)

    def __hash__(self) -> int:
        return hash(self.sizes.tobytes())

    def __repr__(self) -> str:
        return f"Segments({self.lists()})"

    @staticmethod
    def of(lists: Iterable[Sequence[Label]]) -> Segments:
        """Return the family of the given lists; integers are kept as int64, everything else as objects."""
        rows = [list(row) for row in lists]
        flat = [value for row in rows for value in row]
        sizes = integers([len(row) for row in rows])
        if all(type(value) is int for value in flat):
            return Segments(sizes, np.array(flat, dtype=np.int64))
        return Segments(sizes, labels(flat))

    @staticmethod
    def ranges(sizes: IntArray) -> Segments:
        """Return consecutive ranges of the given sizes: [0..s0-1], [s0..s0+s1-1], ..."""
        return Segments(sizes, np.arange(sizes.sum()))

    @staticmethod
    def singletons(values: LabelArray) -> Segments:
        """Return one segment for each value."""
        return Segments(np.ones(len(values), dtype=np.int64), values)

    @staticmethod
    def join(*parts: Segments) -> Segments:
        """Concatenate families of equal length list by list: segment i is parts[0][i] + parts[1][i] + ...

        Example:
            >>> Segments.join(Segments.of([[1], [2]]), Segments.of([[], [3, 4]])).lists()
            [[1], [2, 3, 4]]
        """
        length = len(parts[0])
        if any(len(part) != length for part in parts):
            raise HypergraphError(f"cannot join families of {', '.join(str(len(part)) for part in parts)} segments")
        zipped = np.arange(len(parts) * length).reshape(len(parts), length).T.ravel()
        return Segments(np.sum([part.sizes for part in parts], axis=0), concat(parts).map_indexes(zipped).values)

    def __add__(self, other: Segments) -> Segments:
        """The segments of both, one family after the other."""
        return concat([self, other])

    def lists(self) -> list[list[Any]]:
        """Return the family as nested Python lists."""
        flat = self.values.tolist()
        return [flat[start:end] for start, end in pairwise(self.offsets.tolist())]

    def map_values(self, table: LabelArray) -> Segments:
        """Replace each value v by table[v]."""
        return Segments(self.sizes, table[self.values])

    def shift(self, amount: int) -> Segments:
        """Add `amount` to each value."""
        return Segments(self.sizes, self.values + amount)

    def map_indexes(self, chosen: IntArray) -> Segments:
        """Return the segments `chosen`, in that order; a segment may be chosen many times."""
        sizes = self.sizes[chosen]
        shifts = self.offsets[chosen] - offsets(sizes)[:-1]
        return Segments(sizes, self.values[np.arange(sizes.sum()) + np.repeat(shifts, sizes)])

    def flatmap(self, inner: Segments) -> Segments:
        """Replace each value v by the list inner[v].

        Example:
            >>> Segments.of([[1, 0], []]).flatmap(Segments.of([["a"], ["b", "c"]])).lists()
            [['b', 'c', 'a'], []]
        """
        sizes = offsets(inner.sizes[self.values])
        return Segments(np.diff(sizes[self.offsets]), inner.map_indexes(self.values).values)

    def split(self, sizes: IntArray) -> tuple[Segments, Segments]:
        """Cut segment i after sizes[i] values: the inverse of `join`."""
        if len(sizes) != len(self) or (sizes > self.sizes).any():
            raise HypergraphError("cannot cut a segment after more values than it has")
        front = self.ranks < np.repeat(sizes, self.sizes)
        return Segments(sizes, self.values[front]), Segments(self.sizes - sizes, self.values[~front])

    def converse(self, bound: int) -> Segments:
        """Return the opposite relation: for each v < `bound`, the segments that hold v, in order, with multiplicity.

        Example:
            >>> Segments.of([[0, 2], [2]]).converse(3).lists()
            [[0], [], [0, 1]]
        """
        check_range(self.values, bound, f"a relation to {bound}")
        order = np.argsort(self.values, kind="stable")
        return Segments(np.bincount(self.values, minlength=bound), self.owners[order])

    def sort(self) -> Segments:
        """Sort the values inside each segment."""
        return Segments(self.sizes, self.values[np.lexsort((self.values, self.owners))])

    def group(self) -> tuple[IntArray, IntArray]:
        """Group equal segments of integers.

        Returns:
            A code for each segment, numbered by first appearance, and the index of the first segment of each code.

        Example:
            >>> codes, first = Segments.of([[1, 2], [], [1, 2]]).group()
            >>> codes.tolist(), first.tolist()
            ([0, 1, 0], [0, 1])
        """
        data, table = integers(self.values).tobytes(), dict[bytes, int]()
        ends = (self.offsets * np.dtype(np.int64).itemsize).tolist()
        codes = integers([table.setdefault(data[start:end], len(table)) for start, end in pairwise(ends)])
        first = np.empty(len(table), dtype=np.int64)
        first[codes[::-1]] = np.arange(len(self))[::-1]
        return codes, first


def concat(parts: Sequence[Segments]) -> Segments:
    """Return the segments of all `parts`, one family after the other."""
    return Segments(np.concatenate([part.sizes for part in parts]), concatenate([part.values for part in parts]))
