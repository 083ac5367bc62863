"""Every composite at zeros, infinities, NaN, tiny and huge values: value, first and second derivative.

What is expected are closed forms in f64, with their limits where they are 0 · inf. All functions of one dtype are one
program, which is interpreted, compiled for the CPU, and run by the emulated GPU.
"""

from functools import cache

import numpy as np
import pytest
from scipy.special import expit, ndtr

import catgrad as cg
from catgrad.types import bf16, f16, f32, f64

EPSILON = {f16: 2.0**-10, bf16: 2.0**-7, f32: 2.0**-23, f64: 2.0**-52}
HUGE = {f16: 3e4, bf16: 1e38, f32: 1e38, f64: 5e307}
MAGNITUDES = (0.0, 2.0**-24, 1e-3, 0.5, 1.0, 3.7, 9.0, 20.0, 300.0, 1e4, np.inf)

QUICK = {(f64, "interpreter"), (bf16, "interpreter"), (f32, "cpu")}
EVERY = [
    pytest.param(dtype, run, id=f"{dtype}-{run}", marks=[] if (dtype, run) in QUICK else pytest.mark.slow)
    for dtype in EPSILON
    for run in ("interpreter", "cpu", "cuda:emulate")
]


def points(dtype):
    """Return the values at which functions of one variable are taken."""
    positive = np.array([*MAGNITUDES, HUGE[dtype]])
    return np.concatenate([positive, -positive, [np.nan]]).astype(dtype.numpy)


# Functions of one variable: f, and its value, first and second derivative in f64.


def _square(x):
    return x * x, 2 * x, np.full_like(x, 2)


def _reciprocal(x):
    return 1 / x, -1 / (x * x), 2 / (x * x * x)


def _relu(x):
    return np.maximum(x, 0), np.where(np.isnan(x), 1, x > 0), 0 * np.ones_like(x)


def _clip(x):
    inside = np.where(np.abs(x) == 0.5, 0.5, np.abs(x) < 0.5)
    return np.clip(x, -0.5, 0.5), inside, np.zeros_like(x)


def _bounded(x):
    """Return the argument of a derivative that has reached its limit long before."""
    return np.clip(x, -700, 700)


def _product(x, phi):
    """Return x · phi, which is 0 where phi is."""
    return np.where(phi == 0, 0, x) * phi


def _silu(x):
    y, s = _bounded(x), expit(_bounded(x))
    return _product(x, expit(x)), s + y * s * expit(-y), s * expit(-y) * (2 + y * (1 - 2 * s))


def _softplus(x):
    return np.logaddexp(x, 0), expit(x), expit(x) * expit(-x)


def _gelu(x):
    y = _bounded(x)
    phi, density = ndtr(y), np.exp(-y * y / 2) / np.sqrt(2 * np.pi)
    return _product(x, phi), phi + y * density, density * (2 - y * y)


def _gelu_tanh(x):
    y, k, a = _bounded(x), np.sqrt(2 / np.pi), 0.044715
    u, du, ddu = k * (y + a * y**3), k * (1 + 3 * a * y * y), 6 * k * a * y
    phi, t = expit(2 * u), np.tanh(u)
    s = 4 * expit(2 * u) * expit(-2 * u)
    return _product(x, phi), phi + y * s * du / 2, s * du + y * (s * ddu - 2 * t * s * du * du) / 2


def _power(p):
    """Return the derivatives of x^p: a coefficient that is 0 makes them 0 everywhere."""

    def derivatives(x):
        coefficients = 1.0, p, p * (p - 1)
        return [c * np.float_power(x, p - k) if c else np.zeros_like(x) for k, c in enumerate(coefficients)]

    return derivatives


ENTRYWISE = {
    "square": (cg.square, _square),
    "reciprocal": (cg.reciprocal, _reciprocal),
    "relu": (cg.relu, _relu),
    "clip": (lambda x: cg.clip(x, -0.5, 0.5), _clip),
    "silu": (cg.silu, _silu),
    "softplus": (cg.softplus, _softplus),
    "gelu": (cg.gelu, _gelu),
    "gelu tanh": (lambda x: cg.gelu(x, approximate="tanh"), _gelu_tanh),
    **{f"power {p}": (lambda x, p=p: x**p, _power(p)) for p in (0.0, 2.0, 0.5, -1.0)},
}


# Functions of rows, weighted with C, and their Hessians applied to W.

C, W = np.array([1.0, 2.0, 3.0]), np.array([1.0, -1.0, 2.0])


def rows(dtype):
    """Return rows of three in which something is extreme."""
    big, inf, nan = HUGE[dtype], np.inf, np.nan
    return np.array([
        [0, -0.0, 0],
        [1, 2, -inf],
        [-inf, 0.5, -inf],
        [-inf, -inf, -inf],
        [inf, 1, 2],
        [inf, -inf, inf],
        [1, nan, 0],
        [1e4, -1e4, 0],
        [big, big, -big],
        [5, 3, 4],
    ]).astype(dtype.numpy)  # fmt: skip


def _mean(x):
    return x.mean(-1, keepdims=True), np.full_like(x, 1 / 3), np.zeros_like(x)


def _softmax_and_change(x):
    """Return softmax, and its derivative along W; NaN where the largest is infinite."""
    with np.errstate(all="ignore"):
        p = np.exp(x - x.max(-1, keepdims=True))
        p = p / p.sum(-1, keepdims=True)
    return p, p * (W - (p * W).sum(-1, keepdims=True))


def _softmax(x):
    p, dp = _softmax_and_change(x)
    q = C - (p * C).sum(-1, keepdims=True)
    return p, p * q, dp * q - p * (dp * C).sum(-1, keepdims=True)


def _log_softmax(x):
    p, dp = _softmax_and_change(x)
    top = x.max(-1, keepdims=True)
    return x - top - np.log(np.exp(x - top).sum(-1, keepdims=True)), C - p * C.sum(), -dp * C.sum()


def _logsumexp(x):
    p, dp = _softmax_and_change(x)
    top = x.max(-1, keepdims=True)
    ties = (x == top) / np.maximum((x == top).sum(-1, keepdims=True), 1)
    value = np.where(np.isinf(top), top, np.log(np.exp(x - top).sum(-1, keepdims=True)) + top)
    return value, np.where(np.isinf(top), ties, p), np.where(np.isinf(top), 0, dp)


ROWS = {
    "mean": (lambda x: cg.mean(x, axis=-1, keepdims=True), _mean, 1),
    "softmax": (cg.softmax, _softmax, C),
    "log_softmax": (cg.log_softmax, _log_softmax, C),
    "logsumexp": (lambda x: cg.logsumexp(x, axis=-1, keepdims=True), _logsumexp, 1),
}


TABLE = ENTRYWISE | ROWS


def _program(dtype):
    """Return the function of one argument for each entry that gives all values, all gradients, and theirs."""
    inner = [np.asarray(entry[2] if len(entry) > 2 else 1, dtype.numpy) for entry in TABLE.values()]
    outer = [np.asarray(W if name in ROWS else 1, dtype.numpy) for name in TABLE]

    def values(xs):
        return [f(x) for (f, *_), x in zip(TABLE.values(), xs, strict=True)]

    def total(ys, weights):
        return sum((cg.sum(y * w) for y, w in zip(ys, weights, strict=True)), np.zeros((), dtype.numpy))

    first = cg.grad(lambda xs: total(values(xs), inner))
    second = cg.grad(lambda xs: total(first(xs), outer))
    return lambda xs: (values(xs), first(xs), second(xs))


def _inputs(dtype):
    return [rows(dtype) if name in ROWS else points(dtype) for name in TABLE]


@cache
def _results(dtype, run):
    """Return for each entry its value and two derivatives."""
    inputs = _inputs(dtype)
    types = [dtype[x.shape] for x in inputs]
    if run == "interpreter":
        results = cg.interpret(cg.trace(_program(dtype), types), inputs)
    else:
        results = cg.compile(_program(dtype), types, target=run)(inputs)
    return dict(zip(TABLE, zip(*results, strict=True), strict=True))


@pytest.mark.parametrize(("dtype", "run"), EVERY)
def test_values_and_derivatives(dtype, run):
    tolerance = 16 * EPSILON[dtype]
    for (name, results), given in zip(_results(dtype, run).items(), _inputs(dtype), strict=True):
        x = given.astype(np.float64)
        with np.errstate(all="ignore"):
            expected = [np.asarray(y).astype(dtype.numpy) for y in TABLE[name][1](x)]
        for order, (result, wanted) in enumerate(zip(results, expected, strict=True)):
            np.testing.assert_allclose(
                np.asarray(result).astype(np.float64),
                wanted.astype(np.float64),
                tolerance,
                tolerance,
                err_msg=f"{name}, order {order}, at {x}",
            )
