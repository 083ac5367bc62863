"""vjp, grad and value_and_grad as users call them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import catgrad as cg
from catgrad.errors import CatgradError, TypeCheckError
from catgrad.types import f32, f64

V = np.array([1.0, 2.0, 3.0])


@dataclass
class Pair:
    second: Any
    first: Any


def _square(x):
    return cg.sum(x * x)


def test_wrt_one_argument():
    f = lambda x, y: cg.sum(x * x * y)  # noqa: E731
    assert cg.grad(f)(V, V).tolist() == (2 * V * V).tolist()
    assert cg.grad(f, wrt=1)(V, V).tolist() == (V * V).tolist()
    assert cg.grad(f, wrt=-1)(V, V).tolist() == (V * V).tolist()
    assert cg.grad(f, wrt=np.int64(1))(V, V).tolist() == (V * V).tolist()


def test_wrt_several_arguments_in_the_order_asked_for():
    f = lambda x, y: cg.sum(x * x * y)  # noqa: E731
    dy, dx = cg.grad(f, wrt=(1, 0))(V, V)
    assert (dx.tolist(), dy.tolist()) == ((2 * V * V).tolist(), (V * V).tolist())
    assert cg.value_and_grad(f, wrt=[0])(V, V)[1][0].tolist() == (2 * V * V).tolist()
    assert cg.value_and_grad(f, wrt=())(V, V) == (36.0, ())


def test_wrt_a_nested_argument():
    f = lambda p, y: cg.sum(p["a"] * p["b"][0]) + cg.sum(p["c"].first * y)  # noqa: E731
    gradient = cg.grad(f)({"a": V, "b": [2 * V, V, None], "c": Pair(V, V)}, 3 * V)
    assert gradient["a"].tolist() == (2 * V).tolist()
    assert [None if g is None else g.tolist() for g in gradient["b"]] == [V.tolist(), [0.0] * 3, None]
    assert isinstance(gradient["c"], Pair)
    assert (gradient["c"].first.tolist(), gradient["c"].second.tolist()) == ((3 * V).tolist(), [0.0] * 3)


@pytest.mark.parametrize("wrt", [1, -2, (0, 3)])
def test_an_argument_that_is_not_there(wrt):
    with pytest.raises(CatgradError, match=r"grad\(_square\): there is no argument"):
        cg.grad(_square, wrt=wrt)(V)


@pytest.mark.parametrize("wrt", ["a", 1.0, None, ("x",), {}.get])
def test_what_is_no_position(wrt):
    with pytest.raises(CatgradError, match="wrt is the position of an argument"):
        cg.grad(_square, wrt=wrt)


@pytest.mark.parametrize("wrt", [(0, 0), (0, -2)])
def test_an_argument_named_twice(wrt):
    with pytest.raises(CatgradError, match="wrt names an argument twice"):
        cg.grad(lambda x, y: cg.sum(x * y), wrt=wrt)(V, V)


def test_integers_have_no_gradient():
    with pytest.raises(TypeCheckError, match=r"k is i64\[1\], which has no gradient"):
        cg.grad(lambda x, k: _square(x), wrt=1)(V, np.array([1]))
    with pytest.raises(TypeCheckError, match=r"p\['b'\] is i64\[1\], which has no gradient"):
        cg.grad(lambda p: _square(p["a"]))({"a": V, "b": np.array([1])})


@pytest.mark.parametrize(
    ("f", "returned"),
    [
        (lambda x: x, r"f64\[3\]"),
        (lambda x: cg.argmax(x), r"i32\[\]"),
        (lambda x: None, "nothing"),
        (lambda x: (cg.sum(x), cg.sum(x)), r"f64\[\], f64\[\]"),
    ],
)
def test_the_gradient_is_of_one_float(f, returned):
    with pytest.raises(TypeCheckError, match=f"the gradient is of a float scalar; <lambda> returns {returned}"):
        cg.grad(f)(V)


def test_functions_without_anything_to_differentiate():
    assert cg.grad(lambda x: cg.constant(1.0))(V).tolist() == [0.0] * 3
    assert cg.grad(lambda x: x)(np.float64(3)).tolist() == 1.0
    assert cg.vjp(lambda: cg.ones((2,)))(np.ones(2, np.float32))[1] == ()
    assert cg.vjp(lambda x: None)(V, None)[1][0].tolist() == [0.0] * 3


def test_vjp_keeps_results_and_the_nesting_of_both_sides():
    f = lambda p, k: {"y": (p["a"] * 2, k), "x": p["a"] + 1}  # noqa: E731
    result, (dp, dk) = cg.vjp(f)({"a": V}, np.array([7]), {"y": (V, None), "x": V})
    assert (result["y"][0].tolist(), result["y"][1].tolist()) == ((2 * V).tolist(), [7])
    assert dp["a"].tolist() == (3 * V).tolist()
    assert dk is None


def test_vjp_of_an_argument_returned_several_times():
    _, (dx,) = cg.vjp(lambda x: (x, x, x))(V, (V, 2 * V, 3 * V))
    assert dx.tolist() == (6 * V).tolist()


@pytest.mark.parametrize(
    "dy", [np.float64(1), V.astype(np.float32), (V,), None], ids=["shape", "dtype", "nested", "none"]
)
def test_cotangents_have_the_types_of_the_results(dy):
    with pytest.raises(TypeCheckError, match=r"the results' cotangents are f64\[3\], given"):
        cg.vjp(lambda x: x * 2)(V, dy)


def test_vjp_without_cotangents():
    with pytest.raises(CatgradError, match="missing a required argument"):
        cg.vjp(lambda x: x * 2)(V)


def test_terms_are_transformed_into_terms():
    term = cg.trace(_square, f64[3])
    for made in (
        cg.grad(term),
        cg.value_and_grad(term),
        cg.vjp(term),
        cg.grad(cg.grad(cg.trace(lambda x: x * x, f64[()]))),
    ):
        assert isinstance(made, cg.Term)
        cg.check(made)
    assert cg.interpret(cg.grad(term), V).tolist() == (2 * V).tolist()
    assert cg.vjp(term).type == "(f64[3], f64[]) -> f64[], (f64[3])"


def test_transformed_functions_are_traced_like_any_other():
    b = cg.dim("B")
    term = cg.trace(cg.grad(lambda x: cg.mean(cg.exp(x))), f32[b, 3])
    assert term.type == "(f32[B, 3]) -> f32[B, 3]"
    for size in (1, 4):
        x = np.zeros((size, 3), np.float32)
        np.testing.assert_allclose(cg.interpret(term, x), np.full((size, 3), 1 / (3 * size)), rtol=1e-6)


def test_higher_orders():
    f = lambda x: x * x * x * x  # noqa: E731
    orders = [f]
    for _ in range(4):
        orders.append(cg.grad(orders[-1]))
    assert [float(cg.function(g)(np.float64(2))) if g is f else float(g(np.float64(2))) for g in orders] == [
        16,
        32,
        48,
        48,
        24,
    ]


def test_gradients_inside_functions_that_are_traced():
    def newton(x):
        return x - cg.grad(_square)(x) / 2

    assert cg.function(newton)(V).tolist() == [0.0] * 3


def test_locations_survive_differentiation():
    def f(x):
        return cg.sum(cg.tanh(x))

    term = cg.trace(cg.grad(f), f64[3])
    lines = {str(s.operation): s.location.line for s in term.steps if s.location}
    assert lines["tanh"] == lines["sum[axes=(0,)]"] == f.__code__.co_firstlineno + 1
