"""The laws of a symmetric monoidal category with Frobenius structure."""

import numpy as np
import pytest
from diagrams import arrows, chains, few, types
from hypothesis import given
from hypothesis import strategies as st

from catgrad.hypergraph import (
    CompositionError,
    Family,
    FiniteFunction,
    Hypergraph,
    HypergraphError,
    LabelClashError,
    OpenHypergraph,
    Segments,
    is_isomorphic,
    labels,
    tensor_all,
)

Arrow = OpenHypergraph
ONE = FiniteFunction.identity(1)
BOTH = FiniteFunction.terminal(2)
NONE = FiniteFunction.initial(1)


@few
@given(chains(3))
def test_category(fgh):
    f, g, h = fgh
    assert is_isomorphic((f >> g) >> h, f >> (g >> h))
    assert is_isomorphic(Arrow.identity(f.source_type) >> f, f)
    assert is_isomorphic(f >> Arrow.identity(f.target_type), f)


@few
@given(arrows(), arrows(), arrows())
def test_monoidal(f, g, h):
    assert (f @ g) @ h == f @ (g @ h)
    assert Arrow.unit() @ f == f == f @ Arrow.unit()


@few
@given(chains(2), chains(2))
def test_interchange(fg, hk):
    (f, g), (h, k) = fg, hk
    assert is_isomorphic((f >> g) @ (h >> k), (f @ h) >> (g @ k))


@few
@given(arrows(), arrows())
def test_symmetry_is_natural(f, g):
    before, after = Arrow.twist(f.source_type, g.source_type), Arrow.twist(f.target_type, g.target_type)
    assert is_isomorphic(before >> (g @ f), (f @ g) >> after)


@few
@given(types, types, types)
def test_symmetry_is_a_hexagon_of_involutions(a, b, c):
    i = Arrow.identity
    assert is_isomorphic(Arrow.twist(a, b) >> Arrow.twist(b, a), i(a + b))
    assert is_isomorphic(Arrow.twist(a, b + c), (Arrow.twist(a, b) @ i(c)) >> (i(b) @ Arrow.twist(a, c)))


def test_frobenius():
    copy, merge = Arrow.spider(ONE, BOTH, ["X"]), Arrow.spider(BOTH, ONE, ["X"])
    make, i = Arrow.spider(NONE, ONE, ["X"]), Arrow.identity(["X"])
    assert is_isomorphic(copy >> (copy @ i), copy >> (i @ copy))
    assert is_isomorphic(copy >> Arrow.twist(["X"], ["X"]), copy)
    assert is_isomorphic(copy >> merge, i)
    assert is_isomorphic((make @ i) >> merge, i)
    assert is_isomorphic((copy @ i) >> (i @ merge), merge >> copy)
    assert is_isomorphic((i @ copy) >> (merge @ i), merge >> copy)


@few
@given(chains(2))
def test_dagger_is_a_contravariant_involution(fg):
    f, g = fg
    assert f.dagger().dagger() == f
    assert is_isomorphic((f >> g).dagger(), g.dagger() >> f.dagger())
    assert (f @ g).dagger() == f.dagger() @ g.dagger()


@few
@given(st.lists(arrows(), max_size=4))
def test_tensor_of_many(fs):
    expected = Arrow.unit()
    for f in fs:
        expected = expected @ f
    assert tensor_all(fs) == expected


@few
@given(st.lists(arrows(), min_size=1, max_size=3), st.data())
def test_families_are_reindexed(fs, data):
    chosen = data.draw(st.lists(st.integers(0, len(fs) - 1), max_size=4))
    selected = Family.of(fs).select(np.array(chosen, dtype=int))
    assert selected.tensor() == tensor_all([fs[i] for i in chosen])


def test_operations_is_the_tensor_of_singletons():
    many = Arrow.operations(labels("fg"), Segments.of([["X"], []]), Segments.of([["Y"], ["X", "Y"]]))
    assert is_isomorphic(many, Arrow.singleton("f", ["X"], ["Y"]) @ Arrow.singleton("g", [], ["X", "Y"]))


@few
@given(chains(2))
def test_edges_keep_their_order(fg):
    f, g = fg
    for composite in (f >> g, f @ g):
        assert composite.hypergraph.edges.tolist() == [*f.hypergraph.edges, *g.hypergraph.edges]


def test_composition_shows_the_first_difference():
    f = Arrow.identity(["X", "Y", "X"])
    with pytest.raises(CompositionError, match="wire 1 is Y, expected X"):
        f >> Arrow.identity(["X", "X", "Y"])
    with pytest.raises(CompositionError, match="there are 3 wires, expected 2"):
        f >> Arrow.identity(["X", "Y"])


def test_presentations_are_validated():
    def graph(sources):
        return Hypergraph(labels("X"), labels("f"), sources, Segments.of([[]]))

    with pytest.raises(HypergraphError, match="sources of the edges: entry 0 is 1"):
        graph(Segments.of([[1]]))
    with pytest.raises(HypergraphError, match="1 edges have 2 lists of sources"):
        graph(Segments.of([[], []]))
    with pytest.raises(HypergraphError, match="target boundary is a function into 2, not 1 nodes"):
        Arrow(ONE, FiniteFunction([0], 2), graph(Segments.of([[0]])))
    with pytest.raises(LabelClashError, match="labelled X and Y"):
        Hypergraph.discrete(labels("XY")).quotient(BOTH)


def test_presentations_are_values():
    f, g = Arrow.singleton("f", ["X"], ["Y"]), Arrow.singleton("f", ["X"], ["Y"])
    assert f == g
    assert hash(f) == hash(g)
    assert f != Arrow.singleton("g", ["X"], ["Y"])
    assert repr(f) == "<OpenHypergraph 1 → 1: 2 nodes, 1 edges>"


def test_labels_of_any_dtype_compose():
    integers = Arrow.operations(np.array([7]), Segments.of([[1]]), Segments.of([[2]]))
    objects = Arrow.singleton(None, [2], ["Z"])
    assert (integers >> objects).hypergraph.edges.tolist() == [7, None]
    assert (integers >> objects).hypergraph.nodes.tolist() == [1, 2, "Z"]
