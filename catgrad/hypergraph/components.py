"""Connected components of a graph by data-parallel hooking and pointer jumping.

In every round each root hooks onto its smallest neighbouring root, if that is smaller than itself. Two rounds at least
halve the roots that still have neighbours: after the first, only local minima are roots; one of those that nobody
hooked onto has a neighbour that hooked onto something smaller, so it hooks in the second. Hence O(log n) rounds of
O(log n) jumps whatever the order of the vertices; edges inside a component are dropped as soon as they are.
"""

from __future__ import annotations

import numpy as np

from catgrad.hypergraph.arrays import IntArray

__all__ = ["component_roots"]


def component_roots(vertices: int, left: IntArray, right: IntArray) -> IntArray:
    """Return, for each of n vertices, the smallest vertex of its component under the edges left[i] -- right[i].

    Vertices without edges cost no more than their own numbers.

    Example:
        >>> component_roots(5, np.array([4, 1]), np.array([1, 2])).tolist()
        [0, 1, 1, 3, 1]
    """
    parent = np.arange(vertices, dtype=np.int32)
    left, right = _crossing(left, right)
    ends = np.concatenate([left, right])
    while left.size:
        high = np.maximum(left, right)
        np.minimum.at(parent, high, np.minimum(left, right))
        _jump(parent, high)
        left, right = _crossing(parent[left], parent[right])
    _jump(parent, ends)
    return parent


def _crossing(left: IntArray, right: IntArray) -> tuple[IntArray, IntArray]:
    """Keep the edges that join two different vertices."""
    keep = left != right
    return left[keep], right[keep]


def _jump(parent: IntArray, vertices: IntArray) -> None:
    """Point each of `vertices` at the root of its tree, halving its depth in every step."""
    above = parent[vertices]
    while not np.array_equal(above, grand := parent[above]):
        parent[vertices] = grand
        above = parent[vertices]
