"""Families of open hypergraphs as one disjoint union, so that a million of them are re-indexed and tensored at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Sized
from dataclasses import dataclass

import numpy as np

from catgrad.hypergraph.arrays import IntArray, unchecked
from catgrad.hypergraph.finite_function import FiniteFunction
from catgrad.hypergraph.hypergraph import Hypergraph
from catgrad.hypergraph.labels import concatenate
from catgrad.hypergraph.open_hypergraph import OpenHypergraph
from catgrad.hypergraph.segments import Segments, concat

__all__ = ["Family", "tensor_all"]


@dataclass(frozen=True, eq=False)
class Family:
    """A family f₀, f₁, ... of k open hypergraphs.

    Args:
        hypergraph: Their disjoint union; the nodes and edges of each member are consecutive.
        nodes: k ranges of nodes.
        edges: k ranges of edges.
        sources: k source boundaries, as nodes of the union.
        targets: k target boundaries, as nodes of the union.
    """

    hypergraph: Hypergraph
    nodes: Segments
    edges: Segments
    sources: Segments
    targets: Segments

    def __len__(self) -> int:
        return len(self.nodes)

    @staticmethod
    def of(members: Iterable[OpenHypergraph]) -> Family:
        """Return the family of the given members, in time linear in their total size."""
        fs = list(members) or [OpenHypergraph.unit()]
        hs = [f.hypergraph for f in fs]
        nodes, edges = (Segments.ranges(_lengths(labels)) for labels in ([h.nodes for h in hs], [h.edges for h in hs]))
        starts = nodes.offsets[:-1]
        union = unchecked(
            Hypergraph,
            concatenate([h.nodes for h in hs]),
            concatenate([h.edges for h in hs]),
            _ends([h.sources for h in hs], starts),
            _ends([h.targets for h in hs], starts),
        )
        sources, targets = (_tables(side, starts) for side in ([f.sources for f in fs], [f.targets for f in fs]))
        return Family(union, nodes, edges, sources, targets)

    def select(self, chosen: IntArray) -> Family:
        """Return the family of the members `chosen`, in that order; a member may be chosen many times."""
        h, at = self.hypergraph, self.edges.positions(chosen)
        nodes, edges = (Segments.ranges(ranges.sizes.take(chosen)) for ranges in (self.nodes, self.edges))
        moved = nodes.offsets[:-1] - self.nodes.offsets.take(chosen)
        sources, targets = (self._select_ends(ends, at, chosen, moved) for ends in (h.sources, h.targets))
        union = unchecked(Hypergraph, h.nodes.take(self.nodes.positions(chosen)), h.edges.take(at), sources, targets)
        boundaries = (_shifted(side.map_indexes(chosen), moved) for side in (self.sources, self.targets))
        return Family(union, nodes, edges, *boundaries)

    def _select_ends(self, ends: Segments, edges: IntArray, chosen: IntArray, moved: IntArray) -> Segments:
        """Return the ends of the chosen edges, which are consecutive in each chosen member."""
        of_members = unchecked(Segments, np.diff(ends.offsets.take(self.edges.offsets)).astype(np.int32), ends.values)
        return unchecked(Segments, ends.sizes.take(edges), _shifted(of_members.map_indexes(chosen), moved).values)

    def tensor(self) -> OpenHypergraph:
        """Return f₀ ● f₁ ● ..."""
        return OpenHypergraph.over(self.hypergraph, self.sources.values, self.targets.values)


def tensor_all(members: Iterable[OpenHypergraph]) -> OpenHypergraph:
    """Return the tensor of any number of open hypergraphs, in time linear in their total size.

    Example:
        >>> f = OpenHypergraph.singleton("f", ["X"], ["Y"])
        >>> tensor_all([f] * 3).target_type.tolist()
        ['Y', 'Y', 'Y']
    """
    return Family.of(members).tensor()


def _lengths(vectors: Sequence[Sized]) -> IntArray:
    """Return the length of each vector."""
    return np.array([len(vector) for vector in vectors], dtype=np.int32)


def _ends(sides: list[Segments], starts: IntArray) -> Segments:
    """Return the ends of the edges of all members, as nodes of the union."""
    joined = concat(sides)
    values = unchecked(Segments, _lengths([side.values for side in sides]), joined.values)
    return unchecked(Segments, joined.sizes, _shifted(values, starts).values)


def _tables(boundaries: list[FiniteFunction], starts: IntArray) -> Segments:
    """Return the boundaries of all members, as nodes of the union."""
    tables = np.concatenate([boundary.table for boundary in boundaries])
    return _shifted(unchecked(Segments, _lengths(boundaries), tables), starts)


def _shifted(segments: Segments, amounts: IntArray) -> Segments:
    """Add amounts[i] to every value of segment i."""
    return unchecked(Segments, segments.sizes, segments.values + np.repeat(amounts.astype(np.int32), segments.sizes))
