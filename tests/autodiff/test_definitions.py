"""Definitions differentiate to definitions, and what has no cotangent costs nothing."""

from collections import Counter

import numpy as np
import pytest

import catgrad as cg
from catgrad.types import f64

X = np.linspace(-1, 1, 6).reshape(2, 3)


def _operations(term):
    """Count the operations of a term and of its definitions, each once."""
    bodies = (term, *(d.term for d in term.definitions))
    return Counter(step.operation.op.name for body in bodies for step in body.steps)


def _names(term):
    return sorted(d.name for d in term.definitions)


def _deep(layer, count):
    def model(x, w):
        for _ in range(count):
            x = layer(x, w)
        return cg.sum(x)

    return model


def _layer():
    @cg.function
    def layer(x, w):
        return cg.tanh(x @ w)

    return layer


@pytest.mark.parametrize("count", [2, 200])
def test_a_shared_layer_has_one_forward_and_one_reverse(count):
    term = cg.trace(cg.vjp(_deep(_layer(), count)), f64[2, 3], f64[3, 3], f64[()])
    assert _names(term) == ["layer.fwd", "layer.rev"]
    calls = Counter(s.operation.keywords["definition"].name for s in term.steps if s.operation.op.name == "call")
    assert calls == {"layer.fwd": count, "layer.rev": count}
    cg.check(term)


def test_the_first_layer_may_need_less():
    """With respect to the weights alone, the first layer's input has no cotangent: that is another derivative."""
    term = cg.trace(cg.grad(_deep(_layer(), 200), wrt=1), f64[2, 3], f64[3, 3])
    assert _names(term) == ["layer.fwd", "layer.fwd", "layer.rev", "layer.rev"]


def test_gradients_through_definitions_are_those_of_the_bodies():
    w = np.random.default_rng(0).normal(size=(3, 3))
    with_calls = cg.grad(_deep(_layer(), 5), wrt=(0, 1))(X, w)
    without = cg.grad(_deep(lambda x, w: cg.tanh(x @ w), 5), wrt=(0, 1))(X, w)
    for a, b in zip(with_calls, without, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13)


def test_definitions_inside_definitions():
    @cg.function
    def inner(x):
        return cg.sin(x)

    @cg.function
    def outer(x):
        return inner(inner(x)) * x

    term = cg.trace(cg.grad(lambda x: cg.sum(outer(outer(x)))), f64[2, 3])
    assert _names(term) == ["inner.fwd", "inner.rev", "outer.fwd", "outer.rev"]
    f = lambda x: np.sin(np.sin(x)) * x  # noqa: E731
    high, low = f(f(X + 1e-6)), f(f(X - 1e-6))
    np.testing.assert_allclose(cg.interpret(term, X), (high - low) / 2e-6, rtol=1e-7)


def test_second_derivatives_share_definitions_too():
    layer = cg.function(lambda x: cg.tanh(x))
    slope = lambda x: cg.sum(cg.grad(lambda y: cg.sum(layer(layer(layer(y)))))(x))  # noqa: E731
    term = cg.trace(cg.grad(slope), f64[2, 3])
    assert all(count <= 2 for count in Counter(_names(term)).values())
    f = lambda x: np.tanh(np.tanh(np.tanh(x)))  # noqa: E731
    h = 1e-4
    np.testing.assert_allclose(cg.interpret(term, X), (f(X + h) - 2 * f(X) + f(X - h)) / h**2, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("body", "slope"),
    [
        (lambda x: (x * x, cg.argmax(x)), lambda x: 2 * x),
        (lambda x: (x, x), lambda x: np.ones_like(x)),
        (lambda x: (x, cg.constant(1.0, cg.f64)), lambda x: np.ones_like(x)),
        (lambda x: (cg.constant(X), x), lambda x: np.zeros_like(x)),
        (lambda x: (cg.stop_gradient(x) * x, None), lambda x: x),
        (lambda x: (cg.cast(cg.cast(x, cg.i32), cg.f64), x), lambda x: np.zeros_like(x)),
    ],
)
def test_definitions_with_odd_boundaries(body, slope):
    f = cg.function(body)
    gradient = cg.grad(lambda x: cg.sum(f(x)[0]))(X)
    np.testing.assert_allclose(gradient, slope(X))


def test_a_definition_may_ignore_its_arguments():
    ignore = cg.function(lambda x, y: x)
    dx, dy = cg.grad(lambda x, y: cg.sum(ignore(x, cg.exp(y))), wrt=(0, 1))(X, X)
    assert (dx.tolist(), dy.tolist()) == (np.ones_like(X).tolist(), np.zeros_like(X).tolist())


def test_what_is_passive_is_not_differentiated():
    """d(w · exp(sin x)) by w needs neither cos nor exp again, however long the chain in x is."""
    term = cg.trace(cg.grad(lambda w, x: cg.sum(w * cg.exp(cg.sin(x)))), f64[2, 3], f64[2, 3])
    counts = _operations(term)
    assert counts["cos"] == 0
    assert counts["exp"] == counts["sin"] == 1
    assert counts["multiply"] == 2


def test_one_gradient_of_a_product_is_one_product():
    both = _operations(cg.trace(cg.grad(lambda x, w: cg.sum(x @ w), wrt=(0, 1)), f64[2, 3], f64[3, 4]))
    one = _operations(cg.trace(cg.grad(lambda x, w: cg.sum(x @ w), wrt=1), f64[2, 3], f64[3, 4]))
    assert (both["contract"], one["contract"]) == (3, 2)


def test_passive_inputs_of_definitions_give_no_work():
    layer = _layer()
    term = cg.trace(cg.grad(lambda w, x: cg.sum(layer(x, w))), f64[3, 3], f64[2, 3])
    assert _names(term) == ["layer.fwd", "layer.rev"]
    assert _operations(term)["contract"] == 2


def test_linear_operations_save_nothing():
    """The reverse half of a sum takes the cotangent alone: its residual is empty."""
    total = cg.function(lambda x: cg.sum(x, axis=1))
    term = cg.trace(cg.vjp(lambda x: total(x)), f64[2, 3], f64[2])
    reverse = next(d.term for d in term.definitions if d.name.endswith(".rev"))
    assert reverse.source_types == (f64[2],)


def test_only_what_the_rule_uses_is_saved():
    """The reverse half of tanh keeps its result and not its argument."""
    f = cg.function(lambda x: cg.tanh(x + 1))
    term = cg.trace(cg.vjp(lambda x: f(x)), f64[2, 3], f64[2, 3])
    reverse = next(d.term for d in term.definitions if d.name.endswith(".rev"))
    assert reverse.source_types == (f64[2, 3], f64[2, 3])
