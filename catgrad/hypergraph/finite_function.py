"""The category of finite functions: objects are natural numbers, arrows n → m are functions {0..n-1} → {0..m-1}.

A function is its table. Coproduct is addition of objects, so the category is strict symmetric monoidal with unit 0, and
every pair of parallel functions has a coequalizer: the connected components of the graph they span.

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

from catgrad.hypergraph.arrays import IntArray, check_range, integers, offsets
from catgrad.hypergraph.components import component_roots
from catgrad.hypergraph.errors import CompositionError, HypergraphError, LabelClashError
from catgrad.hypergraph.labels import LabelArray, first_difference

__all__ = ["FiniteFunction", "universal"]


@dataclass(frozen=True, eq=False)
class FiniteFunction:
    """A function from {0..n-1} to {0..target-1}.

    Args:
        table: n integers: the value at each element. Kept as a read-only vector of int64.
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
        object.__setattr__(self, "table", integers(self.table))
        check_range(self.table, self.target, f"a function into {self.target}")
        if self.target < 0:
            raise HypergraphError(f"a codomain has 0 or more elements, got {self.target}")

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
        return FiniteFunction(np.arange(n), n)

    @staticmethod
    def initial(target: int) -> FiniteFunction:
        """The only function 0 → target."""
        return FiniteFunction(np.zeros(0, dtype=np.int64), target)

    @staticmethod
    def terminal(n: int) -> FiniteFunction:
        """The only function n → 1."""
        return FiniteFunction.constant(0, n, 1)

    @staticmethod
    def constant(value: int, n: int, target: int) -> FiniteFunction:
        """The function n → target that is `value` everywhere."""
        return FiniteFunction(np.full(n, value, dtype=np.int64), target)

    def __rshift__(self, other: FiniteFunction) -> FiniteFunction:
        """Compose: f >> g applies f first."""
        if self.target != other.source:
            raise CompositionError(
                f"cannot compose {self.source} → {self.target} with {other.source} → {other.target}: "
                f"{self.target} is not {other.source}"
            )
        return FiniteFunction(other.table[self.table], other.target)

    def __add__(self, other: FiniteFunction) -> FiniteFunction:
        """Copair two functions a → c and b → c into a + b → c."""
        if self.target != other.target:
            raise CompositionError(f"cannot copair functions into {self.target} and into {other.target}")
        return FiniteFunction(np.concatenate([self.table, other.table]), self.target)

    def __matmul__(self, other: FiniteFunction) -> FiniteFunction:
        """Place a → c and b → d side by side: a + b → c + d."""
        table = np.concatenate([self.table, other.table + self.target])
        return FiniteFunction(table, self.target + other.target)

    @staticmethod
    def inj0(a: int, b: int) -> FiniteFunction:
        """The left injection a → a + b."""
        return FiniteFunction(np.arange(a), a + b)

    @staticmethod
    def inj1(a: int, b: int) -> FiniteFunction:
        """The right injection b → a + b."""
        return FiniteFunction(np.arange(a, a + b), a + b)

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
        roots = component_roots(self.target, self.table, other.table)
        numbers = np.cumsum(roots == np.arange(self.target)) - 1
        return FiniteFunction(numbers[roots], int(numbers[-1]) + 1 if numbers.size else 0)

    def coequalizer_universal(self, f: FiniteFunction) -> FiniteFunction:
        """For a surjection q (this) and f constant on its classes, return the unique u with q >> u == f."""
        return FiniteFunction(integers(universal(self, f.table)), f.target)


def universal(q: FiniteFunction, table: LabelArray) -> npt.NDArray[np.generic]:
    """For a surjection q : n → m and n values constant on its classes, return the m values of the classes.

    Raises:
        LabelClashError: Two elements of one class have different values.

    Example:
        >>> universal(FiniteFunction(np.array([0, 1, 0]), 2), np.array(["a", "b", "a"])).tolist()
        ['a', 'b']
    """
    values = np.empty(q.target, dtype=table.dtype)
    values[q.table[::-1]] = table[::-1]
    index = first_difference(values[q.table], table)
    if index is not None:
        raise LabelClashError(
            f"cannot make one of elements labelled {values[q.table[index]]!s} and {table[index]!s} (element {index})"
        )
    return values
