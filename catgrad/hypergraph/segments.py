"""Segmented arrays: an indexed family of lists, stored flat (an indexed coproduct).

    lists   [a b] [] [c d e]        sizes  2 0 3        values  a b c d e

All operations are gathers and sums over the flat arrays, linear in what they read and write.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from catgrad.cached import cached_property
from catgrad.hypergraph.arrays import (
    IntArray,
    by_appearance,
    cardinal,
    frozen,
    indices,
    integers,
    offsets,
    ranked,
    side_by_side,
    unchecked,
)
from catgrad.hypergraph.errors import HypergraphError
from catgrad.hypergraph.labels import Label, Vector, concatenate, labels, same

__all__ = ["Segments"]

# In bijective bases up to this, numbers of two digits fit into 63 bits.
_MOST_DIGITS = 2**31 - 2


@dataclass(frozen=True, eq=False)
class Segments:
    """A family of n lists.

    Args:
        sizes: n lengths, each at least 0. Kept as a read-only vector of int32.
        values: The entries of all lists, one after the other: integers or labels.

    Example:
        >>> family = Segments.of([[1, 2], [], [3]])
        >>> [segment.tolist() for segment in family]
        [[1, 2], [], [3]]
        >>> family.map_indexes(np.array([2, 0])).lists()
        [[3], [1, 2]]
    """

    sizes: IntArray
    values: Vector

    def __post_init__(self) -> None:
        sizes, values = integers(self.sizes), self.values
        if (sizes < 0).any():
            raise HypergraphError("a segment has 0 or more values, got a negative size")
        if sizes.sum() != len(values):
            raise HypergraphError(f"the sizes sum to {sizes.sum()}, but there are {len(values)} values")
        whole = isinstance(values, np.ndarray) and values.dtype.kind in "iu"
        object.__setattr__(self, "sizes", frozen(sizes.astype(np.int32, copy=False)))
        object.__setattr__(self, "values", integers(values) if whole else labels(values))

    @cached_property
    def offsets(self) -> IntArray:
        """Offsets of the segments: segment i is values[offsets[i] : offsets[i + 1]]."""
        return offsets(self.sizes)

    @cached_property
    def owners(self) -> IntArray:
        """For each value, the index of its segment."""
        return np.repeat(np.arange(len(self), dtype=np.int32), self.sizes)

    @property
    def ranks(self) -> IntArray:
        """For each value, its position in its segment."""
        return np.arange(len(self.values)) - np.repeat(self.offsets[:-1], self.sizes)

    @cached_property
    def is_singletons(self) -> bool:
        """Whether every segment has one value: the family is then a vector, and many steps cost nothing."""
        return len(self.sizes) == len(self.values) and bool((self.sizes == 1).all())

    def __len__(self) -> int:
        return len(self.sizes)

    def __getitem__(self, index: int) -> Vector:
        return self.values[self.offsets[index] : self.offsets[index + 1]]

    def __iter__(self) -> Iterator[Vector]:
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
        """Return the family of the given lists, of integers or of labels."""
        rows = [list(row) for row in lists]
        flat = [value for row in rows for value in row]
        sizes = np.array([len(row) for row in rows], dtype=np.int32)
        whole = all(type(value) is int for value in flat)
        return Segments(sizes, np.array(flat, dtype=np.int64) if whole else labels(flat))

    @staticmethod
    def ranges(sizes: IntArray) -> Segments:
        """Return consecutive ranges of the given sizes: [0..s0-1], [s0..s0+s1-1], ..."""
        return Segments(sizes, np.arange(cardinal(sizes.sum()), dtype=np.int32))

    @staticmethod
    def singletons(values: Vector) -> Segments:
        """Return one segment for each value."""
        return Segments(np.ones(len(values), dtype=np.int32), values)

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
        sizes = np.sum([part.sizes for part in parts], axis=0, dtype=np.int32)
        return unchecked(Segments, sizes, concat(parts).map_indexes(zipped).values)

    def __add__(self, other: Segments) -> Segments:
        """The segments of both, one family after the other."""
        return concat([self, other])

    def lists(self) -> list[list[Any]]:
        """Return the family as nested Python lists."""
        flat = self.values.tolist()
        return [flat[start:end] for start, end in pairwise(self.offsets.tolist())]

    def map_values(self, table: Vector) -> Segments:
        """Replace each value v by table[v]."""
        return unchecked(Segments, self.sizes, table.take(self.values))

    def beside(self, other: Segments, shift: int) -> Segments:
        """The segments of both families of integers, with `shift` added to the values of the second."""
        sizes = np.concatenate([self.sizes, other.sizes])
        return unchecked(Segments, sizes, side_by_side(self.values, other.values, shift))

    def shift(self, amount: int) -> Segments:
        """Add `amount` to each value, which is the number of an element of a set and stays one."""
        cardinal(int(self.values.max(initial=0)) + amount + 1)
        return unchecked(Segments, self.sizes, self.values + amount)

    def positions(self, chosen: IntArray) -> IntArray:
        """Return where the values of the segments `chosen` lie, in that order.

        Example:
            >>> Segments.of([["a", "b"], [], ["c"]]).positions(np.array([2, 0])).tolist()
            [2, 0, 1]
        """
        if self.is_singletons:
            return chosen
        sizes = self.sizes.take(chosen)
        starts = offsets(sizes)
        return np.arange(starts[-1]) + np.repeat(self.offsets.take(chosen) - starts[:-1], sizes)

    def map_indexes(self, chosen: IntArray) -> Segments:
        """Return the segments `chosen`, in that order; a segment may be chosen many times."""
        return unchecked(Segments, self.sizes.take(chosen), self.values.take(self.positions(chosen)))

    def flatmap(self, inner: Segments) -> Segments:
        """Replace each value v by the list inner[v].

        Example:
            >>> Segments.of([[1, 0], []]).flatmap(Segments.of([["a"], ["b", "c"]])).lists()
            [['b', 'c', 'a'], []]
        """
        if inner.is_singletons:
            return self.map_values(inner.values)
        mapped = inner.map_indexes(self.values)
        sizes = np.diff(mapped.offsets.take(self.offsets))
        return unchecked(Segments, sizes.astype(np.int32), mapped.values)

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
        values = indices(self.values, bound, f"a relation to {bound}")
        order = np.argsort(values, kind="stable")
        return unchecked(Segments, np.bincount(values, minlength=bound).astype(np.int32), self.owners[order])

    def sort(self) -> Segments:
        """Sort the values inside each segment."""
        return unchecked(Segments, self.sizes, self.values[np.lexsort((self.values, self.owners))])

    def group(self) -> tuple[IntArray, IntArray]:
        """Group equal segments of integers.

        Returns:
            A code for each segment, numbered by first appearance, and the index of the first segment of each code.

        Example:
            >>> codes, first = Segments.of([[1, 2], [], [1, 2]]).group()
            >>> codes.tolist(), first.tolist()
            ([0, 1, 0], [0, 1])
        """
        return by_appearance(*ranked(self._numbers()))

    def _numbers(self) -> IntArray:
        """Return a number for each segment of integers, the same for equal ones only.

        The values are the digits 1, 2, ..., b of a number in bijective base b. Where that would exceed 63 bits, chunks
        of as many digits as fit are replaced by their ranks, which are the digits of a shorter list.
        """
        low, high = int(self.values.min(initial=0)), int(self.values.max(initial=0))
        few = high - low < _MOST_DIGITS
        digits = np.subtract(self.values, low - 1, dtype=np.int64) if few else ranked(self.values)[0] + 1
        base = int(digits.max(initial=1))
        width = 63 // (base + 1).bit_length()
        ranks, powers = self.ranks % width, base ** np.arange(width)
        sums = offsets(digits * powers.take(ranks))
        if self.sizes.max(initial=0) <= width:
            return np.diff(sums.take(self.offsets))
        chunks = np.diff(sums.take(np.append(np.flatnonzero(ranks == 0), len(digits))))
        return unchecked(Segments, -(-self.sizes // width), ranked(chunks)[0])._numbers()


def concat(parts: Sequence[Segments]) -> Segments:
    """Return the segments of all `parts`, one family after the other."""
    filled = [part for part in parts if len(part)]
    if len(filled) < 2:
        return filled[0] if filled else parts[0]
    values = [part.values for part in filled]
    whole = all(isinstance(part, np.ndarray) for part in values)
    flat = np.concatenate(values) if whole else concatenate([labels(part) for part in values])
    return unchecked(Segments, np.concatenate([part.sizes for part in filled]), flat)
