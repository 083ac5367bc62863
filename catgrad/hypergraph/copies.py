"""Two ways to share a value: a node with many uses, or a copy edge; and the passage between them.

    explicit_copies                         forget

    x ──●──── f            x ──[copy]── f
        └──── g      ↦            └──── g          and back

A copy edge x → x ● ... ● x with n targets stands for n uses; with n = 0 it discards. With explicit copies an acyclic
graph whose nodes are produced once is monogamous: an arrow of a symmetric monoidal category with natural copying
(Fox, "Coalgebras and cartesian categories", 1976). `forget` inverts `explicit_copies` up to isomorphism.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from catgrad.hypergraph.arrays import IntArray, occurrence, offsets
from catgrad.hypergraph.errors import HypergraphError
from catgrad.hypergraph.finite_function import FiniteFunction
from catgrad.hypergraph.hypergraph import Hypergraph
from catgrad.hypergraph.labels import Label, LabelArray, concatenate, intern, labels
from catgrad.hypergraph.open_hypergraph import OpenHypergraph
from catgrad.hypergraph.properties import consumers, producers
from catgrad.hypergraph.segments import Segments
from catgrad.hypergraph.witness import Witness

__all__ = ["explicit_copies", "forget"]


def explicit_copies(f: OpenHypergraph, copy_label: Callable[[Any, int], Label]) -> tuple[OpenHypergraph, Witness]:
    """Give each node one use, by a copy edge at every node that is not used exactly once.

    Args:
        f: An open hypergraph whose nodes are produced exactly once, by an edge or by the source boundary.
        copy_label: Takes a node label and n to the label of its copy edge with n targets.

    Returns:
        A graph whose edges are those of f, then one copy edge for each node with n ≠ 1 uses, in the order of the nodes.
        A copy edge serves the uses by edges first, in their order, then those by the target boundary.
        The witness sends a node to itself and then to its copies.

    Raises:
        HypergraphError: A node is produced never or more than once.

    Example:
        >>> square = OpenHypergraph.spider(FiniteFunction.identity(1), FiniteFunction([0, 0], 1), ["X"])
        >>> g, _ = explicit_copies(square, lambda label, n: f"copy {n}")
        >>> g, g.hypergraph.edges.tolist()
        (<OpenHypergraph 1 → 2: 3 nodes, 1 edges>, ['copy 2'])
    """
    _check_produced_once(f)
    h, counts = f.hypergraph, consumers(f)
    n, copied = len(h.nodes), np.flatnonzero(counts != 1)
    fans = Segments.ranges(counts[copied]).shift(n)
    uses = _renamed_uses(f, counts, copied)
    edge_uses, boundary_uses = np.split(uses, [len(h.sources.values)])
    graph = Hypergraph(
        concatenate([h.nodes, h.nodes.take(np.repeat(copied, fans.sizes))]),
        concatenate([h.edges, _copy_labels(h.nodes[copied], fans.sizes, copy_label)]),
        Segments(h.sources.sizes, edge_uses) + Segments.singletons(copied),
        h.targets + fans,
    )
    sizes = np.where(counts == 1, 0, counts)
    copies = Segments.join(Segments.singletons(np.arange(n)), Segments(sizes, fans.values))
    return OpenHypergraph.over(graph, f.sources.table, boundary_uses), Witness(
        copies, Segments.singletons(np.arange(len(h.edges)))
    )


def _check_produced_once(f: OpenHypergraph) -> None:
    """Raise unless each node of f is produced exactly once."""
    counts = producers(f)
    wrong = np.flatnonzero(counts != 1)
    if wrong.size:
        label, count = f.hypergraph.nodes[wrong[0]], counts[wrong[0]]
        raise HypergraphError(f"node {wrong[0]} ({label}) is produced {count} times, expected once")


def _renamed_uses(f: OpenHypergraph, counts: IntArray, copied: IntArray) -> IntArray:
    """Return the nodes used by edges and then by the target boundary, with the k-th use of a copied node its k-th copy.

    Copies are numbered after the nodes of f, in the order of the nodes that they copy.
    """
    n = len(counts)
    first = np.zeros(n, dtype=np.int64)
    first[copied] = n + offsets(counts[copied])[:-1]
    uses = np.concatenate([f.hypergraph.sources.values, f.targets.table])
    return np.where(counts[uses] == 1, uses, first[uses] + occurrence(uses, n))


def _copy_labels(nodes: LabelArray, counts: IntArray, copy_label: Callable[[Any, int], Label]) -> LabelArray:
    """Return a copy label for each of the nodes; equal ones are made once."""
    codes, distinct = intern(nodes)
    which, first = Segments(np.full(len(nodes), 2), np.column_stack([codes, counts]).ravel()).group()
    made = [copy_label(distinct[codes[index]], int(counts[index])) for index in first.tolist()]
    return labels(made)[which]


def forget(f: OpenHypergraph, is_copy: Callable[[Any], bool]) -> tuple[OpenHypergraph, Witness]:
    """Replace copy edges by sharing: the source and the targets of each become one node.

    Args:
        f: Any open hypergraph.
        is_copy: Tells whether an edge label is a copy; asked once for each distinct label.

    Raises:
        HypergraphError: A copy edge does not have exactly one source.
        LabelClashError: A copy edge joins nodes with different labels.
    """
    h = f.hypergraph
    codes, distinct = intern(h.edges)
    copying = np.array([is_copy(label) for label in distinct], dtype=bool)[codes]
    q = _copied_nodes(h, copying)
    graph = h.quotient(q).restrict(np.ones(q.target, dtype=bool), ~copying)
    witness = Witness(Segments.singletons(q.table), Segments.ranges((~copying).astype(np.int64)))
    return OpenHypergraph(f.sources >> q, f.targets >> q, graph), witness


def _copied_nodes(h: Hypergraph, copying: npt.NDArray[np.bool_]) -> FiniteFunction:
    """Return the quotient of nodes that makes one of the ends of each edge marked true."""
    edges, n = np.flatnonzero(copying), len(h.nodes)
    sources, targets = h.sources.map_indexes(edges), h.targets.map_indexes(edges)
    wrong = np.flatnonzero(sources.sizes != 1)
    if wrong.size:
        edge = edges[wrong[0]]
        raise HypergraphError(f"copy edge {edge} ({h.edges[edge]}) has {sources.sizes[wrong[0]]} sources, expected 1")
    repeated = np.repeat(sources.values, targets.sizes)
    return FiniteFunction(repeated, n).coequalizer(FiniteFunction(targets.values, n))
