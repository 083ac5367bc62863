"""Layering: the order in which operations can run.

The layer of an edge is the length of the longest path of edges that leads to it. Edges of one layer do not depend on
each other; layer after layer is a static single assignment (SSA) program.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from catgrad.hypergraph.arrays import IntArray
from catgrad.hypergraph.errors import CycleError
from catgrad.hypergraph.hypergraph import Hypergraph
from catgrad.hypergraph.open_hypergraph import OpenHypergraph
from catgrad.hypergraph.segments import Segments
from catgrad.hypergraph.traversal import backward_flow, find_cycle, forward_flow, waves

__all__ = ["Assignment", "edge_layers", "schedule", "ssa"]

# Edges of a cycle that an error shows.
_SHOWN = 8


class Assignment(NamedTuple):
    """One line of an SSA program: targets = label(sources), as nodes of the graph."""

    edge: int
    label: Any
    sources: list[int]
    targets: list[int]


def edge_layers(f: OpenHypergraph) -> IntArray:
    """Return the layer of each edge, from 0.

    Raises:
        CycleError: Some edges feed each other; the message names them.
    """
    h = f.hypergraph
    fired = _kahn(h)
    stuck = np.flatnonzero(fired < 0)
    if stuck.size:
        raise _cycle_error(h, stuck)
    # A path alternates nodes and edges, so two waves make a layer.
    return fired[: len(h.edges)] // 2


def schedule(f: OpenHypergraph) -> Segments:
    """Return the edges of each layer, layer by layer; inside a layer in the order of their numbers.

    Example:
        >>> g = OpenHypergraph.singleton("g", ["X"], ["X"])
        >>> schedule(g @ (g >> g))
        Segments([[0, 1], [2]])
    """
    layers = edge_layers(f)
    return Segments(np.bincount(layers), np.argsort(layers, kind="stable"))


def ssa(f: OpenHypergraph) -> Iterator[Assignment]:
    """Return f as an SSA program, each assignment after those that it depends on.

    Example:
        >>> g = OpenHypergraph.singleton("g", ["X"], ["X"])
        >>> [line.targets for line in ssa(g >> g)]
        [[1], [2]]
    """
    h = f.hypergraph
    order = schedule(f).values
    sources, targets = (ends.map_indexes(order).lists() for ends in (h.sources, h.targets))
    return map(Assignment, order.tolist(), h.edges[order].tolist(), sources, targets)


def is_acyclic(f: OpenHypergraph) -> bool:
    """Return whether no edge leads, through others or at once, back to itself."""
    return bool((_kahn(f.hypergraph) >= 0).all())


def _kahn(h: Hypergraph) -> IntArray:
    """Return the wave of each edge and then of each node, each waiting for everything before it."""
    arrivals = np.concatenate([h.sources.sizes, np.bincount(h.targets.values, minlength=len(h.nodes))])
    return waves(forward_flow(h), arrivals)


def _cycle_error(h: Hypergraph, stuck: IntArray) -> CycleError:
    """Build the error that names one cycle among the edges and nodes that never became ready."""
    edges = [vertex for vertex in find_cycle(backward_flow(h), stuck) if vertex < len(h.edges)]
    names = [f"{h.edges[edge]} (edge {edge})" for edge in edges[:_SHOWN]]
    names += ["..."] * (len(edges) > _SHOWN) + names[:1]
    return CycleError(f"the operations depend on each other in a cycle: {' → '.join(names)}", edges)
