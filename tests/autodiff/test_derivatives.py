"""The derivative of every operation: against finite differences, and by transposing it twice."""

import numpy as np
import pytest
from optable import OPERATIONS

import catgrad as cg
from catgrad.autodiff import DERIVATIVES
from catgrad.autodiff.rules import NotDifferentiable
from catgrad.types import TensorType, f16, f32, f64

SMALL = 40
"""Elements that an operand may have for every one of them to be moved."""

SMOOTH = [
    pytest.param(op, sample, id=f"{op.name}-{number}")
    for op in OPERATIONS
    if f64 in op.dtypes and not isinstance(DERIVATIVES[op], NotDifferentiable)
    for number, sample in enumerate(op.samples(f64))
    if sample.smooth and (op.name != "cast" or sample.attributes["dtype"].bits == 64)
]
FLAT = [
    pytest.param(op, sample, id=f"{op.name}-{number}")
    for op in OPERATIONS
    if f64 in op.dtypes and op.inputs and isinstance(DERIVATIVES[op], NotDifferentiable)
    for number, sample in enumerate(op.samples(f64))
]


def _function(op, sample):
    return lambda *inputs: op.record(*inputs, **sample.attributes)


def _is_float(x):
    return np.issubdtype(x.dtype, np.floating)


def _floats(values):
    """Return the leaves that are float arrays."""
    many = values if isinstance(values, tuple) else (values,)
    return [np.asarray(x) for x in many if x is not None and _is_float(np.asarray(x))]


def _random_like(rng, values):
    """Return values of the same nesting and types; None for what is no float."""
    if isinstance(values, tuple):
        return tuple(_random_like(rng, v) for v in values)
    x = np.asarray(values)
    return np.asarray(rng.normal(size=x.shape)) if _is_float(x) else None


def _inner(first, second):
    return sum(float(np.sum(x * y)) for x, y in zip(_floats(first), _floats(second), strict=True))


def _moved(inputs, directions, step):
    return [x if d is None else x + step * d for x, d in zip(inputs, directions, strict=True)]


def _directional(f, inputs, directions, step=1e-6):
    """Return the derivative along a direction by central differences."""
    high, low = (_floats(f(*_moved(inputs, directions, s))) for s in (step, -step))
    return tuple((h - b) / (2 * step) for h, b in zip(high, low, strict=True))


@pytest.mark.sampled(3, "op")
@pytest.mark.parametrize(("op", "sample"), SMOOTH)
def test_against_central_differences_of_each_element(op, sample):
    f, rng = _function(op, sample), np.random.default_rng(0)
    dy = _random_like(rng, f(*sample.inputs))
    _, cotangents = cg.vjp(f)(*sample.inputs, dy)
    for position, (x, dx) in enumerate(zip(sample.inputs, cotangents, strict=True)):
        if not _is_float(x) or x.size > SMALL:
            continue
        expected = np.zeros(x.shape)
        for index in np.ndindex(x.shape):
            unit = np.zeros(x.shape)
            unit[index] = 1
            directions = [unit if p == position else None for p in range(len(sample.inputs))]
            expected[index] = _inner(_directional(f, sample.inputs, directions), dy)
        np.testing.assert_allclose(dx, expected, rtol=2e-6, atol=2e-7)


@pytest.mark.sampled(6, "op")
@pytest.mark.parametrize(("op", "sample"), SMOOTH)
def test_by_transposing_twice(op, sample):
    """<Jᵀ dy, v> = <dy, J v>, where J v is the derivative of dy ↦ Jᵀ dy pulled back along v."""
    f, rng = _function(op, sample), np.random.default_rng(1)
    y = f(*sample.inputs)
    dy, v = _random_like(rng, y), _random_like(rng, tuple(sample.inputs))

    def transposed(dy):
        return tuple(dx for dx in cg.vjp(f)(*sample.inputs, dy)[1] if dx is not None)

    _, (pushed,) = cg.vjp(transposed)(dy, tuple(d for d in v if d is not None))
    np.testing.assert_allclose(_inner(dy, pushed), _inner(transposed(dy), v), rtol=1e-9, atol=1e-9)
    for jv, expected in zip(_floats(pushed), _directional(f, sample.inputs, v), strict=True):
        np.testing.assert_allclose(jv, expected, rtol=1e-6, atol=1e-7)


COMPLEX = ["add", "subtract", "multiply", "divide", "negative", "sqrt", "rsqrt", "exp", "log", "sin", "cos", "tanh"]
COMPLEX += ["sigmoid", "expm1", "log1p", "pow", "sum", "contract", "reshape", "permute_dims", "broadcast_to"]


@pytest.mark.sampled(3, "op")
@pytest.mark.parametrize(("op", "sample"), [case for case in SMOOTH if case.values[0].name in COMPLEX])
def test_by_a_complex_step(op, sample):
    """f(x + ihv) = f(x) + ih J v + O(h²): exact to rounding, because nothing cancels."""
    rng, step = np.random.default_rng(2), 1e-30
    f = _function(op, sample)
    dy, v = _random_like(rng, f(*sample.inputs)), _random_like(rng, tuple(sample.inputs))
    moved = [x + 1j * step * d for x, d in zip(sample.inputs, v, strict=True)]
    pushed = op.reference(np, *moved, **sample.attributes).imag / step
    _, cotangents = cg.vjp(f)(*sample.inputs, dy)
    np.testing.assert_allclose(_inner(cotangents, v), _inner(pushed, dy), rtol=1e-12, atol=1e-12)


@pytest.mark.sampled(3, "op")
@pytest.mark.parametrize(("op", "sample"), FLAT)
def test_what_is_not_differentiable_gives_zeros(op, sample):
    f = _function(op, sample)
    dy = _random_like(np.random.default_rng(3), f(*sample.inputs))
    _, cotangents = cg.vjp(f)(*sample.inputs, dy)
    for x, dx in zip(sample.inputs, cotangents, strict=True):
        np.testing.assert_array_equal(dx, np.zeros_like(x))


@pytest.mark.parametrize("op", [op for op in OPERATIONS if op.inputs], ids=lambda op: op.name)
def test_integers_and_bools_have_no_cotangents(op):
    for dtype in op.dtypes:
        if dtype.is_float and dtype is not f64:
            continue
        sample = op.samples(dtype)[0]
        f = _function(op, sample)
        dy = _random_like(np.random.default_rng(4), f(*sample.inputs))
        _, cotangents = cg.vjp(f)(*sample.inputs, dy)
        assert [dx is None for dx in cotangents] == [not _is_float(x) for x in sample.inputs]


@pytest.mark.sampled(3, "op")
@pytest.mark.parametrize("dtype", [f16, f32, cg.bf16], ids=str)
@pytest.mark.parametrize(
    "op", sorted({case.values[0] for case in SMOOTH}, key=lambda op: op.name), ids=lambda op: op.name
)
def test_cotangents_have_the_dtype_of_the_operands(op, dtype):
    sample = next(s for s in op.samples(dtype) if s.smooth)
    types = [TensorType.of(x) for x in sample.inputs]
    results = op.operation(**sample.attributes).typing(*types)
    given = tuple(t if t.dtype.is_float else None for t in results)
    term = cg.trace(cg.vjp(_function(op, sample)), *types, given if len(given) != 1 else given[0])
    cg.check(term)
    assert term.target_types[len(results) :] == tuple(t for t in types if t.dtype.is_float)
