"""Partitions of an acyclic graph whose quotient is acyclic: what may run as one operation each."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

__all__ = ["Partition"]


class Partition:
    """A partition of the nodes of an acyclic graph such that the quotient graph is acyclic.

    Args:
        successors: For each node, the nodes that depend on it.

    Example:
        >>> partition = Partition([{1, 2}, {2}, set()])
        >>> partition.merge(0, 2), partition.merge(0, 1), partition.merge(0, 2)
        (False, True, True)
    """

    def __init__(self, successors: Sequence[set[int]]) -> None:
        self._successors = [set(nodes) for nodes in successors]
        self._class = list(range(len(successors)))
        self._members = [[node] for node in self._class]

    def members(self, node: int) -> list[int]:
        """Return the nodes in the class of `node`, in order."""
        return sorted(self._members[self._class[node]])

    def merge(self, a: int, b: int) -> bool:
        """Merge the classes of two nodes; return False, and do nothing, if a path between them leaves them."""
        a, b = self._class[a], self._class[b]
        if a != b:
            if self._leaves(a, b) or self._leaves(b, a):
                return False
            for node in self._members[b]:
                self._class[node] = a
            self._members[a] += self._members[b]
            self._successors[a] |= self._successors[b]
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
        """Return whether there is a path between two classes through a third."""
        stack = [self._class[node] for node in self._successors[start]]
        seen = {start, end}
        while stack:
            current = stack.pop()
            if current in seen:
                continue
            seen.add(current)
            following = {self._class[node] for node in self._successors[current]}
            if end in following:
                return True
            stack.extend(following)
        return False
