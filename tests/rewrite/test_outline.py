"""Outlining: what is repeated is one definition, values stay, and nothing is cut apart that would be one loop."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from programs import STEPS, few, is_same

import catgrad as cg
from catgrad.ops import call
from catgrad.rewrite import inline, inline_single, outline, simplify
from catgrad.types import f32, f64


def _traced(f, *types):
    return simplify(inline_single(cg.trace(f, *types)))


def _calls(term):
    return [step.operation.keywords["definition"] for step in term.steps if step.operation.op is call]


def _assert_equal(term, *arrays):
    """Assert that the outlined term is well typed and has the same values; return it."""
    driver = outline(term)
    cg.check(driver.term)
    assert is_same(simplify(inline(driver.term, lambda definition: True)), term)
    for new, old in zip(cg.interpret(driver.term, *arrays), cg.interpret(term, *arrays), strict=True):
        np.testing.assert_array_equal(new, old)
    return driver


@few
@given(st.lists(st.sampled_from(list(STEPS)), min_size=1, max_size=5), st.integers(8, 12), st.integers(0, 9))
def test_values_stay(plan, depth, seed):
    def f(x, weights):
        shown = []
        for weight in weights:
            for step in plan:
                x = STEPS[step](x, weight)
            x = cg.tanh(cg.sum(x) + weight @ weight)
            shown.append(cg.sum(x))
        return tuple(shown)

    rng = np.random.default_rng(seed)
    x, weights = rng.uniform(-1, 1, (3, 3)), tuple(rng.uniform(-1, 1, (depth, 3, 3)))
    _assert_equal(_traced(f, f64[3, 3], (f64[3, 3],) * depth), x, weights)


@pytest.mark.parametrize("depth", [16, 64])
def test_layers_are_calls_of_one_definition(depth):
    def f(x, weights):
        for weight in weights:
            x = cg.relu(x @ weight) + 1
        return x

    term = _traced(f, f32[4, 4], (f32[4, 4],) * depth)
    driver, parts = outline(term)
    assert len(parts) == 1
    assert _calls(driver) == list(parts) * depth
    (part,) = parts
    assert [step.operation.op.name for step in part.term.steps if step.operation.op.name == "contract"] == ["contract"]


def test_a_layer_that_is_a_definition_stays_that():
    @cg.function
    def layer(x, weight):
        return cg.relu(x @ weight)

    def f(x, weights):
        for weight in weights:
            x = layer(x, weight)
        return cg.mean(x)

    _, parts = outline(_traced(f, f32[4, 4], (f32[4, 4],) * 9))
    assert {part.name for part in parts} == {"f.part", "layer"}


def test_a_training_step_has_as_many_operations_for_each_layer_as_calls():
    def loss(weights, x):
        for weight in weights:
            x = cg.tanh(x @ weight)
        return cg.sum(x)

    def step(weights, x):
        return tuple(w - 0.1 * d for w, d in zip(weights, cg.grad(loss)(weights, x), strict=True))

    def calls(depth):
        return len(_calls(outline(_traced(step, (f32[4, 4],) * depth, f32[4, 4])).term))

    assert calls(40) - calls(20) == 2 * 20


def test_loops_that_would_be_one_stay_together():
    def polynomial(x, coefficients):
        total = coefficients[0]
        for coefficient in coefficients[1:]:
            total = total * x + coefficient
        return total

    def branches(xs):
        return tuple(cg.tanh(cg.exp(x) * 2) for x in xs)

    for f, *types in ((polynomial, f32[4], (f32[4],) * 20), (branches, (f32[4],) * 20)):
        term = _traced(f, *types)
        assert outline(term) == (term, frozenset())


def test_what_is_not_repeated_is_a_call_as_well():
    def f(x, weights):
        x = cg.softmax(x)
        for weight in weights:
            x = cg.tanh(x @ weight)
        return cg.max(x, axis=0), x

    rng = np.random.default_rng(0)
    term = _traced(f, f64[4, 4], (f64[4, 4],) * 10)
    driver = _assert_equal(term, rng.uniform(size=(4, 4)), tuple(rng.uniform(size=(10, 4, 4))))
    assert {step.operation.op.name for step in driver.term.steps} == {"call", "copy"}
    assert len(driver.parts) == 3


def test_literals_are_made_where_they_are_used():
    def f(x, weights):
        shown = []
        for weight in weights:
            x = x @ weight * 0.5
            shown.append(cg.where(x > 0.25, x, 0.125))
        return tuple(shown), cg.zeros((2,))

    rng = np.random.default_rng(0)
    term = _traced(f, f64[3, 3], (f64[3, 3],) * 10)
    driver = _assert_equal(term, rng.uniform(-1, 1, (3, 3)), tuple(rng.uniform(-1, 1, (10, 3, 3))))
    assert all(type.shape == (3, 3) for part in driver.parts for type in part.term.source_types)


def test_symbols_and_locations_stay():
    B = cg.dim("B")

    def f(x, weights):
        for weight in weights:
            x = cg.tanh(x @ weight)
        return x

    term = _traced(f, f32[B, 4], (f32[4, 4],) * 10)
    driver, parts = outline(term)
    assert driver.symbols == term.symbols == (B,)
    places = {step.location for part in parts for step in part.term.steps}
    assert places == {step.location for step in term.steps if step.location is not None}
    assert {step.location for step in driver.steps if step.operation.op is call} <= places
