import pytest
from diagrams import arrows, cartesian, copy_label, few, is_copy, programs
from hypothesis import given

from catgrad.hypergraph import (
    FiniteFunction,
    HypergraphError,
    LabelClashError,
    OpenHypergraph,
    explicit_copies,
    forget,
    is_acyclic,
    is_isomorphic,
    is_monogamous,
)

Arrow = OpenHypergraph


@few
@given(cartesian())
def test_explicit_copies_are_monogamous_and_forget_inverts_them(f):
    g, _ = explicit_copies(f, copy_label)
    assert is_monogamous(g)
    assert is_acyclic(g)
    assert g.target_type.tolist() == f.target_type.tolist()
    assert is_isomorphic(forget(g, is_copy)[0], f)


@few
@given(programs())
def test_explicit_copies_invert_forget(f):
    assert is_isomorphic(explicit_copies(forget(f, is_copy)[0], copy_label)[0], f)


@few
@given(cartesian())
def test_witnesses_compose_to_the_identity(f):
    g, there = explicit_copies(f, copy_label)
    h, back = forget(g, is_copy)
    around = there >> back
    for v, nodes in enumerate(around.nodes):
        assert len(set(nodes.tolist())) == 1
        assert there.nodes[v][0] == v
        assert h.hypergraph.nodes[nodes[0]] == f.hypergraph.nodes[v]
    assert h.hypergraph.edges[around.edges.values].tolist() == f.hypergraph.edges.tolist()


@few
@given(arrows())
def test_forget_without_copies_changes_nothing(f):
    assert forget(f, is_copy)[0] == f


def test_copies_serve_edges_before_outputs_in_order():
    x = Arrow.spider(FiniteFunction.identity(1), FiniteFunction([0, 0], 1), ["X"])
    f = x >> (Arrow.singleton("f", ["X"], ["X"]) @ Arrow.identity(["X"]))
    g, witness = explicit_copies(f, copy_label)
    assert g.hypergraph.edges.tolist() == ["f", ("copy", "X", 2)]
    made = g.hypergraph.targets[1].tolist()
    assert g.hypergraph.sources[0].tolist() == made[:1]
    assert g.targets.table.tolist()[1] == made[1]
    assert witness.nodes[g.sources.table[0]].tolist() == [g.sources.table[0], *made]


def test_unused_values_are_discarded():
    f = Arrow.spider(FiniteFunction.identity(1), FiniteFunction.initial(1), ["X"])
    g, _ = explicit_copies(f, copy_label)
    assert is_isomorphic(g, Arrow.singleton(("copy", "X", 0), ["X"], []))


def test_nodes_must_be_produced_once():
    with pytest.raises(HypergraphError, match=r"node 0 \(X\) is produced 2 times, expected once"):
        explicit_copies(Arrow.spider(FiniteFunction([0, 0], 1), FiniteFunction([0], 1), ["X"]), copy_label)
    with pytest.raises(HypergraphError, match="is produced 0 times"):
        explicit_copies(Arrow.spider(FiniteFunction([], 1), FiniteFunction([0], 1), ["X"]), copy_label)


def test_copy_edges_must_be_copies():
    with pytest.raises(HypergraphError, match="has 2 sources, expected 1"):
        forget(Arrow.singleton("copy", ["X", "X"], []), lambda label: label == "copy")
    with pytest.raises(LabelClashError):
        forget(Arrow.singleton("copy", ["X"], ["Y"]), lambda label: label == "copy")
