"""Simplification: each rule, and its laws on random programs."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from programs import few, is_same, programs

import catgrad as cg
from catgrad import negative
from catgrad.hypergraph import is_monogamous
from catgrad.rewrite import inline, simplify
from catgrad.rewrite.rules import RULES
from catgrad.types import f32, f64, i32


def _all(term):
    """Count operations over the term and its definitions."""
    bodies = (term, *(d.term for d in term.definitions))
    return Counter(s.operation.op.name for body in bodies for s in body.steps if s.operation.op is not cg.ops.copy)


def _shown(term):
    return sorted(str(s.operation) for s in term.steps if s.operation.op is not cg.ops.copy)


def _after(f, *types):
    return _shown(simplify(cg.trace(f, *types)))


def _same(first, second):
    for a, b in zip(first, second, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


_POSITIVE = ["broadcast_to[shape=(3,)]", "constant[value=0.0]", "greater"]


@pytest.mark.parametrize(
    ("f", "type", "left"),
    [
        (lambda x: cg.broadcast_to(x, (2, 3)), f32[2, 3], []),
        (lambda x: cg.reshape(x, (2, 3)), f32[2, 3], []),
        (lambda x: cg.reshape(x, (3, 2)), f32[2, 3], ["reshape[shape=(3, 2)]"]),
        (lambda x: cg.permute_dims(x, (0, 1)), f32[2, 3], []),
        (lambda x: x.T, f32[2, 3], ["permute_dims[axes=(1, 0)]"]),
        (lambda x: x.T, f32[3], []),
        (lambda x: x.T.T, f32[2, 3], []),
        (lambda x: x.permute_dims(1, 2, 0).permute_dims(0, 2, 1), f32[2, 3, 4], ["permute_dims[axes=(1, 0, 2)]"]),
        (lambda x: cg.exp(x.T) @ x.T.T, f32[3, 3], ["contract[spec=ik,kj->ij]", "exp", "permute_dims[axes=(1, 0)]"]),
        (lambda x: cg.cast(x, f32), f32[3], []),
        (lambda x: cg.cast(x, f64), f32[3], ["cast[dtype=f64]"]),
        (lambda x: cg.stop_gradient(x), f32[3], []),
        (lambda x: cg.sum(x, axis=()), f32[3], []),
        (lambda x: 1 * x, f32[3], []),
        (lambda x: x * 1, i32[3], []),
        (lambda x: x * cg.ones((2, 3)), f32[2, 3], []),
        (lambda x: x / 1, f32[3], []),
        (lambda x: 1 / x, f32[()], ["constant[value=1.0]", "divide"]),
        (lambda x: cg.where(cg.full((3,), True), x, cg.exp(x)), f32[3], []),
        (lambda x: cg.where(cg.full((3,), False), cg.exp(x), x), f32[3], []),
        (lambda x: cg.where(x > 0, x, x), f32[3], []),
        (lambda x: cg.where(cg.logical_and(x > 0, False), cg.exp(x), x), f32[3], []),
        (lambda x: cg.logical_and(True, x > 0), f32[3], _POSITIVE),
        (lambda x: cg.logical_or(x > 0, False), f32[3], _POSITIVE),
        (lambda x: cg.where(cg.logical_or(True, x > 0), x, cg.exp(x)), f32[3], []),
        (lambda x: negative(negative(x)), f32[3], []),
        (lambda x: negative(negative(negative(x))), f32[3], ["negative"]),
        (lambda x: cg.contract("ij,kj->ik", x.T, x), f32[3, 3], ["contract[spec=ji,kj->ik]"]),
        (lambda x: x @ x.T, f32[2, 3], ["contract[spec=ik,jk->ij]"]),
        (lambda x: (x @ x).T, f32[3, 3], ["contract[spec=ik,kj->ji]"]),
        (lambda x: x.T @ x.T, f32[3, 3], ["contract[spec=ki,jk->ij]"]),
        (lambda x: cg.exp(x) * cg.exp(x), f32[3], ["exp", "multiply"]),
        (lambda x: cg.exp(x) * cg.exp(x * 1), f32[3], ["exp", "multiply"]),
    ],
)
def test_equations(f, type, left):
    term = cg.trace(f, type)
    simple = simplify(term)
    assert _shown(simple) == left
    x = np.random.default_rng(0).normal(size=type.shape).astype(type.dtype.numpy)
    np.testing.assert_allclose(cg.interpret(simple, x), cg.interpret(term, x), rtol=1e-5)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: 2 * x,
        lambda x: x * np.array([1.0, 1.0, 2.0]),
        lambda x: x + 0,
        lambda x: x - x,
        lambda x: x * 0,
        lambda x: cg.exp(cg.log(x)),
    ],
)
def test_what_would_change_values_stays(f):
    """x + 0 loses the sign of zero, and x - x and 0 · x lose NaN."""
    term = cg.trace(f, f64[3])
    x = np.array([np.nan, np.inf, -0.0])
    np.testing.assert_array_equal(cg.interpret(simplify(term), x), cg.interpret(term, x))


def test_a_product_that_is_used_twice_keeps_its_transpose():
    def f(x):
        product = x @ x
        return product, product.T

    shown = _after(f, f32[3, 3])
    assert shown == ["contract[spec=ik,kj->ij]", "permute_dims[axes=(1, 0)]"]


def test_what_no_output_depends_on_is_dropped():
    assert _after(lambda x, y: (cg.exp(y), x)[1], f32[3], f32[3]) == []
    term = simplify(cg.trace(lambda x, y: x, f32[3], f32[3]))
    assert term.source_types == (f32[3], f32[3])
    assert is_monogamous(term.graph)


def test_every_rule_is_keyed_by_an_operation_of_the_table():
    assert len(RULES) >= 8
    assert all(cg.ops.OPS[op.name] is op for op in RULES)


def test_locations_survive():
    def f(x):
        return (cg.exp(x) @ cg.exp(x)).T

    locations = {s.operation.op.name: s.location for s in simplify(cg.trace(f, f32[3, 3])).steps}
    assert locations["exp"].line == locations["contract"].line == f.__code__.co_firstlineno + 1


def test_definitions_stay_shared_and_are_simplified():
    layer = cg.function(lambda x: 1 * cg.tanh(x) * 1 + 2)
    term = simplify(cg.trace(lambda x: layer(layer(layer(x))), f32[3]))
    (definition,) = term.definitions
    assert _shown(definition.term) == ["add", "broadcast_to[shape=(3,)]", "constant[value=2.0]", "tanh"]
    assert _shown(term) == ["call[definition=<lambda>]"] * 3


def test_equal_calls_are_one():
    layer = cg.function(lambda x: cg.tanh(x) + 2)
    assert _after(lambda x: layer(x) * layer(x), f32[3]) == ["call[definition=<lambda>]", "multiply"]


@pytest.mark.parametrize(
    ("body", "left"),
    [
        (lambda x: (x, cg.exp(x)), ["call[definition=<lambda>]"]),
        (lambda x: (x, x), []),
        (lambda x: (cg.exp(x), cg.exp(x)), ["call[definition=<lambda>]"]),
        (lambda x: (1 * x, negative(negative(x))), []),
    ],
)
def test_callers_keep_what_callees_would_only_return(body, left):
    f = cg.function(body)
    term = cg.trace(lambda x: f(x), f64[3])
    simple = simplify(term)
    assert _shown(simple) == left
    assert all(len(d.term.target_types) == 1 for d in simple.definitions)
    x = np.arange(3.0)
    _same(cg.interpret(simple, x), cg.interpret(term, x))


def test_the_boundary_stays_as_it_was():
    term = cg.trace(lambda p, y: {"a": (p["w"] * 1, y), "b": p["w"]}, {"w": f32[3]}, f32[()])
    simple = simplify(term)
    assert (simple.type, simple.input_names, simple.name) == (term.type, term.input_names, term.name)


@few
@given(programs(), st.integers(0, 9))
def test_values_stay(f, seed):
    term, x = cg.trace(f, *f.types), f.arrays(seed)
    simple = simplify(term)
    cg.check(simple)
    assert is_monogamous(simple.graph)
    _same(cg.interpret(simple, *x), cg.interpret(term, *x))
    assert sum(_all(simple).values()) <= sum(_all(term).values())


@few
@given(programs(), st.integers(0, 9))
def test_values_of_gradients_stay(f, seed):
    term, x = cg.trace(cg.value_and_grad(f.scalar), *f.types), f.arrays(seed)
    simple = simplify(term)
    (value, gradient), (expected, slope) = cg.interpret(simple, *x), cg.interpret(term, *x)
    _same([value, gradient], [expected, slope])


@few
@given(programs())
def test_simplifying_twice_is_simplifying_once(f):
    everything = inline(cg.trace(f, *f.types), lambda definition: True)
    once = simplify(everything)
    assert is_same(simplify(once), once)


@few
@given(programs())
def test_no_operation_is_done_twice(f):
    simple = simplify(inline(cg.trace(f, *f.types), lambda definition: True))
    producer = {}
    for step in simple.steps:
        for index, node in enumerate(step.outputs):
            origin = tuple(producer.get(n, n) for n in step.inputs)
            producer[node] = origin[0] if step.operation.op is cg.ops.copy else (step.operation, origin, index)
    done = [producer[s.outputs[0]] for s in simple.steps if s.outputs and s.operation.op is not cg.ops.copy]
    assert len(done) == len(set(done))
