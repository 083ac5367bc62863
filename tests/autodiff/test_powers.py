"""Derivatives of x^p of every order: p (p - 1) ... (p - k + 1) x^(p - k), and 0 where that coefficient is 0."""

import numpy as np
import pytest

import catgrad as cg
from catgrad.types import f32, f64

ORDERS = range(6)
POWERS = np.array([0.0, 1.0, 2.0, 3.0, 0.5, 2.5, -1.0, -2.0])
BASES = np.array([0.0, -0.0, 1.5, -1.5, 2.0, 3e-5, 1e-13, -1e-20, 1e-40, 1e-310, -1e5, np.inf, -np.inf, np.nan])
X, P = (np.ascontiguousarray(a) for a in np.meshgrid(BASES, POWERS))


def _expected(order, x, p):
    coefficient = np.prod([p - k for k in range(order)], axis=0) * np.ones_like(x)
    with np.errstate(all="ignore"):
        return np.where(coefficient == 0, 0, coefficient * np.float_power(x, p - order))


def _derivatives(f):
    """Return the function of all derivatives of f by its first argument, each entry by itself."""
    found = [f]
    for _ in ORDERS[1:]:
        found.append(cg.grad(lambda *a, f=found[-1]: cg.sum(f(*a))))
    return lambda *a: tuple(f(*a) for f in found)


def _assert_right(results, dtype):
    x, p = X.astype(dtype.numpy), P.astype(dtype.numpy)
    for order, result in zip(ORDERS, results, strict=True):
        with np.errstate(over="ignore"):
            expected = _expected(order, x.astype(np.float64), p.astype(np.float64)).astype(dtype.numpy)
        tolerance, least = {f32: 1e-6, f64: 1e-14}[dtype], np.finfo(dtype.numpy).smallest_subnormal
        np.testing.assert_allclose(
            np.asarray(result), expected, rtol=tolerance, atol=2 * least, err_msg=f"order {order}"
        )


@pytest.mark.sampled(2)
@pytest.mark.parametrize("dtype", [f32, f64], ids=str)
def test_by_the_base_with_a_constant_exponent(dtype):
    powers = P.astype(dtype.numpy)
    term = cg.trace(_derivatives(lambda x: cg.pow(x, powers)), dtype[X.shape])
    _assert_right(cg.interpret(term, X.astype(dtype.numpy)), dtype)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("run", ["interpreter", "cpu", pytest.param("cuda:emulate", marks=pytest.mark.slow)])
def test_by_the_base_with_an_exponent_that_comes_in(run):
    term = cg.trace(_derivatives(cg.pow), f64[X.shape], f64[P.shape])
    _assert_right(cg.interpret(term, X, P) if run == "interpreter" else cg.compile(term, target=run)(X, P), f64)


def _by(f, *wrt):
    for position in wrt:
        f = cg.grad(lambda *a, f=f: cg.sum(f(*a)), wrt=position)
    return f


def test_by_the_exponent():
    x, p = np.array([2.0, 2.0, np.inf, 0.5, 0.0, -2.0, np.nan]), np.array([0.0, 3.0, -1.0, np.inf, 2.0, 2.0, 2.0])
    first = [np.log(2), 8 * np.log(2), 0.0, 0.0, 0.0, 0.0, np.nan]
    np.testing.assert_allclose(_by(cg.pow, 1)(x, p), first, rtol=1e-15)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_by_the_base_and_the_exponent(order):
    x, p = np.array([2.0, 2.0, 0.25, 1e-20]), np.array([0.0, 3.0, 0.5, 0.0])
    np.testing.assert_allclose(_by(cg.pow, *order)(x, p), x ** (p - 1) * (1 + p * np.log(x)), rtol=1e-14)
