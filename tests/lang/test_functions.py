"""Functions written in the core operations, against scipy and at the extremes."""

import numpy as np
import pytest
import scipy.special

import catgrad as cg
from catgrad import nn
from catgrad.errors import CatgradError, TypeCheckError

X = np.random.default_rng(0).normal(size=(3, 4)) * 3

EXPECTED = {
    "square": (cg.square, np.square),
    "reciprocal": (cg.reciprocal, np.reciprocal),
    "relu": (cg.relu, lambda x: np.maximum(x, 0)),
    "silu": (cg.silu, lambda x: x * scipy.special.expit(x)),
    "softplus": (cg.softplus, lambda x: np.logaddexp(x, 0)),
    "gelu": (cg.gelu, lambda x: x * scipy.special.ndtr(x)),
    "gelu tanh": (
        lambda x: cg.gelu(x, approximate="tanh"),
        lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
    ),
    "clip": (lambda x: cg.clip(x, -1, 2), lambda x: np.clip(x, -1, 2)),
    "softmax": (cg.softmax, lambda x: scipy.special.softmax(x, axis=-1)),
    "softmax 0": (lambda x: cg.softmax(x, axis=0), lambda x: scipy.special.softmax(x, axis=0)),
    "log_softmax": (cg.log_softmax, lambda x: scipy.special.log_softmax(x, axis=-1)),
    "logsumexp": (cg.logsumexp, scipy.special.logsumexp),
    "logsumexp 1": (
        lambda x: cg.logsumexp(x, axis=1, keepdims=True),
        lambda x: scipy.special.logsumexp(x, 1, keepdims=True),
    ),
    "mean": (cg.mean, np.mean),
    "mean 0": (lambda x: cg.mean(x, axis=0, keepdims=True), lambda x: np.mean(x, axis=0, keepdims=True)),
    "mean 01": (lambda x: cg.mean(x, axis=(-1, 0)), np.mean),
    "mean of none": (lambda x: cg.mean(x, axis=()), lambda x: x),
    "any": (lambda x: cg.any(x > 4, axis=1), lambda x: np.any(x > 4, axis=1)),
    "all": (lambda x: cg.all(x > -1, axis=0), lambda x: np.all(x > -1, axis=0)),
    "mse": (lambda x: nn.mse(x, 2 * x), lambda x: np.mean(x * x)),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_values(name):
    f, expected = EXPECTED[name]
    np.testing.assert_allclose(f(X), expected(X), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", EXPECTED)
def test_tracing_them_type_checks_and_agrees(name):
    f = EXPECTED[name][0]
    term = cg.trace(f, cg.f64[cg.dim("B"), 4])
    cg.check(term)
    np.testing.assert_array_equal(cg.interpret(term, X), f(X))


@pytest.mark.parametrize("f", [cg.softmax, cg.log_softmax, cg.softplus, cg.logsumexp, cg.silu, cg.gelu, cg.sigmoid])
def test_large_arguments_do_not_overflow(f):
    for value in (1e4, -1e4):
        x = np.full(3, value, np.float32)
        with np.errstate(all="raise", under="ignore"):
            assert np.isfinite(f(x)).all()
        assert np.isfinite(cg.grad(lambda x: cg.sum(f(x)))(x)).all()


def test_softmax_of_equal_infinities_is_nan_and_of_one_is_certain():
    assert cg.softmax(np.array([-np.inf, 0.0])).tolist() == [0.0, 1.0]
    assert np.isnan(cg.softmax(np.array([np.inf, np.inf]))).all()


def test_relu_keeps_nan():
    assert np.isnan(cg.relu(np.array([np.nan]))).all()


def test_gelu_has_two_forms():
    with pytest.raises(CatgradError, match="approximate is"):
        cg.gelu(X, approximate="fast")


def test_means_are_of_floats():
    with pytest.raises(TypeCheckError, match=r"^mean: divide is defined for .*cg\.cast\(x, cg\.f32\)"):
        cg.mean(np.arange(3))


def test_means_of_symbolic_extents_divide_by_the_size():
    b = cg.dim("B")
    term = cg.trace(lambda x: cg.mean(x, axis=(0, 1)), cg.f64[b, 2 * b, 3])
    x = np.random.default_rng(1).normal(size=(2, 4, 3))
    np.testing.assert_allclose(cg.interpret(term, x), x.mean((0, 1)))


def test_of_nothing_none_is_true_and_every_one_is():
    nothing = np.zeros((2, 0, 3), bool)
    assert (cg.any(nothing).item(), cg.all(nothing).item()) == (False, True)
    assert cg.any(nothing, axis=1, keepdims=True).tolist() == [[[False] * 3]] * 2
    assert cg.all(nothing, axis=(0, 1)).tolist() == [True] * 3
    b = cg.dim("B")
    both = cg.compile(lambda x: (cg.any(x, axis=0), cg.all(x, axis=0)), cg.bool_[b, 2])
    for x in (np.zeros((0, 2), bool), np.array([[True, False]])):
        assert [y.tolist() for y in both(x)] == [np.any(x, axis=0).tolist(), np.all(x, axis=0).tolist()]


@pytest.mark.parametrize("dtype", [np.int32, np.float16, np.float64])
def test_numbers_are_true_unless_they_are_zero(dtype):
    x = np.array([[0, 2], [-1, 3], [0, 0]], dtype)
    assert cg.any(x, axis=1).tolist() == [True, True, False]
    assert cg.all(x, axis=1).tolist() == [False, True, False]
