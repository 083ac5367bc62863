import numpy as np
import pytest
from diagrams import arrows, cartesian, few
from hypothesis import given

from catgrad.hypergraph import (
    CycleError,
    Hypergraph,
    OpenHypergraph,
    Segments,
    consumers,
    edge_layers,
    is_acyclic,
    is_monogamous,
    labels,
    producers,
    restrict_to_outputs,
    schedule,
    ssa,
)

Arrow = OpenHypergraph


def depends(h):
    """Pairs (d, e) of edges where a target of d is a source of e."""
    count = range(len(h.edges))
    return {(d, e) for d in count for e in count if set(h.targets[d].tolist()) & set(h.sources[e].tolist())}


def closure(pairs):
    while True:
        more = pairs | {(a, d) for a, b in pairs for c, d in pairs if b == c}
        if more == pairs:
            return pairs
        pairs = more


def chain(n, order=None):
    """A chain of n operations, with nodes in the given order."""
    order = np.arange(n + 1) if order is None else order
    ends = Segments.singletons(order[:-1]), Segments.singletons(order[1:])
    return Arrow.over(Hypergraph(labels(["X"] * (n + 1)), labels(["f"] * n), *ends), order[:1], order[-1:])


@few
@given(cartesian())
def test_layers_are_longest_paths(f):
    layers, before = edge_layers(f).tolist(), depends(f.hypergraph)
    for e, layer in enumerate(layers):
        assert layer == max([layers[d] + 1 for d, other in before if other == e], default=0)


@few
@given(cartesian())
def test_ssa_assigns_before_it_uses(f):
    ready = set(f.sources.table.tolist())
    for edge, label, sources, targets in ssa(f):
        assert label == f.hypergraph.edges[edge]
        assert set(sources) <= ready
        ready |= set(targets)
    assert len(ready) == len(f.hypergraph.nodes)


@few
@given(arrows())
def test_cycles_are_named(f):
    pairs = depends(f.hypergraph)
    cyclic = any(a == b for a, b in closure(pairs))
    assert is_acyclic(f) == (not cyclic)
    if cyclic:
        with pytest.raises(CycleError, match="cycle: ") as caught:
            edge_layers(f)
        cycle = caught.value.edges
        assert all(pair in pairs for pair in zip(cycle, cycle[1:] + cycle[:1], strict=True))


def test_the_message_of_a_cycle():
    h = Hypergraph(labels("XXX"), labels("fg"), Segments.of([[0], [1]]), Segments.of([[1], [0, 2]]))
    with pytest.raises(CycleError, match=r"in a cycle: g \(edge 1\) → f \(edge 0\) → g \(edge 1\)$"):
        edge_layers(Arrow.over(h, [], [2]))


def test_narrow_and_wide_graphs():
    n = 3000
    long = chain(n, np.random.default_rng(0).permutation(n + 1))
    assert edge_layers(long).tolist() == list(range(n))
    wide = Arrow.operations(labels(["f"] * n), *[Segments.singletons(labels(["X"] * n))] * 2)
    both = (wide >> wide) @ chain(40)
    assert edge_layers(both).tolist() == [0] * n + [1] * n + list(range(40))
    assert schedule(both).sizes.tolist() == [n + 1, n + 1] + [1] * 38


@few
@given(arrows())
def test_restriction_keeps_what_outputs_depend_on(f):
    h = f.hypergraph
    useful = {e for e in range(len(h.edges)) if set(h.targets[e].tolist()) & set(f.targets.table.tolist())}
    useful |= {d for d, e in closure(depends(h)) if e in useful}
    g, witness = restrict_to_outputs(f)
    assert witness.edges.sizes.tolist() == [int(e in useful) for e in range(len(h.edges))]
    assert g.hypergraph.edges.tolist() == [h.edges[e] for e in sorted(useful)]
    assert (g.source_type.tolist(), g.target_type.tolist()) == (f.source_type.tolist(), f.target_type.tolist())
    for old, new in zip(h.edges[witness.edges.owners], witness.edges.values, strict=True):
        assert g.hypergraph.edges[new] == old
    assert g.hypergraph.nodes[witness.nodes.values].tolist() == h.nodes[witness.nodes.owners].tolist()
    assert restrict_to_outputs(g)[0] == g


def test_degrees():
    f = Arrow.over(Hypergraph(labels("XX"), labels("f"), Segments.of([[0, 0]]), Segments.of([[1]])), [0], [0, 1])
    assert producers(f).tolist() == [1, 1]
    assert consumers(f).tolist() == [3, 1]
    assert not is_monogamous(f)
    assert is_monogamous(chain(3))
