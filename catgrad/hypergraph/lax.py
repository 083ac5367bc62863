"""The lax builder: an open hypergraph that is written step by step, in plain lists.

Nodes that are to become one are only recorded as such; `quotient` identifies them all at once:

        ┌───┐  x     y  ┌───┐                        ┌───┐  x  ┌───┐
    ●───┤ f ├──●╌╌╌╌╌●──┤ g ├───●    quotient    ●───┤ f ├──●──┤ g ├───●
        └───┘           └───┘           ↦            └───┘     └───┘

    >>> b = LaxOpenHypergraph()
    >>> _, [a], [x] = b.new_operation("f", ["X"], ["Y"])
    >>> _, [y], [c] = b.new_operation("g", ["Y"], ["Z"])
    >>> b.unify(x, y)
    >>> b.sources, b.targets = [a], [c]
    >>> b.to_strict()[0]
    <OpenHypergraph 1 → 1: 3 nodes, 2 edges>
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields

from catgrad.hypergraph.arrays import integers
from catgrad.hypergraph.finite_function import FiniteFunction
from catgrad.hypergraph.hypergraph import Hypergraph
from catgrad.hypergraph.labels import Label, labels
from catgrad.hypergraph.open_hypergraph import OpenHypergraph
from catgrad.hypergraph.segments import Segments

__all__ = ["LaxOpenHypergraph"]


@dataclass
class LaxOpenHypergraph:
    """A mutable open hypergraph; every addition takes constant time.

    Attributes:
        sources: Nodes of the source boundary.
        targets: Nodes of the target boundary.
        nodes: The label of each node.
        edges: The label of each edge.
        edge_sources: The source nodes of each edge.
        edge_targets: The target nodes of each edge.
        unified: Pairs of nodes that are to become one.
    """

    sources: list[int] = field(default_factory=list)
    targets: list[int] = field(default_factory=list)
    nodes: list[Label] = field(default_factory=list)
    edges: list[Label] = field(default_factory=list)
    edge_sources: list[list[int]] = field(default_factory=list)
    edge_targets: list[list[int]] = field(default_factory=list)
    unified: list[tuple[int, int]] = field(default_factory=list)

    def new_node(self, label: Label) -> int:
        """Add a node and return its number."""
        self.nodes.append(label)
        return len(self.nodes) - 1

    def new_edge(self, label: Label, sources: Iterable[int], targets: Iterable[int]) -> int:
        """Add an edge between nodes that are there, and return its number."""
        self.edges.append(label)
        self.edge_sources.append(list(sources))
        self.edge_targets.append(list(targets))
        return len(self.edges) - 1

    def new_operation(
        self, label: Label, source_type: Iterable[Label], target_type: Iterable[Label]
    ) -> tuple[int, list[int], list[int]]:
        """Add an edge with new nodes of the given labels; return its number, its sources and its targets."""
        sources = [self.new_node(a) for a in source_type]
        targets = [self.new_node(b) for b in target_type]
        return self.new_edge(label, sources, targets), sources, targets

    def add_edge_source(self, edge: int, label: Label) -> int:
        """Append a new node to the sources of an edge, and return its number."""
        self.edge_sources[edge].append(self.new_node(label))
        return self.edge_sources[edge][-1]

    def add_edge_target(self, edge: int, label: Label) -> int:
        """Append a new node to the targets of an edge, and return its number."""
        self.edge_targets[edge].append(self.new_node(label))
        return self.edge_targets[edge][-1]

    def unify(self, a: int, b: int) -> None:
        """Record that two nodes are to become one."""
        self.unified.append((a, b))

    def delete_edges(self, deleted: Iterable[int]) -> None:
        """Remove edges; the others keep their order and are renumbered, nodes stay."""
        gone = set(deleted)
        kept = [edge for edge in range(len(self.edges)) if edge not in gone]
        self.edges = [self.edges[edge] for edge in kept]
        self.edge_sources = [self.edge_sources[edge] for edge in kept]
        self.edge_targets = [self.edge_targets[edge] for edge in kept]

    def quotient(self) -> FiniteFunction:
        """Identify the unified nodes, in place.

        Returns:
            The new number of each old node.

        Raises:
            LabelClashError: Two nodes with different labels were unified; nothing has changed.
        """
        strict, q = self.to_strict()
        merged = LaxOpenHypergraph.from_strict(strict)
        for attribute in fields(self):
            setattr(self, attribute.name, getattr(merged, attribute.name))
        return q

    def to_strict(self) -> tuple[OpenHypergraph, FiniteFunction]:
        """Return the strict open hypergraph, and the number that each node of this one has there.

        Raises:
            LabelClashError: Two nodes with different labels were unified.
            HypergraphError: A node was mentioned that is not there.
        """
        n = len(self.nodes)
        left, right = ([pair[side] for pair in self.unified] for side in (0, 1))
        q = FiniteFunction(integers(left), n).coequalizer(FiniteFunction(integers(right), n))
        ends = map(Segments.of, (self.edge_sources, self.edge_targets))
        graph = Hypergraph(labels(self.nodes), labels(self.edges), *ends).quotient(q)
        sources, targets = (FiniteFunction(integers(side), n) >> q for side in (self.sources, self.targets))
        return OpenHypergraph(sources, targets, graph), q

    @staticmethod
    def from_strict(f: OpenHypergraph) -> LaxOpenHypergraph:
        """Return a builder that starts from f, with nodes and edges numbered as in f."""
        h = f.hypergraph
        boundaries = f.sources.table.tolist(), f.targets.table.tolist()
        return LaxOpenHypergraph(*boundaries, h.nodes.tolist(), h.edges.tolist(), h.sources.lists(), h.targets.lists())
