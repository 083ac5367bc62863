"""The public forms: broadcasting, Python numbers, axes and shapes as users write them."""

import math

import ml_dtypes
import numpy as np
import pytest

import catgrad as cg
from catgrad import ops
from catgrad.errors import TypeCheckError
from catgrad.ops import Literal
from catgrad.types import bf16, bool_, dtypes, f16, f32, f64, i32, i64

X = np.arange(6.0).reshape(2, 3)
FLOATS = pytest.mark.parametrize("dtype", [f16, bf16, f32, f64], ids=str)
NUMBERS = pytest.mark.parametrize("dtype", [i32, i64, f16, bf16, f32, f64], ids=str)


@pytest.mark.parametrize(
    ("first", "second"),
    [((2, 3), (3,)), ((2, 1), (3,)), ((), (2, 3)), ((1, 1), (2, 3)), ((0, 3), (1, 3)), ((2, 0), (1,)), ((), ())],
)
def test_operands_broadcast_as_in_numpy(first, second):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=first), rng.normal(size=second)
    np.testing.assert_array_equal(ops.add(x, y), x + y)
    np.testing.assert_array_equal(ops.where(x > 0, x, y), np.where(x > 0, x, y))


def test_broadcasting_is_recorded():
    term = cg.trace(lambda x, y: x + y, f32[2, 3], f32[3])
    assert [step.operation.op for step in term.steps] == [ops.broadcast_to, ops.add]


def test_shapes_that_do_not_broadcast():
    with pytest.raises(TypeCheckError, match=r"add cannot broadcast \[2, 3\] and \[4\]: 3 is not known to equal 4"):
        ops.add(X, np.zeros(4))
    with pytest.raises(TypeCheckError, match="B is not known to equal C"):
        cg.trace(lambda x, y: x + y, f32[cg.dim("B")], f32[cg.dim("C")])


def test_only_an_extent_that_is_one_broadcasts():
    b = cg.dim("B")
    assert cg.trace(lambda x, y: x + y, f32[b, 3], f32[1, 3]).type == "(f32[B, 3], f32[1, 3]) -> f32[B, 3]"
    with pytest.raises(TypeCheckError, match="is not known to equal"):
        cg.trace(lambda x, y: x + y, f32[b, 3], f32[2, 3])


@NUMBERS
def test_a_python_number_takes_the_dtype_of_the_tensor(dtype):
    x = np.array([1, 2], dtype.numpy)
    for result in (ops.add(x, 1), ops.multiply(2, x), ops.where(x == 1, x, 0)):
        assert result.dtype == dtype.numpy


def test_numbers_alone_are_f32_i32_or_bool():
    assert ops.add(1, 2).dtype == np.int32
    assert ops.add(1, 2.0).dtype == np.float32
    assert ops.equal(True, False).dtype == np.bool_


@pytest.mark.parametrize(
    ("value", "array"),
    [
        (1.5, np.array([1])),
        (float("nan"), np.array([1])),
        (1.5, np.array([True])),
        (2, np.array([True])),
        (-1, np.array([True])),
        (2**31, np.array([1], np.int32)),
        (-(2**31) - 1, np.array([1], np.int32)),
        (2**63, np.array([1])),
        (10**400, np.array([1.0])),
        pytest.param(10**5000, np.array([1.0], np.float32), id="too many digits to show"),
    ],
)
def test_a_number_that_has_no_place_beside_the_tensor(value, array):
    with pytest.raises(TypeCheckError, match="has no place in a tensor of"):
        ops.equal(array, value)


@pytest.mark.parametrize(
    ("value", "dtype", "expected"), [(2**31 - 1, i32, 2**31 - 1), (-(2**63), i64, -(2**63)), (1, bool_, True)]
)
def test_the_greatest_numbers_have_a_place(value, dtype, expected):
    assert ops.constant(value, dtype).item() == expected


LARGEST = {f16: 65504.0, bf16: float(ml_dtypes.finfo(bf16.numpy).max), f32: float(np.finfo(np.float32).max)}


@pytest.mark.parametrize("dtype", LARGEST, ids=str)
def test_a_number_beyond_the_range_of_floats_has_no_place(dtype):
    x, beyond = np.zeros(1, dtype.numpy), 1.01 * LARGEST[dtype]
    refused = [
        lambda value: ops.add(x, value),
        lambda value: ops.less(value, x),
        lambda value: ops.where(x > 5, x, value),
        lambda value: cg.clip(x, -value, value),
        lambda value: ops.full((2,), value, dtype),
        lambda value: ops.constant([0.0, value], dtype),
        lambda value: ops.constant(np.float64(value), dtype),
        lambda value: ops.constant(np.array([value]), dtype),
    ]
    for f in refused:
        for value in (beyond, -beyond, int(beyond)):
            with pytest.raises(TypeCheckError, match=f"has no place in a tensor of {dtype}"):
                f(value)


@FLOATS
def test_infinities_nan_and_what_rounds_into_the_range_have_a_place(dtype):
    x = np.zeros(1, dtype.numpy)
    assert ops.add(x, float("inf")) == np.inf
    assert ops.add(x, -math.inf) == -np.inf
    assert np.isnan(ops.add(x, math.nan)).all()
    assert np.isinf(ops.constant([np.inf, -np.inf], dtype)).all()
    largest = LARGEST.get(dtype, 1e308)
    assert ops.add(x, largest * (1 + 1e-9)).item() == pytest.approx(largest)
    assert ops.add(x, 1e-300) == (1e-300 if dtype is f64 else 0)


@pytest.mark.parametrize(("array", "dtype"), [(np.array([2**40]), i32), (np.array([1.5]), i64), (np.int64(-1), bool_)])
def test_arrays_do_not_lose_what_they_hold(array, dtype):
    with pytest.raises(TypeCheckError, match="has no place"):
        ops.constant(array, dtype)


def test_constants_of_python_numbers():
    assert ops.constant([[1, 2]]).dtype == np.int32
    assert ops.constant([1, 2.5]).dtype == np.float32
    assert ops.constant([True]).dtype == np.bool_
    assert ops.constant([]).dtype == np.float32
    assert ops.constant([], i32).dtype == np.int32
    assert ops.constant(np.arange(3)).dtype == np.int64
    assert ops.constant(np.arange(3), f32).dtype == np.float32
    assert ops.constant(np.arange(3, dtype=np.uint8), f32).tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    "value",
    ["abc", None, [[1], [1, 2]], [None], 1j, {}, 2**31, 2**70, [2**40], object(), ["1.5"]],
    ids=lambda value: f"{type(value).__name__}{value if isinstance(value, int | list | str) else ''}",
)
def test_what_is_no_constant(value):
    with pytest.raises(TypeCheckError, match="has no place"):
        ops.constant(value)


@pytest.mark.parametrize(("value", "dtype"), [(1.5, i32), (float("nan"), i64), ([1, 2], bool_), (2**40, i32)])
def test_constants_do_not_lose_what_was_written(value, dtype):
    with pytest.raises(TypeCheckError, match="has no place"):
        ops.constant(value, dtype)


def test_arrays_of_unknown_dtype_are_no_constants():
    with pytest.raises(TypeCheckError, match="uint8"):
        ops.constant(np.zeros(2, np.uint8))
    with pytest.raises(TypeCheckError, match="expected one of the dtypes"):
        ops.constant(np.array(["a"]))


@pytest.mark.parametrize("dtype", dtypes, ids=str)
def test_filled_tensors(dtype):
    assert ops.zeros((2, 0), dtype).shape == (2, 0)
    assert ops.ones(3, dtype).astype(float).tolist() == [1.0] * 3
    assert ops.full((), 1, dtype).dtype == dtype.numpy


@pytest.mark.parametrize("shape", [2.5, (2.0,), "ab", (True,), None, [[1]]], ids=repr)
def test_what_is_no_shape(shape):
    for make in (ops.zeros, lambda s: ops.reshape(X, s), lambda s: ops.broadcast_to(X, s), ops.iota):
        with pytest.raises(TypeCheckError):
            make(shape)


def test_negative_extents_are_refused():
    for make in (lambda: ops.zeros(-1), lambda: ops.arange(-1), lambda: ops.one_hot(np.array([0]), -1)):
        with pytest.raises(TypeCheckError, match="negative"):
            make()


@pytest.mark.parametrize("name", ["sum", "max", "min"])
@pytest.mark.parametrize("axis", [None, 0, -1, (0, 1), (-1, 0), (), np.int64(1), [1]], ids=repr)
@pytest.mark.parametrize("keepdims", [False, True])
def test_reductions_over_axes_as_in_numpy(name, axis, keepdims):
    expected = getattr(np, name)(X, axis=tuple(axis) if isinstance(axis, list) else axis, keepdims=keepdims)
    result = getattr(ops, name)(X, axis, keepdims=keepdims)
    assert result.shape == expected.shape
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("axis", [2, -3, 1.0, "a", (0, 0), (0, -2), True, (0, None)], ids=repr)
@pytest.mark.parametrize("reduce", [ops.sum, ops.max, cg.mean, cg.all, cg.logsumexp])
def test_axes_that_are_not_there(reduce, axis):
    with pytest.raises(TypeCheckError, match=r"ax[ie]s"):
        reduce(X > 0 if reduce is cg.all else X, axis=axis)


@pytest.mark.parametrize("axis", [None, 0, 1, -1])
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("name", ["argmax", "argmin"])
def test_positions_as_in_numpy(name, axis, keepdims):
    x = np.random.default_rng(1).normal(size=(3, 4))
    expected = getattr(np, name)(x, axis=axis, keepdims=keepdims)
    result = getattr(ops, name)(x, axis=axis, keepdims=keepdims)
    assert result.dtype == np.int32
    assert result.shape == np.shape(expected)
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize(
    ("shape", "new", "result"),
    [((2, 3), -1, (6,)), ((2, 3), (3, -1), (3, 2)), ((), (-1,), (1,)), ((0, 3), (-1, 3), (0, 3)), ((6,), (6,), (6,))],
)
def test_reshape_finds_the_extent_left_out(shape, new, result):
    assert ops.reshape(np.zeros(shape), new).shape == result


@pytest.mark.parametrize(
    ("shape", "new"), [((2, 3), (-1, -1)), ((2, 3), (4, -1)), ((0, 3), (0, -1)), ((2, 3), (-2, 3))]
)
def test_reshape_that_cannot_be(shape, new):
    with pytest.raises(TypeCheckError):
        ops.reshape(np.zeros(shape), new)


def test_reshape_divides_symbols():
    b, s = cg.dim("B"), cg.dim("S")
    assert cg.trace(lambda x: x.reshape(-1, 4), f32[b, s, 8]).target_types == (f32[2 * b * s, 4],)
    with pytest.raises(TypeCheckError, match="does not divide"):
        cg.trace(lambda x: x.reshape(-1, 3), f32[b, 4])


def test_axes_are_inserted_and_removed():
    x = np.zeros((2, 1, 3, 1))
    assert ops.expand_dims(x, -1).shape == (2, 1, 3, 1, 1)
    assert ops.expand_dims(x, 0).shape == (1, 2, 1, 3, 1)
    assert ops.squeeze(x, 1).shape == (2, 3, 1)
    assert ops.squeeze(x, (1, -1)).shape == (2, 3)
    for wrong in (0, (1, 0), (1, 1), 4, "a"):
        with pytest.raises(TypeCheckError, match="squeeze"):
            ops.squeeze(x, wrong)


@pytest.mark.parametrize("axes", [(0,), (0, 0), (0, 2), (0, 1.0), (0, "a")], ids=repr)
def test_what_is_no_permutation(axes):
    with pytest.raises(TypeCheckError, match="permute_dims"):
        ops.permute_dims(X, axes)


def test_axes_may_be_counted_from_the_end():
    assert ops.permute_dims(X, (-1, 0)).shape == (3, 2)
    assert ops.permute_dims(X, np.array([1, 0])).shape == (3, 2)
    assert ops.iota((2, 3), axis=-1).tolist() == [[0, 1, 2]] * 2


def test_dtypes_may_be_named():
    assert ops.cast(X, "i32").dtype == np.int32
    assert ops.iota((2,), dtype="f32").dtype == np.float32
    assert ops.argmax(X, dtype=np.int64).dtype == np.int64
    for wrong in ("f99", [1], None, np.uint8):
        with pytest.raises(TypeCheckError, match="expected one of the dtypes"):
            ops.cast(X, wrong)


@pytest.mark.parametrize("dtype", [i32, i64], ids=str)
def test_one_hot_is_zero_outside_the_classes(dtype):
    hot = ops.one_hot(np.array([[0, 2], [-1, 3]], dtype.numpy), 3)
    assert hot.tolist() == [[[1, 0, 0], [0, 0, 1]], [[0, 0, 0], [0, 0, 0]]]
    assert hot.dtype == np.float32


def test_one_hot_is_of_integers():
    with pytest.raises(TypeCheckError, match="one_hot is defined for i32, i64"):
        ops.one_hot(X, 3)


def test_literals_are_compared_bit_for_bit():
    a, b = Literal.of(np.array([0.0])), Literal.of(np.array([-0.0]))
    assert a != b
    assert Literal.of(np.array([np.nan])) == Literal.of(np.array([np.nan]))
    assert a != Literal.of(np.array([[0.0]]))
    assert a != Literal.of(np.array([0]))
    with pytest.raises(ValueError, match="read-only"):
        a.array[0] = 1


@pytest.mark.parametrize("data", [b"", b"\0" * 11, b"\0" * 13])
def test_a_literal_has_as_many_bytes_as_its_type(data):
    with pytest.raises(TypeCheckError, match="bytes is no"):
        Literal(f32[3], data)
    with pytest.raises(TypeCheckError, match="bytes is no"):
        Literal(f32[cg.dim("B")], data)


def test_nat_to_tensor_is_an_extent_when_it_is_known():
    b = cg.dim("B")
    term = cg.trace(lambda x: cg.nat_to_tensor(2 * b + 1, i32), f32[b])
    assert cg.interpret(term, np.zeros(4, np.float32)).item() == 9
