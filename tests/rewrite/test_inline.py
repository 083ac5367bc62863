"""Inlining: calls become bodies, and nothing else changes."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from programs import few, programs

import catgrad as cg
from catgrad.rewrite import inline, inline_small
from catgrad.types import f64


def _everything(definition):
    return True


def _names(term):
    return [d.name for d in term.definitions]


def _nested():
    @cg.function
    def inner(x):
        return cg.exp(x)

    @cg.function
    def outer(x):
        return inner(x) + inner(x)

    return cg.trace(lambda x: outer(inner(x)), f64[3])


@few
@given(programs(), st.integers(0, 9))
def test_values_stay(f, seed):
    term, x = cg.trace(f, *f.types), f.arrays(seed)
    flat = inline(term, _everything)
    cg.check(flat)
    assert flat.definitions == ()
    for a, b in zip(cg.interpret(flat, *x), cg.interpret(term, *x), strict=True):
        np.testing.assert_array_equal(a, b)


def test_all_some_or_none():
    term = _nested()
    assert _names(inline(term, _everything)) == []
    assert _names(inline(term, lambda d: d.name == "inner")) == ["outer"]
    assert _names(inline(term, lambda d: d.name == "outer")) == ["inner"]
    assert _names(inline(term, lambda d: False)) == ["inner", "outer"]


def test_definitions_that_stay_are_shared():
    kept = inline(_nested(), lambda d: d.name == "outer")
    calls = [s.operation for s in kept.steps if s.operation.op is cg.ops.call]
    assert len(calls) == 3
    assert len(set(calls)) == 1


def test_a_definition_that_is_called_once_is_inlined():
    @cg.function
    def large(x):
        for _ in range(100):
            x = x @ x
        return x

    assert _names(inline_small(cg.trace(lambda x: large(x), f64[2, 2]))) == []
    assert _names(inline_small(cg.trace(lambda x: large(large(x)), f64[2, 2]))) == ["large"]


def test_a_body_is_located_where_it_is_called():
    f = cg.function(lambda x: cg.exp(x))

    def twice(x):
        return f(f(x))

    flat = inline(cg.trace(twice, f64[3]), _everything)
    lines = [s.location.line for s in flat.steps if s.operation.op is cg.ops.exp]
    assert lines == [twice.__code__.co_firstlineno + 1] * 2


def test_names_and_nesting_stay():
    f = cg.function(lambda x: x + 1)
    term = cg.trace(lambda p: {"y": f(p["x"])}, {"x": f64[3]})
    flat = inline(term, _everything)
    assert (flat.name, flat.type, flat.input_names) == (term.name, term.type, term.input_names)


def test_definitions_that_call_each_other_twice_are_looked_at_once():
    f = cg.function(lambda x: cg.exp(x))
    for _ in range(20):
        f = cg.function(lambda x, f=f: f(f(x)))
    term = cg.trace(f, f64[3])
    small = inline_small(term)
    assert 10 < len(small.definitions) < 20
    assert all(len(d.term.graph.hypergraph.edges) <= 64 for d in small.definitions)
