"""Isomorphism of open hypergraphs: equality of arrows, whatever the numbering of nodes and edges.

The two boundaries are added as two more edges with labels of their own. Then:

1. From a matched pair of edges the ends are matched in order; from a matched pair of nodes, so are the edges that are
   told apart by their label and by where they meet the node. Starting from the boundaries this decides monogamous
   graphs that hang together with their boundaries in linear time.
2. What remains is decided by colour refinement and, where that cannot tell nodes apart, by trying each candidate in
   turn (individualisation). This is complete, and exponential only for graphs with many indistinguishable parts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from catgrad.cached import cached_property
from catgrad.hypergraph.arrays import IntArray
from catgrad.hypergraph.labels import concatenate, intern
from catgrad.hypergraph.open_hypergraph import OpenHypergraph
from catgrad.hypergraph.segments import Segments

__all__ = ["is_isomorphic"]


def is_isomorphic(f: OpenHypergraph, g: OpenHypergraph) -> bool:
    """Return whether a renumbering of nodes and edges takes f to g, labels and boundaries included.

    Example:
        >>> a, b = (OpenHypergraph.singleton(x, ["X"], ["X"]) for x in "ab")
        >>> i = OpenHypergraph.identity(["X"])
        >>> is_isomorphic((a @ i) >> (i @ b), (i @ b) >> (a @ i)), is_isomorphic(a, b)
        (True, False)
    """
    if _counts(f) != _counts(g):
        return False
    pair = _Pair.of(f, g)
    matched = _propagate(pair)
    if matched is None:
        return False
    if (matched >= 0).all():
        return pair.is_isomorphism(matched)
    return _search(pair, pair.colours_of(matched))


def _counts(f: OpenHypergraph) -> tuple[int, ...]:
    """Return numbers that isomorphic graphs agree on."""
    h = f.hypergraph
    ends = len(h.sources.values), len(h.targets.values)
    return len(h.nodes), len(h.edges), len(f.sources), len(f.targets), *ends


@dataclass(frozen=True)
class _Pair:
    """The disjoint union of two graphs of n nodes each, with their boundaries as edges, and labels as codes.

    Attributes:
        n: The nodes of f are 0..n-1, those of g n..2n-1. Edges are numbered alike.
        nodes: The code of each node label.
        edges: The code of the label and the arities of each edge; a boundary has a code of its own.
        ends: For each edge its sources and then its targets.
    """

    n: int
    nodes: IntArray
    edges: IntArray
    ends: Segments

    @staticmethod
    def of(f: OpenHypergraph, g: OpenHypergraph) -> _Pair:
        """Close both graphs and number their labels together."""
        n = len(f.hypergraph.nodes)
        codes, _ = intern(concatenate([f.hypergraph.edges, g.hypergraph.edges]))
        of_f, of_g = np.split(codes, 2)
        labels = np.concatenate([of_f, [-1, -2], of_g, [-1, -2]])
        (sources, targets), (more_sources, more_targets) = _closed(f), _closed(g)
        sources, targets = sources + more_sources.shift(n), targets + more_targets.shift(n)
        rows = np.column_stack([labels, sources.sizes, targets.sizes])
        kinds, _ = Segments(np.full(len(rows), 3), rows.ravel()).group()
        nodes, _ = intern(concatenate([f.hypergraph.nodes, g.hypergraph.nodes]))
        return _Pair(n, nodes, kinds, Segments.join(sources, targets))

    @cached_property
    def ports(self) -> IntArray:
        """For each end of an edge, a code of its kind of edge and its position there."""
        longest = int(self.ends.sizes.max())
        ports: IntArray = self.edges[self.ends.owners] * longest + self.ends.ranks
        return ports

    @cached_property
    def by_node(self) -> IntArray:
        """The ends of edges in the order of their nodes, those at one node in the order of their ports."""
        return np.lexsort((self.ports, self.ends.values))

    def colours_of(self, matched: IntArray) -> IntArray:
        """Colour nodes by label, and each matched pair of nodes by a colour of its own."""
        colours: IntArray = self.nodes.copy()
        pairs = np.flatnonzero(matched >= 0)
        colours[pairs] = colours[matched[pairs]] = 2 * self.n + pairs
        return colours

    def is_isomorphism(self, matched: IntArray) -> bool:
        """Return whether the bijection v ↦ matched[v] from nodes of f to nodes of g preserves labels and edges."""
        names = np.concatenate([matched, np.arange(self.n, 2 * self.n)])
        if len(np.unique(matched)) < self.n or (self.nodes[: self.n] != self.nodes[matched]).any():
            return False
        kinds = Segments.singletons(self.edges)
        rows, _ = Segments.join(kinds, self.ends.map_values(names)).group()
        return _balanced(rows)


def _closed(f: OpenHypergraph) -> tuple[Segments, Segments]:
    """Return the sources and targets of the edges of f, then of its two boundaries: one produces, one consumes."""
    a, b = len(f.sources), len(f.targets)
    h = f.hypergraph
    sources = h.sources + Segments(np.array([0, b]), f.targets.table)
    return sources, h.targets + Segments(np.array([a, 0]), f.sources.table)


def _balanced(codes: IntArray) -> bool:
    """Return whether the first and the second half of the codes are the same up to order."""
    first, second = np.split(codes, 2)
    size = int(codes.max(initial=-1)) + 1
    return np.array_equal(np.bincount(first, minlength=size), np.bincount(second, minlength=size))


def _propagate(pair: _Pair) -> IntArray | None:
    """Match what is forced by the boundaries.

    Returns:
        For each node of f the node of g it must go to, or -1 where nothing is forced; None if two demands clash.
    """
    edges = len(pair.edges) // 2
    ends, ports = pair.ends.lists(), _distinct_ports(pair)
    image: dict[int, int] = {}
    seen = {edges - 2, edges - 1}
    pending = [(edges - 2, 2 * edges - 2), (edges - 1, 2 * edges - 1)]
    while pending:
        edge, other = pending.pop()
        for v, w in zip(ends[edge], ends[other], strict=True):
            if image.setdefault(v, w) != w:
                return None
            (keys, at_v), (other_keys, at_w) = ports[v], ports[w]
            if keys != other_keys:
                return None
            pending += [(d, e) for d, e in zip(at_v, at_w, strict=True) if d not in seen]
            seen.update(at_v)
    matched = np.full(pair.n, -1, dtype=np.int64)
    matched[list(image)] = list(image.values())
    return matched if len(set(image.values())) == len(image) else None


def _distinct_ports(pair: _Pair) -> list[tuple[list[int], list[int]]]:
    """Return, for each node, the ports that occur there once, in order, and the edges they belong to."""
    nodes, ports = pair.ends.values[pair.by_node], pair.ports[pair.by_node]
    repeated = (nodes[1:] == nodes[:-1]) & (ports[1:] == ports[:-1])
    single = np.ones(len(nodes), dtype=bool)
    single[1:] &= ~repeated
    single[:-1] &= ~repeated
    sizes = np.bincount(nodes[single], minlength=2 * pair.n)
    keys = Segments(sizes, ports[single]).lists()
    edges = Segments(sizes, pair.ends.owners[pair.by_node][single]).lists()
    return list(zip(keys, edges, strict=True))


def _search(pair: _Pair, colours: IntArray) -> bool:
    """Decide by refinement and individualisation, depth first."""
    attempts: list[Iterator[IntArray]] = [iter([colours])]
    while attempts:
        candidate = next(attempts[-1], None)
        if candidate is None:
            attempts.pop()
            continue
        stable = _refine(pair, candidate)
        if stable is None:
            continue
        cell = _ambiguous_cell(pair, stable)
        if cell is None and pair.is_isomorphism(_matching(stable)):
            return True
        if cell is not None:
            attempts.append(_individualise(stable, cell))
    return False


def _refine(pair: _Pair, colours: IntArray) -> IntArray | None:
    """Split colours by the edges at each node until nothing changes; None if f and g come to differ."""
    count = -1
    while True:
        colours, classes = _round(pair, colours)
        if not _balanced(colours):
            return None
        if classes == count:
            return colours
        count = classes


def _round(pair: _Pair, colours: IntArray) -> tuple[IntArray, int]:
    """Recolour each node by its colour and the colours of its ports; return the number of colours too."""
    kinds = Segments.singletons(pair.edges)
    edge_colours, _ = Segments.join(kinds, pair.ends.map_values(colours)).group()
    longest = int(pair.ends.sizes.max())
    ports = (edge_colours[pair.ends.owners] * longest + pair.ends.ranks)[pair.by_node]
    at_node = Segments(np.bincount(pair.ends.values, minlength=2 * pair.n), ports).sort()
    new, first = Segments.join(Segments.singletons(colours), at_node).group()
    return new, len(first)


def _ambiguous_cell(pair: _Pair, colours: IntArray) -> int | None:
    """Return the colour of the fewest nodes among those shared by several nodes of f that have ports."""
    sizes = np.bincount(colours[: pair.n])
    touched = np.bincount(pair.ends.values, minlength=2 * pair.n)[: pair.n] > 0
    ambiguous = np.unique(colours[: pair.n][touched])
    ambiguous = ambiguous[sizes[ambiguous] > 1]
    return int(ambiguous[np.argmin(sizes[ambiguous])]) if ambiguous.size else None


def _individualise(colours: IntArray, cell: int) -> Iterator[IntArray]:
    """Give one node of f in the cell a new colour, together with each node of g in the cell in turn."""
    members = np.flatnonzero(colours == cell)
    half = len(members) // 2
    fresh = int(colours.max()) + 1
    for other in members[half:]:
        attempt = colours.copy()
        attempt[[members[0], other]] = fresh
        yield attempt


def _matching(colours: IntArray) -> IntArray:
    """Return the bijection from nodes of f to nodes of g that preserves colours, in order inside each colour."""
    first, second = np.split(colours, 2)
    matched = np.empty(len(first), dtype=np.int64)
    matched[np.argsort(first, kind="stable")] = np.argsort(second, kind="stable") + len(first)
    return matched
