"""Partitions of an acyclic graph whose quotient is acyclic: what may run as one operation each."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

__all__ = ["Partition"]

_PATIENCE = 1024
"""Edges that are followed to find out whether two classes may be merged."""

_ROUNDS = 64
"""Overlapping classes that are looked at to find out how far a path can matter."""


class Partition:
    """A partition of the nodes of an acyclic graph such that the quotient graph is acyclic.

    Merging takes constant time, but for the size of the classes: where it would take a long search to see that two may
    be merged, they are not.

    Args:
        successors: For each node, the nodes that depend on it, which have greater numbers.

    Example:
        >>> partition = Partition([{1, 2}, {2}, set()])
        >>> partition.merge(0, 2), partition.merge(0, 1), partition.merge(0, 2)
        (False, True, True)
    """

    def __init__(self, successors: Sequence[set[int]]) -> None:
        self._successors = [sorted(nodes) for nodes in successors]
        self._class = list(range(len(successors)))
        self._members = [[node] for node in self._class]
        self._least = list(self._class)
        self._greatest = list(self._class)
        self._spans = _PrefixMaximum(len(successors))

    def members(self, node: int) -> list[int]:
        """Return the nodes in the class of `node`, in order."""
        return sorted(self._members[self._class[node]])

    def merge(self, a: int, b: int) -> bool:
        """Merge the classes of two nodes; return False, and do nothing, if a path between them may leave them."""
        a, b = self._class[a], self._class[b]
        if a != b:
            if self._leaves(a, b) or self._leaves(b, a):
                return False
            if len(self._members[a]) < len(self._members[b]):
                a, b = b, a
            for node in self._members[b]:
                self._class[node] = a
            self._members[a] += self._members[b]
            following = {*self._successors[a], *self._successors[b]}
            self._successors[a] = sorted(node for node in following if self._class[node] != a)
            self._least[a] = min(self._least[a], self._least[b])
            self._greatest[a] = max(self._greatest[a], self._greatest[b])
            self._spans.add(self._least[a], self._greatest[a])
        return True

    def order(self) -> list[list[int]]:
        """Return the classes in an order of the quotient graph that changes the order of nodes least."""
        classes = sorted(set(self._class))
        targets = {c: {self._class[node] for node in self._successors[c]} - {c} for c in classes}
        waiting = dict.fromkeys(classes, 0)
        for each in targets.values():
            for target in each:
                waiting[target] += 1
        ready = [(max(self._members[c]), c) for c in classes if not waiting[c]]
        heapq.heapify(ready)
        found = []
        while ready:
            _, current = heapq.heappop(ready)
            found.append(sorted(self._members[current]))
            for target in targets[current]:
                waiting[target] -= 1
                if not waiting[target]:
                    heapq.heappush(ready, (max(self._members[target]), target))
        return found

    def _leaves(self, start: int, end: int) -> bool:
        """Return whether there is, or may be, a path between two classes through a third."""
        limit, patience = self._limit(end), _PATIENCE
        stack, seen = [start], {start, end}
        while stack:
            current = stack.pop()
            for node in self._successors[current]:
                patience -= 1
                if node > limit:
                    break
                following = self._class[node]
                if (following == end and current != start) or not patience:
                    return True
                if following not in seen:
                    seen.add(following)
                    stack.append(following)
        return False

    def _limit(self, end: int) -> int:
        """Return a number such that no class with a node beyond it leads to `end`.

        Edges lead to greater numbers, and only inside a class can a path come back to a lesser one. So a path from
        beyond every class that overlaps what is before the limit stays there.
        """
        limit = self._greatest[end]
        for _ in range(_ROUNDS):
            further = self._spans.up_to(limit)
            if further <= limit:
                return limit
            limit = further
        return len(self._class)


class _PrefixMaximum:
    """Numbers at positions, and the greatest at or before a position, both in logarithmic time.

    Reference: Fenwick, "A new data structure for cumulative frequency tables" (1994).
    """

    def __init__(self, size: int) -> None:
        self._tree = [-1] * (size + 1)

    def add(self, position: int, number: int) -> None:
        """Put a number at a position."""
        node = position + 1
        while node < len(self._tree):
            self._tree[node] = max(self._tree[node], number)
            node += node & -node

    def up_to(self, position: int) -> int:
        """Return the greatest number at or before a position, or -1."""
        node, found = position + 1, -1
        while node:
            found = max(found, self._tree[node])
            node -= node & -node
        return found
