import pytest
from diagrams import arrows, few
from hypothesis import given

from catgrad.hypergraph import FiniteFunction, HypergraphError, LabelClashError, LaxOpenHypergraph, OpenHypergraph

Arrow = OpenHypergraph


@few
@given(arrows())
def test_strict_graphs_pass_through(f):
    g, q = LaxOpenHypergraph.from_strict(f).to_strict()
    assert g == f
    assert q == FiniteFunction.identity(len(f.hypergraph.nodes))


def composite():
    b = LaxOpenHypergraph()
    _, [a], [x] = b.new_operation("f", ["X"], ["Y"])
    _, [y], [c] = b.new_operation("g", ["Y"], ["Z"])
    b.unify(x, y)
    b.sources, b.targets = [a], [c]
    return b


def test_unified_nodes_become_one():
    f, q = composite().to_strict()
    assert f == Arrow.singleton("f", ["X"], ["Y"]) >> Arrow.singleton("g", ["Y"], ["Z"])
    assert q.table.tolist() == [0, 1, 1, 2]


def test_quotient_works_in_place():
    b = composite()
    expected, q = b.to_strict()
    assert b.quotient() == q
    assert b.unified == []
    assert b.to_strict()[0] == expected
    assert b.nodes == ["X", "Y", "Z"]


def test_edges_grow_and_go():
    b = LaxOpenHypergraph()
    for name in "fgh":
        b.new_operation(name, ["X"], [])
    assert b.add_edge_source(1, "Y") == 3
    assert b.add_edge_target(1, "Z") == 4
    b.delete_edges([0, 2])
    f, _ = b.to_strict()
    assert f.hypergraph.edges.tolist() == ["g"]
    assert f.hypergraph.sources.lists() == [[1, 3]]
    assert f.hypergraph.targets.lists() == [[4]]
    assert len(f.hypergraph.nodes) == 5


def test_clashing_labels_are_refused_and_nothing_changes():
    b = LaxOpenHypergraph()
    b.unify(b.new_node("X"), b.new_node("Y"))
    with pytest.raises(LabelClashError, match="labelled X and Y"):
        b.quotient()
    assert b.nodes == ["X", "Y"]


def test_unknown_nodes_are_refused():
    b = LaxOpenHypergraph()
    b.new_edge("f", [0], [])
    with pytest.raises(HypergraphError, match="sources of the edges: entry 0 is 0"):
        b.to_strict()
