"""Subgradients by convention: derivatives at kinks, ties and poles."""

import numpy as np
import pytest

import catgrad as cg


def _grad(f, *x, wrt=0):
    return cg.grad(lambda *a: cg.sum(f(*a)), wrt=wrt)(*(np.asarray(v, np.float64) for v in x))


@pytest.mark.parametrize("op", [cg.maximum, cg.minimum])
def test_ties_of_pairs_split_evenly(op):
    dx, dy = _grad(op, [1.0, 2.0, 3.0], [2.0, 2.0, 2.0], wrt=(0, 1))
    chosen = [0.0, 0.5, 1.0] if op is cg.maximum else [1.0, 0.5, 0.0]
    assert dx.tolist() == chosen
    assert dy.tolist() == [1 - c for c in chosen]


@pytest.mark.parametrize("op", [cg.max, cg.min])
def test_ties_of_reductions_split_evenly(op):
    sign = 1 if op is cg.max else -1
    x = sign * np.array([[1.0, 3.0, 3.0, 2.0], [5.0, 5.0, 5.0, 5.0], [0.0, 1.0, 2.0, 3.0]])
    assert _grad(lambda x: op(x, axis=1), x).tolist() == [[0, 0.5, 0.5, 0], [0.25] * 4, [0, 0, 0, 1]]
    assert _grad(op, np.full((2, 3), 7.0)).tolist() == [[1 / 6] * 3] * 2


def test_abs_and_relu_take_zero_at_zero():
    assert _grad(cg.abs, [-2.0, -0.0, 0.0, 2.0]).tolist() == [-1.0, 0.0, 0.0, 1.0]
    assert _grad(cg.relu, [-2.0, -0.0, 0.0, 2.0]).tolist() == [0.0, 0.0, 0.0, 1.0]


def test_clip_splits_at_its_bounds():
    assert _grad(lambda x: cg.clip(x, -1, 1), [-2.0, -1.0, 0.0, 1.0, 2.0]).tolist() == [0.0, 0.5, 1.0, 0.5, 0.0]


def test_where_sends_the_cotangent_to_the_chosen_side():
    mask, x, y = np.array([True, False]), np.array([1.0, 2.0]), np.array([3.0, 4.0])
    _, (dm, dx, dy) = cg.vjp(cg.where)(mask, x, y, np.array([5.0, 6.0]))
    assert dm is None
    assert (dx.tolist(), dy.tolist()) == ([5.0, 0.0], [0.0, 6.0])


def test_where_keeps_the_other_side_out():
    """The double where: the gradient is finite although the branch that is not taken is not."""
    safe = lambda x: cg.where(x > 0, cg.log(cg.where(x > 0, x, 1)), 0)  # noqa: E731
    assert _grad(safe, [0.0, 2.0]).tolist() == [0.0, 0.5]


def test_pow_at_zero_and_below():
    x, y = [0.0, 0.0, 0.0, -2.0, -2.0, 2.0], [0.0, 1.0, 2.0, 2.0, 3.0, -1.0]
    dx, dy = _grad(cg.pow, x, y, wrt=(0, 1))
    np.testing.assert_allclose(dx, [0.0, 1.0, 0.0, -4.0, 12.0, -0.25])
    np.testing.assert_allclose(dy, [0.0, 0.0, 0.0, 0.0, 0.0, 0.5 * np.log(2)])


@pytest.mark.parametrize("x", [0.5, -0.5, 3.0])
def test_remainder_moves_with_its_divisor(x):
    dx, dy = _grad(cg.remainder, [x], [2.0], wrt=(0, 1))
    assert (dx.item(), dy.item()) == (1.0, -np.floor(x / 2.0))


@pytest.mark.parametrize("through", [cg.i32, cg.i64, cg.bool_], ids=str)
def test_nothing_passes_through_integers(through):
    f = lambda x: cg.cast(cg.cast(x, through), cg.f64) * x  # noqa: E731
    x = np.array([1.0, 2.0, 0.0])
    np.testing.assert_array_equal(_grad(f, x), np.asarray(cg.cast(x, through), np.float64))


def test_casts_between_floats_pass_the_cotangent_back():
    for narrow in (cg.f16, cg.bf16, cg.f32):
        assert _grad(lambda x, d=narrow: cg.cast(cg.cast(x, d) * 2, cg.f64), [1.0, 2.0]).tolist() == [2.0, 2.0]


def test_stop_gradient_stops():
    assert _grad(lambda x: x * cg.stop_gradient(x), [2.0, 3.0]).tolist() == [2.0, 3.0]


@pytest.mark.parametrize(
    ("spec", "x", "y"),
    [("ij,kj->", (3, 4), (2, 4)), ("ij,k->k", (3, 4), (2,)), ("ij,k->", (3, 4), (2,)), ("ijk,l->lk", (2, 3, 4), (5,))],
)
def test_indices_of_one_operand_alone_are_repeated(spec, x, y):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=x), rng.normal(size=y)
    dx, dy = _grad(lambda x, y: cg.sin(cg.contract(spec, x, y)), x, y, wrt=(0, 1))
    first, second, out = cg.ops.parse_spec(spec)
    dz = np.cos(np.einsum(spec, x, y))
    ones = {**dict(zip(first, x.shape, strict=True)), **dict(zip(second, y.shape, strict=True))}
    for given, indices, other, others in ((dx, first, y, second), (dy, second, x, first)):
        full = np.ones([ones[i] for i in indices])
        expected = np.einsum(f"{out},{others},{indices}->{indices}", dz, other, full)
        np.testing.assert_allclose(given, expected, rtol=1e-12)


@pytest.mark.parametrize(("shape", "axis"), [((0, 3), 0), ((3, 0), 1), ((0,), None)])
def test_empty_arrays_have_empty_gradients(shape, axis):
    assert _grad(lambda x: cg.sum(cg.exp(x), axis=axis), np.zeros(shape)).shape == shape


def test_saturated_functions_have_zero_slope():
    x = [-1000.0, 1000.0]
    assert _grad(cg.sigmoid, x).tolist() == [0.0, 0.0]
    assert _grad(cg.tanh, x).tolist() == [0.0, 0.0]
    assert _grad(cg.softplus, x).tolist() == [0.0, 1.0]
    assert np.isfinite(_grad(lambda x: cg.softmax(x) * x, x)).all()
    assert np.isfinite(_grad(lambda x: cg.log_softmax(x), x)).all()
