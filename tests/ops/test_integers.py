"""Integers wrap, division by zero is zero, and conversions saturate: the same in every target."""

import numpy as np
import pytest

from catgrad import ops
from catgrad.types import bf16, bool_, dtypes, f16, f32, f64, i32, i64

INTEGERS = pytest.mark.parametrize("dtype", [i32, i64], ids=str)


def _array(values, dtype):
    return np.array(values, dtype=dtype.numpy)


def _wrapped(exact, dtype):
    """Return Python integers modulo 2ⁿ, as two's complement has them."""
    half = 1 << (dtype.bits - 1)
    return [(int(v) + half) % (2 * half) - half for v in exact]


def _extremes(dtype):
    info = np.iinfo(dtype.numpy)
    values = [info.min, info.min + 1, -7, -1, 0, 1, 2, 5, info.max - 1, info.max]
    return zip(*[(x, y) for x in values for y in values], strict=True)


@INTEGERS
@pytest.mark.parametrize("name", ["add", "subtract", "multiply"])
def test_arithmetic_wraps(name, dtype):
    xs, ys = _extremes(dtype)
    exact = [{"add": x + y, "subtract": x - y, "multiply": x * y}[name] for x, y in zip(xs, ys, strict=True)]
    assert ops.OPS[name](_array(xs, dtype), _array(ys, dtype)).tolist() == _wrapped(exact, dtype)


@INTEGERS
def test_division_rounds_down_and_by_zero_is_zero(dtype):
    xs, ys = _extremes(dtype)
    quotients = [x // y if y else 0 for x, y in zip(xs, ys, strict=True)]
    rests = [x % y if y else 0 for x, y in zip(xs, ys, strict=True)]
    assert ops.floor_divide(_array(xs, dtype), _array(ys, dtype)).tolist() == _wrapped(quotients, dtype)
    assert ops.remainder(_array(xs, dtype), _array(ys, dtype)).tolist() == _wrapped(rests, dtype)


@INTEGERS
def test_the_least_integer_is_its_own_negative_and_absolute_value(dtype):
    least = np.iinfo(dtype.numpy).min
    assert ops.negative(_array([least, 5], dtype)).tolist() == [least, -5]
    assert ops.abs(_array([least, -5], dtype)).tolist() == [least, 5]


@INTEGERS
def test_sums_and_contractions_wrap(dtype):
    greatest = np.iinfo(dtype.numpy).max
    x = _array([greatest, greatest, 3], dtype)
    assert ops.sum(x).item() == 1
    assert ops.contract("i,i->", x, _array([1, 1, 1], dtype)).item() == 1
    assert ops.sum(x).dtype == dtype.numpy


def test_floats_divided_by_zero_follow_ieee():
    x = np.array([1.0, -1.0, 0.0])
    assert ops.divide(x, np.zeros(3)).tolist()[:2] == [np.inf, -np.inf]
    assert np.isnan(ops.divide(x, np.zeros(3))[2])


@INTEGERS
@pytest.mark.parametrize("source", [f16, bf16, f32, f64], ids=str)
def test_float_to_integer_truncates_saturates_and_makes_zero_of_nan(source, dtype):
    info = np.iinfo(dtype.numpy)
    x = np.array([1.75, -1.75, -0.5, np.nan, np.inf, -np.inf]).astype(source.numpy)
    assert ops.cast(x, dtype).tolist() == [1, -1, 0, 0, info.max, info.min]


@pytest.mark.parametrize(("source", "dtype"), [(f32, i32), (f64, i32), (f32, i64), (f64, i64)], ids=str)
def test_saturation_begins_exactly_at_the_bounds(source, dtype):
    info = np.iinfo(dtype.numpy)
    high = source.numpy.type(float(info.max) + 1)
    x = np.array([
        high,
        np.nextafter(high, source.numpy.type(0)),
        -high,
        np.nextafter(-high, source.numpy.type(-np.inf)),
    ])
    exact = [min(max(int(v), info.min), info.max) for v in x.tolist()]
    assert ops.cast(x, dtype).tolist() == exact


def test_i64_to_i32_wraps():
    values = [2**31, -(2**31) - 1, 2**40 + 5, -1]
    assert ops.cast(np.array(values), i32).tolist() == _wrapped(values, i32)


@pytest.mark.parametrize("source", dtypes, ids=str)
def test_to_bool_is_unequal_to_zero(source):
    x = np.array([0, 1, 1, 0]).astype(source.numpy)
    assert ops.cast(x, bool_).tolist() == [False, True, True, False]


def test_nan_and_fractions_are_true():
    assert ops.cast(np.array([np.nan, 0.25, -0.0]), bool_).tolist() == [True, True, False]


@pytest.mark.parametrize("target", dtypes, ids=str)
def test_bool_becomes_zero_and_one(target):
    assert ops.cast(np.array([False, True]), target).astype(float).tolist() == [0.0, 1.0]


@pytest.mark.parametrize(
    ("source", "target", "value", "expected"),
    [
        (f32, f16, 65504.0, 65504.0),
        (f32, f16, 1e6, np.inf),
        (f32, f16, 1 + 2.0**-11, 1.0),
        (f32, f16, 1 + 3 * 2.0**-11, 1 + 2.0**-9),
        (f32, bf16, 1 + 2.0**-8, 1.0),
        (f32, bf16, 1 + 3 * 2.0**-8, 1 + 2.0**-6),
        (f64, f32, 1 + 2.0**-24, 1.0),
        (f64, f32, 1e300, np.inf),
        (f16, f32, 2.0**-24, 2.0**-24),
        (i32, f32, 2**24 + 1, 2.0**24),
        (i64, f64, 2**53 + 1, 2.0**53),
    ],
)
def test_float_conversions_round_to_nearest_even(source, target, value, expected):
    result = ops.cast(np.array([value], dtype=source.numpy), target)
    assert result.dtype == target.numpy
    assert result.astype(np.float64).tolist() == [expected]
