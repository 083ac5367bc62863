import numpy as np
from diagrams import arrows, few, isomorphic_by_force, programs, renumbered
from hypothesis import given
from hypothesis import strategies as st

from catgrad.hypergraph import Hypergraph, OpenHypergraph, Segments, is_isomorphic, labels, tensor_all


def graph(count, edges, label="f"):
    """Unlabelled nodes, and one edge of one source and one target for each pair."""
    sources, targets = Segments.of([[a] for a, _ in edges]), Segments.of([[b] for _, b in edges])
    h = Hypergraph(labels(["X"] * count), labels([label] * len(edges)), sources, targets)
    return OpenHypergraph.over(h, [], [])


@few
@given(arrows([], []), arrows([], []))
def test_agrees_with_brute_force_on_closed_graphs(f, g):
    assert is_isomorphic(f, g) == isomorphic_by_force(f, g)


@few
@given(arrows(["X"], ["X"], 3), arrows(["X"], ["X"], 3))
def test_agrees_with_brute_force_on_open_graphs(f, g):
    assert is_isomorphic(f, g) == isomorphic_by_force(f, g)


@few
@given(st.one_of(arrows(), programs()), st.data())
def test_is_blind_to_numbering(f, data):
    nodes = data.draw(st.permutations(range(len(f.hypergraph.nodes))))
    edges = data.draw(st.permutations(range(len(f.hypergraph.edges))))
    assert is_isomorphic(f, renumbered(f, nodes, edges))


@few
@given(programs(max_edges=6), st.data())
def test_sees_a_changed_label(f, data):
    edges = len(f.hypergraph.edges)
    if edges == 0:
        return
    h, changed = f.hypergraph, f.hypergraph.edges.tolist()
    changed[data.draw(st.integers(0, edges - 1))] = "other"
    g = OpenHypergraph(f.sources, f.targets, Hypergraph(h.nodes, labels(changed), h.sources, h.targets))
    assert not is_isomorphic(f, g)


def test_regular_graphs_need_more_than_refinement():
    hexagon = graph(6, [(i, (i + 1) % 6) for i in range(6)])
    triangles = graph(6, [(0, 1), (1, 2), (2, 0), (3, 4), (4, 5), (5, 3)])
    assert is_isomorphic(hexagon, renumbered(hexagon, [3, 1, 5, 0, 2, 4], range(6)))
    assert not is_isomorphic(hexagon, triangles)


def test_parallel_edges_and_isolated_nodes_are_counted():
    assert is_isomorphic(graph(60, [(0, 1), (0, 1)]), graph(60, [(5, 4), (5, 4)]))
    assert not is_isomorphic(graph(3, [(0, 1), (0, 1)]), graph(3, [(0, 1), (1, 0)]))
    assert not is_isomorphic(graph(2, [(0, 1)]), graph(3, [(0, 1)]))


def test_many_equal_parts():
    part = OpenHypergraph.singleton("make", [], ["X"]) >> OpenHypergraph.singleton("drop", ["X"], [])
    assert is_isomorphic(tensor_all([part] * 40), tensor_all([part] * 40))


def test_boundary_order_matters():
    identity, twist = OpenHypergraph.identity(["X", "X"]), OpenHypergraph.twist(["X"], ["X"])
    assert not is_isomorphic(identity, twist)
    assert is_isomorphic(twist >> twist, identity)


def test_long_chains_take_linear_time():
    n = 20_000
    nodes = np.random.default_rng(1).permutation(n + 1)
    h = Hypergraph(labels(["X"] * (n + 1)), labels(["f"] * n), *(Segments.singletons(np.arange(n) + k) for k in (0, 1)))
    chain = OpenHypergraph.over(h, [0], [n])
    assert is_isomorphic(chain, renumbered(chain, nodes, np.arange(n)))
