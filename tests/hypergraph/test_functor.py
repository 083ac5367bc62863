import numpy as np
import pytest
from diagrams import arrows, chains, few
from hypothesis import given

from catgrad.hypergraph import (
    CompositionError,
    FiniteFunction,
    Functor,
    OpenHypergraph,
    Segments,
    distinct_operations,
    is_isomorphic,
    tensor_all,
)

Arrow = OpenHypergraph


def doubled(a):
    """X ↦ X X and Y ↦ nothing: sizes that differ from 1 on both sides."""
    return ["X", "X"] if a == "X" else []


def image(x, a, b):
    """Two operations with a node between them, the first for f only."""
    source, target = ([c for label in side for c in doubled(label)] for side in (a, b))
    if x == "g":
        return Arrow.singleton(("G", len(a)), source, target)
    return Arrow.singleton("F0", source, ["Z"]) >> Arrow.singleton("F1", ["Z"], target)


DOUBLE = Functor(doubled, image)
IDENTITY = Functor(lambda a: [a], Arrow.singleton)
ERASE = Functor(lambda a: [], lambda x, a, b: Arrow.unit())


@few
@given(chains(2), arrows())
def test_functors_preserve_the_structure(fg, h):
    f, g = fg
    assert is_isomorphic(DOUBLE(f >> g), DOUBLE(f) >> DOUBLE(g))
    assert is_isomorphic(DOUBLE(f @ h), DOUBLE(f) @ DOUBLE(h))
    assert is_isomorphic(DOUBLE(Arrow.identity(f.source_type)), Arrow.identity(DOUBLE(f).source_type))
    assert is_isomorphic(DOUBLE(f.dagger().dagger()), DOUBLE(f))


@few
@given(arrows())
def test_the_identity_functor(f):
    assert is_isomorphic(IDENTITY(f), f)
    assert ERASE(f) == Arrow.unit()


@few
@given(arrows())
def test_the_image_is_the_frobenius_decomposition(f):
    """F(f) = F(source spider) ; (identity ● F(x₀) ● F(x₁) ● ...) ; F(target spider), composed literally."""
    h = f.hypergraph
    wires = Segments.of([doubled(a) for a in h.nodes])
    sizes, total = FiniteFunction(wires.sizes, 3), len(wires.values)
    lift = lambda nodes: sizes.injections(FiniteFunction(nodes, len(h.nodes)))  # noqa: E731
    everything = FiniteFunction.identity(total)
    source = Arrow.spider(lift(f.sources.table), everything + lift(h.sources.values), wires.values)
    target = Arrow.spider(everything + lift(h.targets.values), lift(f.targets.table), wires.values)
    types = ([[h.nodes[v] for v in row] for row in side.lists()] for side in (h.sources, h.targets))
    images = tensor_all([image(x, a, b) for x, a, b in zip(h.edges, *types, strict=True)])
    assert is_isomorphic(source >> (Arrow.identity(wires.values) @ images) >> target, DOUBLE(f))


@few
@given(arrows())
def test_the_witness_follows_nodes_and_edges(f):
    g, witness = DOUBLE.map_arrow(f)
    for a, nodes in zip(f.hypergraph.nodes, witness.nodes, strict=True):
        assert g.hypergraph.nodes[nodes].tolist() == doubled(a)
    for x, edges in zip(f.hypergraph.edges, witness.edges, strict=True):
        assert [str(y)[:2] for y in g.hypergraph.edges[edges]] == (["F0", "F1"] if x == "f" else ["('"])
    assert sorted(witness.edges.values.tolist()) == list(range(len(g.hypergraph.edges)))


@few
@given(arrows())
def test_witnesses_compose(f):
    g, first = DOUBLE.map_arrow(f)
    second = IDENTITY.map_arrow(g)[1]
    both = first >> second
    expected = [[x for v in row for x in second.nodes[v]] for row in first.nodes.lists()]
    assert both.nodes.lists() == expected
    assert len(both.edges) == len(f.hypergraph.edges)


def test_equal_operations_are_mapped_once():
    calls = []

    def counted(x, a, b):
        calls.append((x, a, b))
        return Arrow.singleton(x, a, b)

    f, g = Arrow.singleton(("f", 1), ["X"], ["Y"]), Arrow.singleton(tuple(["f", 1]), ["X"], ["Y"])
    Functor(lambda a: [a], counted)(tensor_all([f, g, Arrow.singleton(("f", 1), ["Y"], ["Y"]), g]))
    assert calls == [(("f", 1), ("X",), ("Y",)), (("f", 1), ("Y",), ("Y",))]


def test_types_tell_operations_apart():
    f = Arrow.singleton("f", ["X", "X"], []) @ Arrow.singleton("f", ["X"], ["X"]) @ Arrow.singleton("f", ["X", "X"], [])
    distinct, which = distinct_operations(f)
    assert [(x.source, x.target) for x in distinct] == [(("X", "X"), ()), (("X",), ("X",))]
    assert which.tolist() == [0, 1, 0]


def test_an_image_of_the_wrong_type_is_refused():
    wrong = Functor(lambda a: [a], lambda x, a, b: Arrow.singleton(x, a, ["Z"]))
    with pytest.raises(CompositionError, match="the image of f: at its target wire 0 is Z, expected Y"):
        wrong(Arrow.singleton("f", ["X"], ["Y"]))


def test_many_operations():
    n = 20_000
    ops = Arrow.operations(np.array(["f", "g"] * (n // 2)), *[Segments.singletons(np.array(["X"] * n))] * 2)
    g, witness = DOUBLE.map_arrow(ops)
    assert len(g.hypergraph.edges) == 3 * n // 2
    assert len(witness.edges) == n
