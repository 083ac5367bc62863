"""Propagation through a directed graph in waves, the one traversal behind layering, acyclicity and reachability.

Each vertex waits for a number of arrivals from its predecessors, and fires once it has them. If it waits for all of
them, the wave in which it fires is its depth (Kahn's algorithm); if it waits for one, firing is reachability.
"""

from __future__ import annotations

import numpy as np

from catgrad.hypergraph.arrays import IntArray
from catgrad.hypergraph.hypergraph import Hypergraph
from catgrad.hypergraph.segments import Segments

__all__ = ["backward_flow", "find_cycle", "forward_flow", "waves"]

# An array step costs about as much as this many steps of plain Python.
_WIDTH = 128
# Array steps given to a graph that starts narrow before it must prove to be wide.
_PATIENCE = 16


def forward_flow(h: Hypergraph) -> Segments:
    """Return the successors in the graph whose vertices are the m edges, then the n nodes of h.

    An edge is followed by its targets; a node by the edges that it is a source of.
    """
    m, n = len(h.edges), len(h.nodes)
    return h.targets.shift(m) + h.sources.converse(n)


def backward_flow(h: Hypergraph) -> Segments:
    """Return the predecessors in the graph of `forward_flow`."""
    m, n = len(h.edges), len(h.nodes)
    return h.sources.shift(m) + h.targets.converse(n)


def waves(successors: Segments, awaited: IntArray) -> IntArray:
    """Return the wave in which each vertex fires, or -1 if it never does.

    Args:
        successors: For each vertex the vertices it sends an arrival to when it fires, with multiplicity.
        awaited: For each vertex the arrivals it waits for; with 0 it fires in wave 0.

    Wide waves are array operations; a graph that turns out narrow (a chain has a wave for each vertex) is finished in
    plain Python, so the work is linear with a small constant in both cases.

    Example:
        >>> waves(Segments.of([[1, 2], [2], []]), np.array([0, 1, 2])).tolist()
        [0, 1, 2]
    """
    fired = np.where(awaited <= 0, 0, -1)
    awaited = awaited.copy()
    frontier = np.flatnonzero(fired == 0)
    wave, done, scratch = 0, len(frontier), np.empty_like(fired)
    while frontier.size and done >= _WIDTH * (wave - _PATIENCE):
        wave += 1
        reached = successors.map_indexes(frontier).values
        np.subtract.at(awaited, reached, 1)
        frontier = _distinct(reached[(awaited[reached] <= 0) & (fired[reached] < 0)], scratch)
        fired[frontier] = wave
        done += len(frontier)
    return _narrow_waves(successors, awaited, fired, frontier, wave) if frontier.size else fired


def _distinct(vertices: IntArray, scratch: IntArray) -> IntArray:
    """Drop repeated vertices without sorting: each keeps the occurrence that is written last."""
    positions = np.arange(len(vertices))
    scratch[vertices] = positions
    distinct: IntArray = vertices[scratch[vertices] == positions]
    return distinct


def _narrow_waves(successors: Segments, awaited: IntArray, fired: IntArray, frontier: IntArray, wave: int) -> IntArray:
    """Finish `waves` one vertex at a time."""
    missing, result, current = awaited.tolist(), fired.tolist(), frontier.tolist()
    starts, flat = successors.offsets.tolist(), successors.values.tolist()
    while current:
        wave += 1
        following = []
        for vertex in current:
            for other in flat[starts[vertex] : starts[vertex + 1]]:
                missing[other] -= 1
                if missing[other] <= 0 and result[other] < 0:
                    result[other] = wave
                    following.append(other)
        current = following
    return np.array(result, dtype=np.int64)


def find_cycle(predecessors: Segments, stuck: IntArray) -> list[int]:
    """Return the vertices of one cycle, in order, given the vertices that never fired although all arrivals count.

    Each of them has a predecessor that never fired either, so walking back must meet itself.
    """
    waiting = set(stuck.tolist())
    seen: dict[int, int] = {}
    vertex = int(stuck[0])
    while vertex not in seen:
        seen[vertex] = len(seen)
        vertex = next(v for v in predecessors[vertex].tolist() if v in waiting)
    walk = list(seen)[seen[vertex] :]
    return walk[::-1]
