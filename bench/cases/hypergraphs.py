"""Algebra of open hypergraphs with a thousand to a million operations: compose, tensor, layer, functor, optic.

The diagram is a circuit: layers of operations of two inputs and two outputs, wired to the layer before by a random
permutation. Labels are what each library is made for: Python objects in catgrad, integers in open-hypergraphs.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from bench.case import Case, Entry
from bench.libraries import Arrays, Call, Library

__all__ = ["CASES"]

# Operations to (layers, operations a layer).
SIZES = {1000: (25, 40), 10_000: (100, 100), 100_000: (250, 400), 1_000_000: (1000, 1000)}
LABELS = 8


def circuit(layers: int, parallel: int, random: np.random.Generator) -> Arrays:
    """Sources and targets of the operations, their labels, and the nodes of both boundaries."""
    width = 2 * parallel
    below = np.arange(layers)[:, None] * width
    sources = random.permuted(np.tile(np.arange(width), (layers, 1)), axis=1) + below
    targets = np.arange(width) + below + width
    labels = random.integers(0, LABELS, layers * parallel)
    return sources.ravel(), targets.ravel(), labels, np.arange(width), np.arange(width) + layers * width


def catgrad_diagram(library: Library, inputs: Arrays) -> Any:
    """The circuit in catgrad."""
    from catgrad import hypergraph as hg

    sources, targets, labels, *ends = inputs
    nodes = hg.labels(["X"])[np.zeros(ends[1][-1] + 1, dtype=int)]
    edges = hg.labels([f"op{label}" for label in range(LABELS)])[labels]
    pairs = np.full(len(labels), 2)
    graph = hg.Hypergraph(nodes, edges, hg.Segments(pairs, sources), hg.Segments(pairs, targets))
    inputs_end, outputs_end = (hg.FiniteFunction(end, len(nodes)) for end in ends)
    return hg.OpenHypergraph(inputs_end, outputs_end, graph)


def peer_diagram(library: Library, inputs: Arrays) -> Any:
    """The circuit in open-hypergraphs."""
    oh = library.module
    function = oh.FiniteFunction
    sources, targets, labels, *ends = (array.astype(function.Dtype) for array in inputs)
    nodes = int(ends[1][-1]) + 1
    pairs = function(None, np.full(len(labels), 2, function.Dtype))
    graph = oh.Hypergraph(
        s=oh.IndexedCoproduct(pairs, function(nodes, sources)),
        t=oh.IndexedCoproduct(pairs, function(nodes, targets)),
        w=function(1, np.zeros(nodes, function.Dtype)),
        x=function(2 * LABELS, labels),
    )
    return oh.OpenHypergraph(*(function(nodes, end) for end in ends), graph)


def catgrad_size(f: Any) -> tuple[int, ...]:
    """Nodes, operations, and the length of each boundary."""
    return len(f.hypergraph.nodes), len(f.hypergraph.edges), len(f.sources), len(f.targets)


def peer_size(f: Any) -> tuple[int, ...]:
    """Nodes, operations, and the length of each boundary."""
    return f.H.W, f.H.X, len(f.s), len(f.t)


def catgrad_layers(f: Any) -> Any:
    """The layer of each operation."""
    from catgrad.hypergraph import edge_layers

    return edge_layers(f)


def peer_layers(f: Any) -> Any:
    """The layer of each operation."""
    from open_hypergraphs.numpy.layer import layer

    return layer(f)[0].table


def catgrad_functor(f: Any) -> tuple[int, ...]:
    """Replaces each operation by two of it in sequence."""
    from catgrad.hypergraph import Functor, OpenHypergraph

    def twice(x: Any, a: Any, b: Any) -> Any:
        return OpenHypergraph.singleton(x, a, b) >> OpenHypergraph.singleton(x, a, b)

    return catgrad_size(Functor(lambda a: [a], twice)(f))


def peer_functor(f: Any) -> tuple[int, ...]:
    """Replaces each operation by two of it in sequence."""
    return peer_size(peer_functors().Twice()(f))


def catgrad_optic(f: Any) -> tuple[int, ...]:
    """The optic whose residual is an operation's inputs."""
    from catgrad.hypergraph import OpenHypergraph, Optic

    one = OpenHypergraph.singleton
    optic = Optic(
        forward_object=lambda a: [a],
        reverse_object=lambda a: [a],
        forward=lambda x, a, b: one(x, a, b + a),
        reverse=lambda x, a, b: one(f"reverse {x}", a + b, a),
    )
    return catgrad_size(optic.map_adapted(f)[0])


def peer_optic(f: Any) -> tuple[int, ...]:
    """The optic whose residual is an operation's inputs."""
    optic = peer_functors().InputsOptic()
    return peer_size(optic.adapt(optic(f), f.source, f.target))


def peer_functors() -> Any:
    """The functors for open-hypergraphs, whose base classes exist only where it is installed."""
    from bench.cases import open_hypergraphs_functors

    return open_hypergraphs_functors


Operation = Callable[[Any], Any]


def applied(diagram: Callable[[Library, Arrays], Any], operation: Operation, library: Library, inputs: Arrays) -> Call:
    """The call that applies an operation to the circuit."""
    return partial(operation, diagram(library, inputs))


def case(name: str, ours: Operation, peer: Operation, expected: Callable[[int, int], Any], operations: int) -> Case:
    """One operation at one size; `expected` takes the number of operations and of those in a layer."""
    parallel = SIZES[operations][1]
    return Case(
        f"hypergraph-{name}/{operations}",
        partial(circuit, *SIZES[operations]),
        (
            Entry("catgrad", partial(applied, catgrad_diagram, ours)),
            Entry("open-hypergraphs", partial(applied, peer_diagram, peer)),
        ),
        reference=lambda *_: expected(operations, parallel),
        tolerance=0,
        time_limit=30,
    )


# n operations, p of them a layer; the circuit has 2p wires and 2n + 2p nodes.
OPERATIONS = (
    (
        "compose",
        lambda f: catgrad_size(f >> f),
        lambda f: peer_size(f >> f),
        lambda n, p: (4 * n + 2 * p, 2 * n, 2 * p, 2 * p),
    ),
    (
        "tensor",
        lambda f: catgrad_size(f @ f),
        lambda f: peer_size(f @ f),
        lambda n, p: (4 * n + 4 * p, 2 * n, 4 * p, 4 * p),
    ),
    ("layer", catgrad_layers, peer_layers, lambda n, p: np.arange(n) // p),
    ("functor", catgrad_functor, peer_functor, lambda n, p: (4 * n + 2 * p, 2 * n, 2 * p, 2 * p)),
    ("optic", catgrad_optic, peer_optic, lambda n, p: (6 * n + 4 * p, 2 * n, 4 * p, 4 * p)),
)

CASES = tuple(case(name, ours, peer, expected, size) for name, ours, peer, expected in OPERATIONS for size in SIZES)
