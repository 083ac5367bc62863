"""A tiny theory and strategies for its arrows: two objects X, Y and operations of any type."""

from itertools import permutations

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from catgrad.hypergraph import FiniteFunction, Hypergraph, OpenHypergraph, Segments, explicit_copies, labels

few = settings(deadline=None, max_examples=25)
objects = st.sampled_from(["X", "Y"])
types = st.lists(objects, max_size=3)
sizes = st.integers(0, 5)
below_five = st.integers(0, 4)


@st.composite
def functions(draw, source=sizes, target=sizes):
    """A finite function; the target is at least 1 where the source is."""
    n, m = draw(source), draw(target)
    m = max(m, 1) if n else m
    return FiniteFunction(draw(st.lists(st.integers(0, m - 1), min_size=n, max_size=n)) if n else [], m)


@st.composite
def families(draw, values=below_five, length=sizes):
    """Segments of integers below 5."""
    n = draw(length)
    return Segments.of(draw(st.lists(st.lists(values, max_size=3), min_size=n, max_size=n)))


@st.composite
def arrows(draw, source=None, target=None, max_nodes=4, max_edges=3):
    """Any cospan: no acyclicity, no monogamy; nodes for the required types are always there."""
    a = draw(types) if source is None else source
    b = draw(types) if target is None else target
    nodes = [*draw(st.lists(objects, max_size=max_nodes)), *sorted(set(a) | set(b))]
    places = {label: [i for i, other in enumerate(nodes) if other == label] for label in "XY"}
    ends = st.lists(st.integers(0, len(nodes) - 1), max_size=2) if nodes else st.just([])
    edges = draw(st.lists(st.tuples(st.sampled_from("fg"), ends, ends), max_size=max_edges))
    graph = Hypergraph(
        labels(nodes),
        labels([edge[0] for edge in edges]),
        Segments.of([edge[1] for edge in edges]),
        Segments.of([edge[2] for edge in edges]),
    )
    boundaries = ([draw(st.sampled_from(places[label])) for label in side] for side in (a, b))
    return OpenHypergraph.over(graph, *boundaries)


@st.composite
def chains(draw, length):
    """Arrows that compose, one after the other."""
    ends = [draw(types) for _ in range(length + 1)]
    return [draw(arrows(ends[i], ends[i + 1])) for i in range(length)]


@st.composite
def cartesian(draw, max_edges=4, source=None):
    """An acyclic arrow whose nodes are produced once and used any number of times."""
    nodes = draw(st.lists(objects, min_size=1, max_size=3)) if source is None else list(source)
    inputs = len(nodes)
    edges = []
    for _ in range(draw(st.integers(0, max_edges)) if nodes else 0):
        uses = draw(st.lists(st.integers(0, len(nodes) - 1), max_size=3))
        made = draw(st.lists(objects, min_size=1, max_size=2))
        edges.append((draw(st.sampled_from("fg")), uses, list(range(len(nodes), len(nodes) + len(made)))))
        nodes += made
    graph = Hypergraph(
        labels(nodes),
        labels([edge[0] for edge in edges]),
        Segments.of([edge[1] for edge in edges]),
        Segments.of([edge[2] for edge in edges]),
    )
    outputs = draw(st.lists(st.integers(0, len(nodes) - 1), max_size=3)) if nodes else []
    return OpenHypergraph.over(graph, np.arange(inputs), outputs)


def copy_label(label, n):
    return ("copy", label, n)


def is_copy(label):
    return isinstance(label, tuple) and label[0] == "copy"


def programs(**options):
    """Monogamous acyclic arrows."""
    return cartesian(**options).map(lambda f: explicit_copies(f, copy_label)[0])


def renumbered(f, nodes, edges):
    """Move node v to place nodes[v], and take the edges in the order `edges`."""
    h, place = f.hypergraph, np.argsort(nodes, kind="stable")
    nodes, edges = np.array(nodes, dtype=int), np.array(edges, dtype=int)
    graph = Hypergraph(
        h.nodes[place],
        h.edges[edges],
        h.sources.map_indexes(edges).map_values(nodes),
        h.targets.map_indexes(edges).map_values(nodes),
    )
    return OpenHypergraph.over(graph, nodes[f.sources.table], nodes[f.targets.table])


def isomorphic_by_force(f, g):
    """Decide isomorphism by trying every renumbering of nodes."""
    n = len(f.hypergraph.nodes)
    if n != len(g.hypergraph.nodes):
        return False
    rows = sorted_rows(g)
    return any(sorted_rows(renumbered(f, p, range(len(f.hypergraph.edges)))) == rows for p in permutations(range(n)))


def sorted_rows(f):
    h = f.hypergraph
    edges = sorted(zip(map(str, h.edges), h.sources.lists(), h.targets.lists(), strict=True))
    return edges, h.nodes.tolist(), f.sources.table.tolist(), f.targets.table.tolist()
