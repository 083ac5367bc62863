"""Restriction to what the outputs depend on: dead-code elimination."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from catgrad.hypergraph.arrays import IntArray
from catgrad.hypergraph.open_hypergraph import OpenHypergraph
from catgrad.hypergraph.segments import Segments
from catgrad.hypergraph.traversal import backward_flow, waves
from catgrad.hypergraph.witness import Witness

__all__ = ["restrict_to_outputs"]


def restrict_to_outputs(f: OpenHypergraph) -> tuple[OpenHypergraph, Witness]:
    """Keep the edges from which the target boundary is reachable, with their nodes and both boundaries.

    Copies and discards hide what is used: apply it to a graph in which values are shared by spiders (see `forget`).

    Example:
        >>> g = OpenHypergraph.singleton("g", ["X"], ["X"])
        >>> dead = OpenHypergraph.singleton("dead", ["X"], [])
        >>> restrict_to_outputs(g @ dead)[0]
        <OpenHypergraph 2 → 1: 3 nodes, 1 edges>
    """
    h = f.hypergraph
    m = len(h.edges)
    awaited = np.ones(m + len(h.nodes), dtype=np.int64)
    awaited[m + f.targets.table] = 0
    edges = waves(backward_flow(h), awaited)[:m] >= 0
    nodes = _touched(f, np.flatnonzero(edges))
    graph, numbers = h.restrict(nodes, edges), np.cumsum(nodes) - 1
    restricted = OpenHypergraph.over(graph, numbers[f.sources.table], numbers[f.targets.table])
    sizes = nodes.astype(np.int64), edges.astype(np.int64)
    return restricted, Witness(*map(Segments.ranges, sizes))


def _touched(f: OpenHypergraph, edges: IntArray) -> npt.NDArray[np.bool_]:
    """Mark the nodes that lie on a boundary or at an end of `edges`."""
    h = f.hypergraph
    nodes = np.zeros(len(h.nodes), dtype=bool)
    nodes[f.sources.table] = True
    nodes[f.targets.table] = True
    nodes[h.sources.map_indexes(edges).values] = True
    nodes[h.targets.map_indexes(edges).values] = True
    return nodes
