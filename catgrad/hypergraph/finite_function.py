"""The category of finite functions: objects are natural numbers, arrows n → m are functions {0..n-1} → {0..m-1}.

A function is its table. Coproduct is addition of objects, so the category is strict symmetric monoidal with unit 0.
Every pair of parallel functions has a coequalizer: the connected components of the graph they span. Every pair of
functions from one set has a pushout: the two codomains glued.

    >>> f = FiniteFunction(np.array([1, 0, 1]), 2)
    >>> f >> FiniteFunction.identity(2) == f
    True
    >>> f + f == (f @ f >> (FiniteFunction.identity(2) + FiniteFunction.identity(2)))
    True
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from catgrad.cached import cached_property
from catgrad.hypergraph.arrays import IntArray, cardinal, indices, offsets, side_by_side, unchecked
from catgrad.hypergraph.components import component_roots
from catgrad.hypergraph.errors import CompositionError, HypergraphError, LabelClashError
from catgrad.hypergraph.labels import LabelArray, first_difference, labels

__all__ = ["FiniteFunction", "pushout", "universal"]


@dataclass(frozen=True, eq=False)
class FiniteFunction:
    """A function from {0..n-1} to {0..target-1}.

    Args:
        table: n integers: the value at each element. Kept as a read-only vector of int32.
        target: The number of elements of the codomain.

    Raises:
        HypergraphError: A value lies outside the codomain.

    Example:
        >>> FiniteFunction(np.array([0, 2]), 3)
        FiniteFunction([0, 2], 3)
    """

    table: IntArray
    target: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "table", indices(self.table, self.target, f"a function into {self.target}"))

    @property
    def source(self) -> int:
        """The number of elements of the domain."""
        return len(self.table)

    def __len__(self) -> int:
        return len(self.table)

    def __repr__(self) -> str:
        return f"FiniteFunction({self.table.tolist()}, {self.target})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, FiniteFunction):
            return NotImplemented
        return self.target == other.target and np.array_equal(self.table, other.table)

    def __hash__(self) -> int:
        return hash((self.table.tobytes(), self.target))

    @staticmethod
    def identity(n: int) -> FiniteFunction:
        """Identity : n → n."""
        return _range(0, n, n)

    @staticmethod
    def initial(target: int) -> FiniteFunction:
        """The only function 0 → target."""
        return _range(0, 0, target)

    @staticmethod
    def terminal(n: int) -> FiniteFunction:
        """The only function n → 1."""
        return FiniteFunction.constant(0, n, 1)

    @staticmethod
    def constant(value: int, n: int, target: int) -> FiniteFunction:
        """The function n → target that is `value` everywhere."""
        return FiniteFunction(np.full(n, value), target)

    @cached_property
    def is_identity(self) -> bool:
        """Whether every element is its own value, and there are no others."""
        return self.source == self.target and np.array_equal(self.table, np.arange(self.source, dtype=np.int32))

    def __rshift__(self, other: FiniteFunction) -> FiniteFunction:
        """Compose: f >> g applies f first."""
        if self.target != other.source:
            raise CompositionError(
                f"cannot compose {self.source} → {self.target} with {other.source} → {other.target}: "
                f"{self.target} is not {other.source}"
            )
        return unchecked(FiniteFunction, other.table.take(self.table), other.target)

    def __add__(self, other: FiniteFunction) -> FiniteFunction:
        """Copair two functions a → c and b → c into a + b → c."""
        if self.target != other.target:
            raise CompositionError(f"cannot copair functions into {self.target} and into {other.target}")
        return unchecked(FiniteFunction, np.concatenate([self.table, other.table]), self.target)

    def __matmul__(self, other: FiniteFunction) -> FiniteFunction:
        """Place a → c and b → d side by side: a + b → c + d."""
        target = cardinal(self.target + other.target)
        return unchecked(FiniteFunction, side_by_side(self.table, other.table, self.target), target)

    @staticmethod
    def inj0(a: int, b: int) -> FiniteFunction:
        """The left injection a → a + b."""
        return _range(0, a, a + b)

    @staticmethod
    def inj1(a: int, b: int) -> FiniteFunction:
        """The right injection b → a + b."""
        return _range(a, a + b, a + b)

    @staticmethod
    def twist(a: int, b: int) -> FiniteFunction:
        """The symmetry a + b → b + a."""
        return FiniteFunction.inj1(b, a) + FiniteFunction.inj0(b, a)

    @staticmethod
    def transpose(a: int, b: int) -> FiniteFunction:
        """The permutation of a × b elements that lists an a × b matrix (row major) column by column.

        Example:
            >>> FiniteFunction.transpose(2, 3).table.tolist()
            [0, 3, 1, 4, 2, 5]
        """
        return FiniteFunction(np.arange(a * b).reshape(a, b).T.ravel(), a * b)

    def injections(self, chosen: FiniteFunction) -> FiniteFunction:
        """Read the table as sizes s of consecutive segments; return the elements of the segments `chosen`, in order.

        Args:
            chosen: k → n, where this function has domain n.

        Returns:
            s[chosen(0)] + ... + s[chosen(k-1)] → s[0] + ... + s[n-1].

        Example:
            >>> sizes = FiniteFunction(np.array([2, 1, 3]), 4)
            >>> sizes.injections(FiniteFunction(np.array([2, 0]), 3)).table.tolist()
            [3, 4, 5, 0, 1]
        """
        starts, sizes = offsets(self.table), (chosen >> self).table
        shifts = starts[chosen.table] - offsets(sizes)[:-1]
        return FiniteFunction(np.arange(sizes.sum()) + np.repeat(shifts, sizes), int(starts[-1]))

    def cumulative_sum(self) -> FiniteFunction:
        """Return the sums of the entries before each entry: n → total + 1."""
        sums = offsets(self.table)
        return FiniteFunction(sums[:-1], int(sums[-1]) + 1)

    def argsort(self) -> FiniteFunction:
        """Return the stable permutation p : n → n that sorts the table: p >> self is monotone."""
        return FiniteFunction(np.argsort(self.table, kind="stable"), self.source)

    def inverse(self) -> FiniteFunction:
        """Return the inverse of a bijection."""
        if self.source != self.target or not self.is_injective():
            raise HypergraphError("only a bijection has an inverse")
        return self.argsort()

    def is_injective(self) -> bool:
        """Return whether no two elements have the same value."""
        return bool((np.bincount(self.table, minlength=1) <= 1).all())

    def coequalizer(self, other: FiniteFunction) -> FiniteFunction:
        """Return the universal q with self >> q == other >> q: classes are numbered by their smallest element.

        Args:
            other: A function parallel to this one.

        Example:
            >>> f, g = FiniteFunction(np.array([3, 0]), 4), FiniteFunction(np.array([1, 0]), 4)
            >>> f.coequalizer(g)
            FiniteFunction([0, 1, 2, 1], 3)
        """
        if (self.source, self.target) != (other.source, other.target):
            raise CompositionError(
                f"a coequalizer needs parallel functions, "
                f"got {self.source} → {self.target} and {other.source} → {other.target}"
            )
        if np.array_equal(self.table, other.table):
            return FiniteFunction.identity(self.target)
        roots = component_roots(self.target, self.table, other.table)
        numbers = _numbers(roots == np.arange(self.target, dtype=np.int32))
        return unchecked(FiniteFunction, numbers.take(roots), int(numbers[-1]) + 1)

    def coequalizer_universal(self, f: FiniteFunction) -> FiniteFunction:
        """For a surjection q (this) and f constant on its classes, return the unique u with q >> u == f."""
        return FiniteFunction(np.asarray(universal(self, labels(f.table)).tolist(), dtype=np.int32), f.target)


def pushout(f: FiniteFunction, g: FiniteFunction) -> tuple[FiniteFunction, FiniteFunction]:
    """For f : b → m and g : b → n, return the universal p and q with f >> p == g >> q: m and n, glued along b.

    The classes with elements of m are numbered first, by the smallest of them; then comes what is left of n, in order.
    So p is the identity unless gluing makes one of two elements of m, and only then are components searched for.

    Returns:
        The surjection p : m → l, and q : n → k with l ≤ k: the glued set has k elements.

    Example:
        >>> pushout(FiniteFunction(np.array([1]), 2), FiniteFunction(np.array([0]), 2))
        (FiniteFunction([0, 1], 2), FiniteFunction([1, 2], 3))
    """
    partner = np.empty(g.target, dtype=np.int32)
    partner[g.table] = f.table
    p = f.coequalizer(unchecked(FiniteFunction, partner.take(g.table), f.target))
    alone = np.ones(g.target, dtype=bool)
    alone[g.table] = False
    target = cardinal(p.target + int(np.count_nonzero(alone)))
    q = _numbers(alone)
    q += p.target
    q[g.table] = p.table.take(f.table)
    return p, unchecked(FiniteFunction, q, target)


def universal(q: FiniteFunction, table: LabelArray) -> LabelArray:
    """For a surjection q : n → m and n labels constant on its classes, return the m labels of the classes.

    Raises:
        LabelClashError: Two elements of one class have different labels; the message shows them.
        HypergraphError: q is not a surjection of n elements.

    Example:
        >>> universal(FiniteFunction(np.array([0, 1, 0]), 2), labels("aba")).tolist()
        ['a', 'b']
    """
    smallest = np.full(q.target, -1, dtype=np.int32)
    smallest[q.table[::-1]] = np.arange(q.source, dtype=np.int32)[::-1]
    if q.source != len(table) or (smallest < 0).any():
        raise HypergraphError(f"expected a surjection of {len(table)} elements, got {q.source} → {q.target}")
    values = table.take(smallest)
    index = first_difference(values.take(q.table), table)
    if index is not None:
        raise LabelClashError(
            f"cannot make one of elements labelled {values[q.table[index]]!s} and {table[index]!s} (element {index})"
        )
    return values


def _range(start: int, stop: int, target: int) -> FiniteFunction:
    """Return the function onto start .. stop - 1, in order."""
    target = cardinal(target)
    return unchecked(FiniteFunction, np.arange(start, stop, dtype=np.int32), target)


def _numbers(marked: npt.NDArray[np.bool_]) -> IntArray:
    """Return, for each entry, how many are marked up to it, minus one: the marked ones are numbered from 0."""
    numbers = np.cumsum(marked, dtype=np.int32)
    numbers -= 1
    return numbers
