"""Directed hypergraphs: nodes are values, hyperedges are operations from a list of nodes to a list of nodes.

Nodes and edges carry labels. The lists of sources and targets are stored as segments, one per edge:

        n0 ──┐                     nodes    [X, X, Y]
             ├──[ e0 : f ]── n2    edges    [f]
        n1 ──┘                     sources  [[0, 1]]      targets  [[2]]
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from catgrad.hypergraph.arrays import cardinal, indices, unchecked
from catgrad.hypergraph.errors import HypergraphError
from catgrad.hypergraph.finite_function import FiniteFunction, pushout, universal
from catgrad.hypergraph.labels import LabelArray, concatenate, labels
from catgrad.hypergraph.segments import Segments

__all__ = ["Glued", "Hypergraph"]


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
        """Return the sources or targets as segments of nodes, or raise."""
        if len(ends) != len(self.edges):
            raise HypergraphError(f"{len(self.edges)} edges have {len(ends)} lists of {side}")
        return unchecked(Segments, ends.sizes, indices(ends.values, len(self.nodes), f"{side} of the edges"))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Hypergraph):
            return NotImplemented
        if (self.sources, self.targets) != (other.sources, other.targets):
            return False
        return self.nodes == other.nodes and self.edges == other.edges

    def __hash__(self) -> int:
        return hash((self.sources, self.targets))

    def __repr__(self) -> str:
        return f"<Hypergraph of {len(self.nodes)} nodes, {len(self.edges)} edges>"

    @staticmethod
    def discrete(nodes: LabelArray) -> Hypergraph:
        """Return the hypergraph with these nodes and no edges."""
        return unchecked(Hypergraph, labels(nodes), _NO_LABELS, _NO_ENDS, _NO_ENDS)

    def __add__(self, other: Hypergraph) -> Hypergraph:
        """Disjoint union: nodes and edges of the first, then those of the second."""
        shift = len(self.nodes)
        cardinal(shift + len(other.nodes))
        return unchecked(
            Hypergraph,
            concatenate([self.nodes, other.nodes]),
            concatenate([self.edges, other.edges]),
            self.sources.beside(other.sources, shift),
            self.targets.beside(other.targets, shift),
        )

    def quotient(self, q: FiniteFunction) -> Hypergraph:
        """Identify nodes along a surjection q : n → k; raise `LabelClashError` if their labels differ."""
        if q.is_identity and q.source == len(self.nodes):
            return self
        nodes = universal(q, self.nodes)
        return unchecked(Hypergraph, nodes, self.edges, *(e.map_values(q.table) for e in (self.sources, self.targets)))

    def glue(self, other: Hypergraph, f: FiniteFunction, g: FiniteFunction) -> Glued:
        """Identify node f(i) of this hypergraph with node g(i) of the other, for every i; their labels must agree.

        Returns:
            The pushout. Its nodes are those of this hypergraph, then those of the other that nothing is glued to.
        """
        p, q = pushout(f, g)
        left = self.quotient(p)
        glued = unchecked(
            Hypergraph,
            concatenate([left.nodes, other.nodes[q.table >= p.target]]),
            concatenate([left.edges, other.edges]),
            left.sources + other.sources.map_values(q.table),
            left.targets + other.targets.map_values(q.table),
        )
        return Glued(glued, unchecked(FiniteFunction, p.table, q.target), q)

    def restrict(self, nodes: npt.NDArray[np.bool_], edges: npt.NDArray[np.bool_]) -> Hypergraph:
        """Keep the nodes and edges marked true; the kept edges must have kept ends only."""
        kept = np.flatnonzero(edges)
        numbers = np.where(nodes, np.cumsum(nodes) - 1, -1)
        sources, targets = (ends.map_indexes(kept).map_values(numbers) for ends in (self.sources, self.targets))
        return Hypergraph(self.nodes[nodes], self.edges[edges], sources, targets)


class Glued(NamedTuple):
    """A hypergraph made of two, and where the nodes of each of them went."""

    hypergraph: Hypergraph
    left: FiniteFunction
    right: FiniteFunction


_NO_LABELS, _NO_ENDS = labels([]), Segments.of([])
