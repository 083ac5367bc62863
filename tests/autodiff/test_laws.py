"""The axioms of reverse derivative categories, on random smooth programs.

Reference: Cockett et al., "Reverse derivative categories" (2019), arXiv:1910.07065.
"""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from programs import SMOOTH, few, programs

import catgrad as cg

smooth = programs(tuple(SMOOTH), max_steps=6)
seeds = st.integers(0, 99)
fewer = settings(few, max_examples=6)


def _like(values, seed):
    rng = np.random.default_rng(seed)
    return tuple(rng.normal(size=np.shape(v)) for v in values)


def _vjp(f, x, dy):
    return cg.vjp(f)(*x, dy)[1]


def _close(first, second, tolerance=1e-9):
    assert len(first) == len(second)
    for a, b in zip(first, second, strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


def _inner(first, second):
    return sum(np.sum(a * b) for a, b in zip(first, second, strict=True))


@few
@given(smooth, seeds)
def test_the_cotangent_is_used_linearly(f, seed):
    x = f.arrays(seed)
    y = cg.function(f)(*x)
    a, b = _like(y, seed + 1), _like(y, seed + 2)
    both = tuple(2 * p + q for p, q in zip(a, b, strict=True))
    _close(_vjp(f, x, both), [2 * p + q for p, q in zip(_vjp(f, x, a), _vjp(f, x, b), strict=True)])
    _close(_vjp(f, x, tuple(0 * p for p in a)), [np.zeros_like(v) for v in x])


@few
@given(smooth, st.integers(0, 7), seeds)
def test_the_chain_rule(f, cut, seed):
    """R[f; g](x, dz) = R[f](x, R[g](f(x), dz)), for a program cut anywhere."""
    x = f.arrays(seed)
    first = type(f)(f.types, f.plan[:cut], tuple(range(len(f.types) + len(f.plan[:cut]))))
    y = cg.function(first)(*x)
    middle = tuple(cg.ops.typeof(v) for v in y)
    second = type(f)(middle, f.plan[cut:], f.results)
    dz = _like(cg.function(f)(*x), seed + 1)
    _close(_vjp(f, x, dz), _vjp(first, x, _vjp(second, y, dz)))


@few
@given(smooth, seeds)
def test_copies_add(f, seed):
    """Using an argument twice adds its cotangents; discarding it gives zero."""
    x = f.arrays(seed)
    dy = _like(cg.function(f)(*x), seed + 1)
    once = _vjp(f, x, dy)
    _close(_vjp(lambda *x: (f(*x), f(*x)), x, (dy, dy)), [2 * d for d in once])
    spare = np.ones((2, 2))
    _close(_vjp(lambda *x: f(*x[:-1]), (*x, spare), dy), [*once, np.zeros_like(spare)])


@few
@given(smooth, smooth, seeds)
def test_functions_side_by_side(f, g, seed):
    """R[f ● g] = R[f] ● R[g], with every other projection zero."""
    x, y = f.arrays(seed), g.arrays(seed + 1)
    dx, dy = (_like(cg.function(h)(*a), seed + 2) for h, a in ((f, x), (g, y)))
    together = _vjp(lambda *a: (f(*a[: len(x)]), g(*a[len(x) :])), (*x, *y), (dx, dy))
    _close(together, [*_vjp(f, x, dx), *_vjp(g, y, dy)])


@few
@given(smooth, seeds)
def test_the_gradient_is_that_of_finite_differences(f, seed):
    x = f.arrays(seed)
    v = _like(x, seed + 1)
    value, gradient = cg.value_and_grad(f.scalar, wrt=range(len(x)))(*x)
    high, low = (cg.function(f.scalar)(*(a + s * d for a, d in zip(x, v, strict=True))) for s in (1e-5, -1e-5))
    np.testing.assert_allclose(value, cg.function(f.scalar)(*x))
    np.testing.assert_allclose(_inner(gradient, v), (high - low) / 2e-5, rtol=1e-6, atol=1e-7)


@fewer
@given(smooth, seeds)
def test_second_derivatives_are_symmetric(f, seed):
    """<u, H v> = <v, H u>, where H v is the gradient of <grad f, v>."""
    x = f.arrays(seed)
    u, v = _like(x, seed + 1), _like(x, seed + 2)
    everything = tuple(range(len(x)))

    def hessian_times(direction):
        def slope(*x):
            parts = cg.grad(f.scalar, wrt=everything)(*x)
            return sum((cg.sum(g * d) for g, d in zip(parts, direction, strict=True)), cg.constant(0.0, cg.f64))

        return cg.grad(slope, wrt=everything)(*x)

    np.testing.assert_allclose(_inner(u, hessian_times(v)), _inner(v, hessian_times(u)), rtol=1e-8, atol=1e-9)


@fewer
@given(smooth, seeds)
def test_derivatives_type_check_and_keep_the_results(f, seed):
    x = f.arrays(seed)
    term = cg.trace(f, *f.types)
    pulled = cg.vjp(term)
    cg.check(pulled)
    dy = _like(cg.interpret(term, *x), seed + 1)
    _close(cg.interpret(pulled, *x, dy)[0], cg.interpret(term, *x))
