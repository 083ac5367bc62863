"""Witnesses: where a transformation sends each node and edge, so that types, names and locations can follow."""

from __future__ import annotations

from dataclasses import dataclass

from catgrad.hypergraph.segments import Segments

__all__ = ["Witness"]


@dataclass(frozen=True)
class Witness:
    """The relation between a graph and its image.

    Attributes:
        nodes: For each old node, the new nodes that stand for it.
        edges: For each old edge, the new edges that came from it.

    Example:
        >>> split = Witness(Segments.of([[0, 1]]), Segments.of([]))
        >>> swap = Witness(Segments.of([[1], [0]]), Segments.of([]))
        >>> (split >> swap).nodes
        Segments([[1, 0]])
    """

    nodes: Segments
    edges: Segments

    def __rshift__(self, other: Witness) -> Witness:
        """The relation of two transformations, this one first."""
        return Witness(self.nodes.flatmap(other.nodes), self.edges.flatmap(other.edges))
