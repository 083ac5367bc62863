"""The reference meaning of every operation, against numpy, another array library, and the rules for narrow floats."""

import math

import array_api_strict
import numpy as np
import pytest
import scipy.special
from optable import CASES, OPERATIONS, assert_close, assert_same, evaluate, input_types, result_types

import catgrad as cg
from catgrad import ops
from catgrad.types import TensorType, bf16, bool_, f16, f32, f64, i32, i64

NUMPY = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.true_divide,
    "floor_divide": np.floor_divide,
    "remainder": np.mod,
    "pow": np.power,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "negative": np.negative,
    "abs": np.absolute,
    "sign": np.sign,
    "sqrt": np.sqrt,
    "rsqrt": lambda x: np.reciprocal(np.sqrt(x)),
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "sin": np.sin,
    "cos": np.cos,
    "tanh": np.tanh,
    "sigmoid": scipy.special.expit,
    "erf": scipy.special.erf,
    "floor": np.floor,
    "ceil": np.ceil,
    "trunc": np.trunc,
    "round": np.rint,
    "equal": np.equal,
    "not_equal": np.not_equal,
    "less": np.less,
    "less_equal": np.less_equal,
    "greater": np.greater,
    "greater_equal": np.greater_equal,
    "where": np.where,
    "reshape": lambda x, shape: x.ravel().reshape(shape),
    "permute_dims": lambda x, axes: np.transpose(x, axes),
    "broadcast_to": lambda x, shape: x + np.zeros(shape, x.dtype),
    "sum": lambda x, axes: np.add.reduce(x, axis=axes) if axes else x,
    "max": lambda x, axes: np.maximum.reduce(x, axis=axes) if axes else x,
    "min": lambda x, axes: np.minimum.reduce(x, axis=axes) if axes else x,
    "argmax": lambda x, axis, dtype: np.argmax(x, axis),
    "argmin": lambda x, axis, dtype: np.argmin(x, axis),
    "contract": lambda x, y, spec: _contract(x, y, *ops.parse_spec(spec)),
    "iota": lambda dtype, shape, axis: np.indices(shape)[axis],
    "nat_to_tensor": lambda value, dtype: np.array(value),
    "copy": lambda x, count: (x,) * count,
    "stop_gradient": lambda x: x,
    "constant": lambda value: np.frombuffer(value.data, value.type.dtype.numpy).reshape(value.type.shape),
}
"""How numpy says it, in other words than ours where there are any."""

ELSEWHERE = {"cast", "logical_and", "logical_or", "logical_xor", "logical_not"}
"""Not arithmetic on f32 and f64, or with rules of their own: see the tests of integers and casts."""

STRICT = (bool_, i32, i64, f32, f64)


def _contract(x, y, first, second, out):
    """Contract index by index, as the definition says."""
    extent = dict(zip(first, x.shape, strict=True)) | dict(zip(second, y.shape, strict=True))
    result = np.zeros([extent[i] for i in out], x.dtype)
    for position in np.ndindex(*extent.values()):
        at = dict(zip(extent, position, strict=True))
        result[tuple(at[i] for i in out)] += x[tuple(at[i] for i in first)] * y[tuple(at[i] for i in second)]
    return result


def _many(result):
    return result if isinstance(result, tuple) else (result,)


def _is_small(sample):
    return sum(x.size for x in sample.inputs) < 300


@pytest.mark.parametrize(("op", "dtype"), CASES)
def test_typing_rule_infers_what_the_reference_gives(op, dtype):
    for sample in op.samples(dtype):
        given = tuple(TensorType.of(y) for y in evaluate(op, sample))
        assert given == result_types(op, sample)


@pytest.mark.parametrize(
    ("op", "dtype"), [case for case in CASES if case.values[1] in (f32, f64) and case.values[0].name not in ELSEWHERE]
)
def test_reference_agrees_with_numpy(op, dtype):
    for sample in filter(_is_small, op.samples(dtype)):
        with np.errstate(all="ignore"):
            expected = _many(NUMPY[op.name](*sample.inputs, **sample.attributes))
        for y, e, type in zip(evaluate(op, sample), expected, result_types(op, sample), strict=True):
            assert_close(y, np.asarray(e, type.dtype.numpy), type.dtype, ulps=8)


@pytest.mark.parametrize(("op", "dtype"), [case for case in CASES if case.values[1] in STRICT])
def test_reference_runs_on_another_array_library(op, dtype):
    for sample in op.samples(dtype):
        types = (*input_types(sample), *result_types(op, sample))
        if not all(type.dtype in STRICT for type in types):
            continue
        strict = [array_api_strict.asarray(x) for x in sample.inputs]
        results = op.evaluate(array_api_strict, *strict, **sample.attributes)
        for y, e in zip(results, evaluate(op, sample), strict=True):
            assert isinstance(y, type(array_api_strict.ones(())))
            assert_close(np.asarray(y), e, TensorType.of(e).dtype, ulps=16)


@pytest.mark.parametrize(("op", "dtype"), [case for case in CASES if case.values[1] in (f16, bf16)])
def test_narrow_floats_are_computed_in_f32_and_rounded_once(op, dtype):
    for sample in op.samples(dtype):
        if op is ops.constant or not sample.inputs or "dtype" in sample.attributes:
            continue
        wide = [x.astype(np.float32) if x.dtype == dtype.numpy else x for x in sample.inputs]
        expected = op.evaluate(np, *wide, **sample.attributes)
        for y, e in zip(evaluate(op, sample), expected, strict=True):
            with np.errstate(over="ignore"):
                assert_same(y, e.astype(y.dtype))


@pytest.mark.parametrize("dtype", [np.float16, bf16.numpy], ids=str)
def test_narrow_reductions_accumulate_in_f32(dtype):
    x = np.array([2048.0, 1.0, 1.0, 1.0, 1.0], dtype)
    assert ops.sum(x) == np.asarray(2052.0).astype(dtype)
    assert ops.contract("i,i->", x, np.ones(5, dtype)) == np.asarray(2052.0).astype(dtype)
    assert ops.sum(np.ones(4096, dtype)) == 4096


MOVES = (ops.constant, ops.copy, ops.stop_gradient)


@pytest.mark.parametrize(
    "op", [op for op in OPERATIONS if bool_ in op.dtypes and op not in MOVES], ids=lambda op: op.name
)
def test_operations_on_bools_have_samples_with_both_values(op):
    seen = np.concatenate([x.ravel() for s in op.samples(bool_) for x in s.inputs if x.dtype == bool])
    assert seen.any()
    assert not seen.all()


@pytest.mark.parametrize(("op", "dtype"), CASES)
def test_samples_are_the_same_every_time(op, dtype):
    for first, second in zip(op.samples(dtype), op.samples(dtype), strict=True):
        assert first.attributes == second.attributes
        for x, y in zip(first.inputs, second.inputs, strict=True):
            assert_same(x, y)


@pytest.mark.parametrize("op", [ops.max, ops.min, ops.argmax, ops.argmin], ids=lambda op: op.name)
def test_nan_wins_every_reduction(op):
    x = np.array([[1.0, np.nan, np.inf, np.nan]])
    result = op(x, axis=1)
    assert result == 1 if op in (ops.argmax, ops.argmin) else np.isnan(result)


@pytest.mark.parametrize("op", [ops.maximum, ops.minimum], ids=lambda op: op.name)
def test_nan_wins_every_pairing(op):
    x, y = np.array([np.nan, 1.0, np.nan]), np.array([1.0, np.nan, np.nan])
    assert np.isnan(op(x, y)).all()


def test_positions_are_the_first_among_ties():
    x = np.array([[3, 7, 7], [2, 2, 2]])
    assert ops.argmax(x, axis=1).tolist() == [1, 0]
    assert ops.argmin(x, axis=1).tolist() == [0, 0]


def test_rounding_is_half_to_even():
    assert ops.round(np.array([-1.5, -0.5, 0.5, 1.5, 2.5])).tolist() == [-2.0, 0.0, 0.0, 2.0, 2.0]


def test_empty_sums_are_zero():
    assert ops.sum(np.zeros((0, 3))).item() == 0
    assert ops.contract("ik,kj->ij", np.ones((2, 0)), np.ones((0, 3))).tolist() == [[0.0] * 3] * 2


SPECIAL = [0.0, 0.5, 1.0, 2.0, 3.0, 2.5, 2.0**14, np.inf]


def _c_pow(x, y):
    """Return pow as C's annex F has it; Python raises where C has a pole or NaN."""
    try:
        return math.pow(x, y)
    except ValueError:
        pole = math.copysign(np.inf, x) if y % 2 == 1 else np.inf
        return pole if x == 0 else np.nan
    except OverflowError:
        return -np.inf if x < 0 and y % 2 == 1 else np.inf


@pytest.mark.parametrize("dtype", [f16, bf16, f32, f64], ids=str)
def test_powers_of_special_values_are_those_of_c(dtype):
    """However the exponent is laid out: numpy computes another function where it is one number for all."""
    x = np.array([*SPECIAL, *(-s for s in SPECIAL), np.nan]).astype(dtype.numpy)
    columns = [ops.pow(x, float(y)) for y in x.tolist()]
    columns += [ops.pow(x, np.full_like(x, y)) for y in x]
    columns += [cg.interpret(cg.trace(lambda x, y=y: x ** float(y), dtype[x.shape]), x) for y in x.tolist()]
    expected = [[_c_pow(float(a), float(b)) for a in x] for b in x] * 3
    with np.errstate(over="ignore"):
        rounded = np.array(expected).astype(dtype.numpy).astype(np.float64)
    found = np.array([np.asarray(c, np.float64) for c in columns])
    np.testing.assert_allclose(found, rounded, rtol=1e-2 if dtype is bf16 else 1e-3)
    is_number = ~np.isnan(rounded)
    np.testing.assert_array_equal(np.signbit(found)[is_number], np.signbit(rounded)[is_number])
