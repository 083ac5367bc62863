"""Open hypergraphs: the arrows of a free symmetric monoidal category with Frobenius structure (string diagrams).

An arrow A → B is a cospan: a hypergraph with a list of source nodes labelled A and a list of target nodes labelled B.

          sources              targets
    a ─────────── hypergraph ─────────── b          composition  f >> g  glues the targets of f to the sources of g
                                                    tensor       f @ g   places them side by side

Reference: Wilson, Zanasi, "Data-Parallel Algorithms for String Diagrams", arXiv:2305.01041.

    >>> f = OpenHypergraph.singleton("f", ["X"], ["X", "X"])
    >>> g = OpenHypergraph.singleton("g", ["X", "X"], ["X"])
    >>> f >> g
    <OpenHypergraph 1 → 1: 4 nodes, 2 edges>
    >>> OpenHypergraph.identity(["X"]) >> f == f
    True
    >>> (f @ g).source_type.tolist()
    ['X', 'X', 'X']
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from catgrad.hypergraph.arrays import IntArray, unchecked
from catgrad.hypergraph.errors import CompositionError, HypergraphError
from catgrad.hypergraph.finite_function import FiniteFunction
from catgrad.hypergraph.hypergraph import Hypergraph
from catgrad.hypergraph.labels import Label, LabelArray, concatenate, first_difference, labels
from catgrad.hypergraph.segments import Segments

__all__ = ["OpenHypergraph", "check_boundary"]


@dataclass(frozen=True, eq=False)
class OpenHypergraph:
    """An arrow A → B. Equality is of presentations: see `is_isomorphic` for equality of arrows.

    Args:
        sources: The source boundary |A| → n: the nodes through which values come in.
        targets: The target boundary |B| → n: the nodes through which values go out.
        hypergraph: The n nodes and the edges between.

    Raises:
        HypergraphError: A boundary is not a function into the nodes.
    """

    sources: FiniteFunction
    targets: FiniteFunction
    hypergraph: Hypergraph

    def __post_init__(self) -> None:
        nodes = len(self.hypergraph.nodes)
        for side, boundary in (("source", self.sources), ("target", self.targets)):
            if boundary.target != nodes:
                raise HypergraphError(f"the {side} boundary is a function into {boundary.target}, not {nodes} nodes")

    @property
    def source_type(self) -> LabelArray:
        """The labels A of the source boundary."""
        return self.hypergraph.nodes.take(self.sources.table)

    @property
    def target_type(self) -> LabelArray:
        """The labels B of the target boundary."""
        return self.hypergraph.nodes.take(self.targets.table)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, OpenHypergraph):
            return NotImplemented
        boundaries = (self.sources, self.targets) == (other.sources, other.targets)
        return boundaries and self.hypergraph == other.hypergraph

    def __hash__(self) -> int:
        return hash((self.sources, self.targets, self.hypergraph))

    def __repr__(self) -> str:
        nodes, edges = len(self.hypergraph.nodes), len(self.hypergraph.edges)
        return f"<OpenHypergraph {len(self.sources)} → {len(self.targets)}: {nodes} nodes, {edges} edges>"

    @staticmethod
    def over(hypergraph: Hypergraph, sources: IntArray, targets: IntArray) -> OpenHypergraph:
        """Return `hypergraph` with the given nodes as its boundaries."""
        n = len(hypergraph.nodes)
        return OpenHypergraph(FiniteFunction(sources, n), FiniteFunction(targets, n), hypergraph)

    @staticmethod
    def identity(objects: Iterable[Label]) -> OpenHypergraph:
        """Identity : A → A."""
        nodes = labels(objects)
        i = FiniteFunction.identity(len(nodes))
        return OpenHypergraph.spider(i, i, nodes)

    @staticmethod
    def unit() -> OpenHypergraph:
        """The identity of the empty type, which is the unit of the tensor."""
        return OpenHypergraph.identity([])

    @staticmethod
    def spider(sources: FiniteFunction, targets: FiniteFunction, objects: Iterable[Label]) -> OpenHypergraph:
        """The Frobenius structure: nodes without edges, each listed any number of times on both sides."""
        return OpenHypergraph(sources, targets, Hypergraph.discrete(labels(objects)))

    @staticmethod
    def twist(a: Iterable[Label], b: Iterable[Label]) -> OpenHypergraph:
        """The symmetry A ● B → B ● A."""
        left, right = labels(a), labels(b)
        crossing = FiniteFunction.twist(len(right), len(left))
        return OpenHypergraph.spider(FiniteFunction.identity(len(crossing)), crossing, concatenate([left, right]))

    @staticmethod
    def singleton(label: Label, source: Iterable[Label], target: Iterable[Label]) -> OpenHypergraph:
        """One operation : A → B."""
        a, b = list(source), list(target)
        s, t = FiniteFunction.inj0(len(a), len(b)), FiniteFunction.inj1(len(a), len(b))
        ends = (unchecked(Segments, np.array([len(side)], dtype=np.int32), side.table) for side in (s, t))
        return unchecked(OpenHypergraph, s, t, unchecked(Hypergraph, labels(a + b), labels([label]), *ends))

    @staticmethod
    def operations(edges: LabelArray, sources: Segments, targets: Segments) -> OpenHypergraph:
        """The tensor of m operations at once: x₀ ● x₁ ● ..., where xᵢ has type sources[i] → targets[i].

        Args:
            edges: m operations.
            sources: m lists of node labels.
            targets: m lists of node labels.
        """
        a, b = len(sources.values), len(targets.values)
        s, t = FiniteFunction.inj0(a, b), FiniteFunction.inj1(a, b)
        nodes = concatenate([labels(sources.values), labels(targets.values)])
        ends = Segments(sources.sizes, s.table), Segments(targets.sizes, t.table)
        return OpenHypergraph(s, t, Hypergraph(nodes, edges, *ends))

    def __rshift__(self, other: OpenHypergraph) -> OpenHypergraph:
        """Compose f : A → B with g : B → C. Edges of f come before edges of g.

            A ──[ f ]── B ──[ g ]── C

        Raises:
            CompositionError: The types on the common boundary differ; the message shows the first difference.
        """
        check_boundary(self.target_type, other.source_type, "cannot compose: at the target of the first arrow")
        glued = self.hypergraph.glue(other.hypergraph, self.targets, other.sources)
        return unchecked(OpenHypergraph, self.sources >> glued.left, other.targets >> glued.right, glued.hypergraph)

    def __matmul__(self, other: OpenHypergraph) -> OpenHypergraph:
        """Place f : A → B beside g : C → D, giving A ● C → B ● D. Edges of f come before edges of g."""
        sources, targets = self.sources @ other.sources, self.targets @ other.targets
        return unchecked(OpenHypergraph, sources, targets, self.hypergraph + other.hypergraph)

    def dagger(self) -> OpenHypergraph:
        """The same diagram read from right to left: B → A."""
        return unchecked(OpenHypergraph, self.targets, self.sources, self.hypergraph)


def check_boundary(given: LabelArray, expected: LabelArray, where: str) -> None:
    """Raise `CompositionError` with the first difference unless two boundary types agree."""
    index = first_difference(given, expected)
    if index is None:
        return
    if len(given) != len(expected):
        raise CompositionError(f"{where} there are {len(given)} wires, expected {len(expected)}")
    raise CompositionError(f"{where} wire {index} is {given[index]}, expected {expected[index]}")
