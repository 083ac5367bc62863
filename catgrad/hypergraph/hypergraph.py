"""Directed hypergraphs: nodes are values, hyperedges are operations from a list of nodes to a list of nodes.

Nodes and edges carry labels. The lists of sources and targets are stored as segments, one per edge:

        n0 ──┐                     nodes    [X, X, Y]
             ├──[ e0 : f ]── n2    edges    [f]
        n1 ──┘                     sources  [[0, 1]]      targets  [[2]]
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from catgrad.hypergraph.arrays import check_range, integers
from catgrad.hypergraph.errors import HypergraphError
from catgrad.hypergraph.finite_function import FiniteFunction, universal
from catgrad.hypergraph.labels import LabelArray, concatenate, labels, same
from catgrad.hypergraph.segments import Segments

__all__ = ["Hypergraph"]


@dataclass(frozen=True, eq=False)
class Hypergraph:
    """A labelled directed hypergraph with n nodes and m edges.

    Args:
        nodes: n node labels.
        edges: m edge labels.
        sources: m lists of nodes.
        targets: m lists of nodes.

    Raises:
        HypergraphError: A list mentions a node that is not there, or there are not m lists.
    """

    nodes: LabelArray
    edges: LabelArray
    sources: Segments
    targets: Segments

    def __post_init__(self) -> None:
        object.__setattr__(self, "nodes", labels(self.nodes))
        object.__setattr__(self, "edges", labels(self.edges))
        for side in ("sources", "targets"):
            object.__setattr__(self, side, self._checked(getattr(self, side), side))

    def _checked(self, ends: Segments, side: str) -> Segments:
        """Return the sources or targets as segments of int64, or raise."""
        if len(ends) != len(self.edges):
            raise HypergraphError(f"{len(self.edges)} edges have {len(ends)} lists of {side}")
        values = integers(ends.values)
        check_range(values, len(self.nodes), f"{side} of the edges")
        return Segments(ends.sizes, values)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Hypergraph):
            return NotImplemented
        if (self.sources, self.targets) != (other.sources, other.targets):
            return False
        return same(self.nodes, other.nodes) and same(self.edges, other.edges)

    def __hash__(self) -> int:
        return hash((self.sources, self.targets))

    def __repr__(self) -> str:
        return f"<Hypergraph of {len(self.nodes)} nodes, {len(self.edges)} edges>"

    @staticmethod
    def discrete(nodes: LabelArray) -> Hypergraph:
        """Return the hypergraph with these nodes and no edges."""
        none = Segments.of([])
        return Hypergraph(nodes, labels([]), none, none)

    def __add__(self, other: Hypergraph) -> Hypergraph:
        """Disjoint union: nodes and edges of the first, then those of the second."""
        shift = len(self.nodes)
        return Hypergraph(
            concatenate([self.nodes, other.nodes]),
            concatenate([self.edges, other.edges]),
            self.sources + other.sources.shift(shift),
            self.targets + other.targets.shift(shift),
        )

    def quotient(self, q: FiniteFunction) -> Hypergraph:
        """Identify nodes along a surjection q : n → k; raise `LabelClashError` if their labels differ."""
        sources, targets = self.sources.map_values(q.table), self.targets.map_values(q.table)
        return Hypergraph(universal(q, self.nodes), self.edges, sources, targets)

    def restrict(self, nodes: npt.NDArray[np.bool_], edges: npt.NDArray[np.bool_]) -> Hypergraph:
        """Keep the nodes and edges marked true; the kept edges must have kept ends only."""
        kept = np.flatnonzero(edges)
        numbers = np.where(nodes, np.cumsum(nodes) - 1, -1)
        sources, targets = (ends.map_indexes(kept).map_values(numbers) for ends in (self.sources, self.targets))
        return Hypergraph(self.nodes[nodes], self.edges[edges], sources, targets)
