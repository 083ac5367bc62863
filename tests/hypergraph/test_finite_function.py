import numpy as np
import pytest
from diagrams import few, functions, sizes
from hypothesis import given
from hypothesis import strategies as st

from catgrad.hypergraph import CompositionError, FiniteFunction, HypergraphError, LabelClashError, labels
from catgrad.hypergraph.finite_function import pushout, universal

F = FiniteFunction


def classes_by_search(n, pairs):
    """Number the components of a graph by their smallest vertex, one vertex at a time."""
    neighbours = {v: {v} for v in range(n)}
    for a, b in pairs:
        neighbours[a].add(b)
        neighbours[b].add(a)
    numbers = {}
    for v in range(n):
        stack, fresh = [v], len(set(numbers.values()))
        while stack:
            u = stack.pop()
            if u not in numbers:
                numbers[u] = fresh
                stack += neighbours[u]
    return [numbers[v] for v in range(n)]


@st.composite
def composable(draw):
    f = draw(functions())
    g = draw(functions(st.just(f.target)))
    return f, g, draw(functions(st.just(g.target)))


@st.composite
def parallel(draw):
    n, m = draw(sizes), draw(st.integers(1, 8))
    return draw(functions(st.just(n), st.just(m))), draw(functions(st.just(n), st.just(m)))


@few
@given(composable())
def test_category(fgh):
    f, g, h = fgh
    assert (f >> g) >> h == f >> (g >> h)
    assert F.identity(f.source) >> f == f == f >> F.identity(f.target)


@few
@given(functions(), functions())
def test_coproduct(f, g):
    left, right = F.inj0(f.source, g.source), F.inj1(f.source, g.source)
    assert left >> (f @ g) == f >> F.inj0(f.target, g.target)
    assert right >> (f @ g) == g >> F.inj1(f.target, g.target)
    assert left + right == F.identity(f.source + g.source)
    assert F.twist(f.source, g.source) >> (g @ f) == (f @ g) >> F.twist(f.target, g.target)


@few
@given(sizes, sizes)
def test_permutations_have_inverses(a, b):
    assert F.twist(a, b) >> F.twist(b, a) == F.identity(a + b)
    assert F.transpose(a, b) >> F.transpose(b, a) == F.identity(a * b)
    assert F.transpose(a, b).inverse() == F.transpose(b, a)


@few
@given(functions())
def test_initial_and_terminal_are_unique(f):
    assert F.initial(f.source) >> f == F.initial(f.target)
    assert f >> F.terminal(f.target) == F.terminal(f.source)


@few
@given(functions())
def test_injective_and_sort(f):
    assert f.is_injective() == (len(set(f.table.tolist())) == f.source)
    assert (f.argsort() >> f).table.tolist() == sorted(f.table.tolist())


@few
@given(functions(), st.data())
def test_injections_list_the_elements_of_segments(f, data):
    chosen = data.draw(functions(target=st.just(f.source)) if f.source else st.just(F.initial(0)))
    starts = [sum(f.table[:i]) for i in range(f.source)]
    expected = [starts[i] + k for i in chosen.table for k in range(f.table[i])]
    assert f.injections(chosen).table.tolist() == expected
    assert f.cumulative_sum().table.tolist() == starts


@few
@given(parallel())
def test_coequalizer(fg):
    f, g = fg
    q = f.coequalizer(g)
    assert f >> q == g >> q
    assert q.table.tolist() == classes_by_search(f.target, zip(f.table.tolist(), g.table.tolist(), strict=True))


@few
@given(parallel(), st.data())
def test_coequalizer_is_universal(fg, data):
    q = fg[0].coequalizer(fg[1])
    u = data.draw(functions(st.just(q.target)))
    assert q.coequalizer_universal(q >> u) == u


@few
@given(st.data())
def test_pushout_is_a_coequalizer_of_the_coproduct(data):
    m, n, b = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 5)), data.draw(sizes)
    f, g = data.draw(functions(st.just(b), st.just(m))), data.draw(functions(st.just(b), st.just(n)))
    p, q = pushout(f, g)
    both = (f >> F.inj0(m, n)).coequalizer(g >> F.inj1(m, n))
    assert p.table.tolist() + q.table.tolist() == both.table.tolist()
    assert q.target == both.target
    assert p.target == len(set(p.table.tolist()))


def test_universal_refuses_what_is_no_surjection():
    with pytest.raises(HypergraphError, match="expected a surjection of 1 elements, got 1 → 2"):
        universal(F([0], 2), labels("a"))
    with pytest.raises(HypergraphError, match="expected a surjection of 2 elements, got 1 → 1"):
        universal(F([0], 1), labels("ab"))


def test_universal_refuses_values_that_differ_in_a_class():
    q = F([0], 2).coequalizer(F([1], 2))
    with pytest.raises(LabelClashError, match="labelled 4 and 5"):
        q.coequalizer_universal(F([4, 5], 6))


@pytest.mark.parametrize("shuffled", [False, True])
def test_a_long_chain_is_one_class(shuffled):
    n = 100_000
    path = np.random.default_rng(0).permutation(n) if shuffled else np.arange(n)
    q = F(path[:-1], n).coequalizer(F(path[1:], n))
    assert q == F.terminal(n)


def test_errors_say_what_was_expected():
    with pytest.raises(HypergraphError, match="entry 1 is 3, expected 0 <= entry < 3"):
        F([0, 3], 3)
    with pytest.raises(HypergraphError, match="got dtype float64"):
        F([0.5], 3)
    with pytest.raises(HypergraphError, match="shape"):
        F([[0]], 3)
    with pytest.raises(CompositionError, match="cannot compose 1 → 3 with 2 → 2"):
        F([0], 3) >> F([0, 1], 2)
    with pytest.raises(CompositionError, match="copair"):
        F([0], 3) + F([0], 2)
    with pytest.raises(CompositionError, match="parallel"):
        F([0], 3).coequalizer(F([0], 2))
    with pytest.raises(HypergraphError, match="between 0 and 2147483647 elements, got -1"):
        F([], -1)
    with pytest.raises(HypergraphError, match="got 2147483648"):
        F.identity(2**31)
    with pytest.raises(HypergraphError, match="got 4294967294"):
        F.initial(2**31 - 1) @ F.initial(2**31 - 1)
    with pytest.raises(HypergraphError, match="inverse"):
        F([0, 0], 2).inverse()


def test_tables_are_frozen():
    with pytest.raises(ValueError, match="read-only"):
        F([0], 1).table[0] = 0
