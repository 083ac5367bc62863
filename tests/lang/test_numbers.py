"""Numbers without a dtype: rounded once, to the dtype that they take, where they have a place, at every door."""

import functools

import numpy as np
import pytest

import catgrad as cg
from catgrad import nn
from catgrad.errors import ArgumentError, CatgradError, TypeCheckError
from catgrad.types import bf16, bool_, f16, f32, f64, i32, i64

X = np.array([1.0, 2.0], np.float32)
BIG = 2**60 + 2**36 + 1
"""Halfway between two numbers of f32, but for its last bit, which f64 has no place for."""
ABOVE = 2**60 + 2**37
TIE = 1 + 2.0**-8 + 2.0**-40
"""The same for bf16 and f32."""


def runs(f, *types):
    """Return a function as it is, interpreted, and compiled."""
    term = cg.trace(f, *types)
    return [cg.function(f), functools.partial(cg.interpret, term), cg.compile(term)]


@pytest.mark.parametrize(
    ("value", "dtype", "expected"),
    [
        (1e39, f64, 1e39),
        (0.1, f64, 0.1),
        (2.0**24 + 1, f64, 2.0**24 + 1),
        (2**53 + 1, i64, 2**53 + 1),
        (2**70, f64, 2.0**70),
        (2**70, f32, 2.0**70),
        (BIG, f32, ABOVE),
        (TIE, bf16, 1.0078125),
        (1e39, f32, np.inf),
        (-1e39, bf16, -np.inf),
        (1e9, f16, np.inf),
        (1.9, i32, 1),
        (1e20, i32, 2**31 - 1),
        (float("nan"), i64, 0),
        (1e39, bool_, True),
        (True, f16, 1.0),
    ],
)
def test_a_number_that_is_cast_is_rounded_once(value, dtype, expected):
    for run in (lambda: cg.cast(value, dtype), *runs(lambda: cg.cast(value, dtype))):
        assert run().dtype == dtype.numpy
        np.testing.assert_array_equal(run().astype(np.asarray(expected).dtype), expected)
    for run in (lambda: cg.cast([[value]], dtype), *runs(lambda: cg.cast([[value]], dtype))):
        np.testing.assert_array_equal(run().astype(np.asarray(expected).dtype), [[expected]])


@pytest.mark.parametrize(
    ("value", "dtype"), [(2**31, i32), ([2**40], i32), (2**63, i64), (10**400, f64), ([[1], []], f32)]
)
def test_a_number_that_cannot_be_cast(value, dtype):
    for use in (lambda: cg.cast(value, dtype), lambda: cg.trace(lambda: cg.cast(value, dtype))):
        with pytest.raises(TypeCheckError, match="has no place in a tensor of"):
            use()


BEYOND = {
    "sum": lambda: cg.sum([1e39]),
    "max": lambda: cg.max([1e39, 1.0]),
    "mean": lambda: cg.mean([1e39]),
    "stop_gradient": lambda: cg.stop_gradient(1e39),
    "reshape": lambda: cg.reshape([1e39, 1.0], (2, 1)),
    "broadcast_to": lambda: cg.broadcast_to(1e39, (2,)),
    "sqrt": lambda: cg.sqrt(1e39),
    "matmul": lambda: cg.matmul(X, [1e39, 0.0]),
    "matmul from the left": lambda: cg.matmul([-1e39, 0.0], X),
    "contract": lambda: cg.contract("i,i->", X, [1e39, 0.0]),
    "softmax": lambda: cg.softmax([1e39, 0.0]),
    "mse": lambda: nn.mse(X, [1e39, 0.0]),
    "cross entropy": lambda: nn.softmax_cross_entropy([[1e39, 0.0]], [0]),
    "function": lambda: cg.function(lambda x: x * 1)(1e39),
    "grad": lambda: cg.grad(cg.sqrt)(1e40),
    "value_and_grad": lambda: cg.value_and_grad(cg.sum)([1e39, 1.0]),
    "vjp": lambda: cg.vjp(cg.sqrt)(1.0, 1e39),
    "apply": lambda: nn.Linear(1, 1, bias=False).apply({"weight": [[1.0]]}, [1e39]),
    "parameters": lambda: nn.Linear(1, 1, bias=False).apply({"weight": [[1e39]]}, [1.0]),
    "module": lambda: nn.Linear(1, 1, bias=False).bind({"weight": [[1.0]]})([1e39]),
    "full": lambda: cg.full((2,), 1e39),
    "one of many": lambda: cg.sum([[1.0, 2.0], [3.0, -1e39]]),
    "an integer": lambda: cg.sum([10**39, 1.5]),
}


@pytest.mark.parametrize("name", BEYOND)
def test_numbers_beyond_the_range_of_the_dtype_that_they_take(name):
    for use in (BEYOND[name], lambda: cg.trace(BEYOND[name])):
        with pytest.raises(CatgradError, match="has no place in a tensor of"):
            use()


def test_infinity_is_a_float_of_every_dtype():
    for run in runs(lambda: cg.max([float("inf"), 1.0])):
        assert run() == np.inf


def test_integers_are_rounded_once():
    assert int(cg.constant(BIG, f32)) == int(cg.constant([BIG, 1.5], f32)[0]) == ABOVE
    assert int(cg.constant(-BIG, f32)) == -ABOVE
    assert int(cg.constant(np.uint64(BIG), f32)) == ABOVE
    assert float(cg.constant(np.array([2**63 + 2**55 + 1], np.uint64), bf16)[0]) == 2**63 + 2**56
    assert cg.constant([2**70, 1.5], f32).tolist() == [2.0**70, 1.5]
    for run in runs(lambda x: x + BIG, f32[1]):
        assert int(run(np.zeros(1, np.float32))[0]) == ABOVE
    for run in runs(lambda x: x * [BIG, 0.5], f32[2]):
        assert run(np.ones(2, np.float32)).tolist() == [ABOVE, 0.5]
    for run in runs(lambda x: x + 0, f32[()])[1:]:
        assert int(run(BIG)) == ABOVE
    for run in runs(lambda x: x + 0, f32[2])[1:]:
        assert run([BIG, 0.5]).tolist() == [ABOVE, 0.5]
        assert run([2**70, 0.5]).tolist() == [2.0**70, 0.5]


MATRIX = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32).view(np.matrix)


class Odd(np.ndarray):
    """An array with operators of its own."""

    def __mul__(self, other):
        raise AssertionError

    __add__ = __matmul__ = __sub__ = __rmul__ = __mul__


class Weights(cg.Module):
    """A parameter with given initial values."""

    def __init__(self, dtype, made):
        self.w = cg.Parameter(dtype[2], made if callable(made) else lambda generator, shape: made)

    def forward(self, x):
        return self.w * x


@pytest.mark.parametrize(
    ("dtype", "made"),
    [
        (f16, nn.init.normal(1e6)),
        (f16, np.full(2, 1e9)),
        (f32, np.full(2, 1e39)),
        (i32, np.array([2**40, 1])),
        (bool_, np.array([2, 0])),
        (f16, np.array([70000, 1])),
        (f32, [1e39, 0.0]),
    ],
)
def test_initial_values_are_in_range(dtype, made):
    with pytest.raises(CatgradError, match=rf"initializer of a parameter {dtype}\[2\]: .* has no place"):
        Weights(dtype, made).init()


def test_initial_values_are_rounded_once():
    assert Weights(bf16, np.array([TIE, 1])).init()["w"].astype(float).tolist() == [1.0078125, 1]
    assert Weights(bf16, np.array([2**24 + 2**16 + 1, 1])).init()["w"].astype(float).tolist() == [2**24 + 2**17, 1]
    assert Weights(f32, [BIG, 0.5]).init()["w"].tolist() == [ABOVE, 0.5]
    assert Weights(f32, np.array([np.inf, 1])).init()["w"].tolist() == [np.inf, 1]
    found = Weights(f32, np.array([1.0, 2.0]).view(Odd)).init()["w"]
    assert type(found) is np.ndarray
    with pytest.raises(CatgradError, match="mask"):
        Weights(f32, np.ma.masked_array([1.0, 2.0], [0, 1])).init()


@pytest.mark.parametrize(("value", "dtype"), [(100000, f16), (65520, f16), (2**40, i32), (2**31, i32)])
def test_an_extent_that_is_known_has_a_place(value, dtype):
    for use in (lambda: cg.nat_to_tensor(value, dtype), lambda: cg.trace(lambda: cg.nat_to_tensor(value, dtype))):
        with pytest.raises(TypeCheckError, match=f"the number {value} has no place in a tensor of {dtype}"):
            use()


def test_an_extent_that_is_not_known_is_converted():
    term = cg.trace(lambda x: (cg.nat_to_tensor(x.shape[0], f16), cg.nat_to_tensor(x.shape[0], bf16)), bool_["N"])
    for run in (functools.partial(cg.interpret, term), cg.compile(term), cg.compile(term, bind={"N": 70000})):
        assert [float(each) for each in run(np.zeros(70000, bool))] == [np.inf, 70144]


@pytest.mark.parametrize("given", [MATRIX, np.asarray(MATRIX).view(Odd)], ids=["matrix", "subclass"])
@pytest.mark.parametrize(
    ("f", "expected"),
    [
        (lambda m: cg.square(m), np.asarray(MATRIX) ** 2),
        (lambda m: cg.multiply(m, m), np.asarray(MATRIX) ** 2),
        (lambda m: cg.add(m, 1), np.asarray(MATRIX) + 1),
        (lambda m: cg.sum(m, axis=0), [4, 6]),
        (lambda m: cg.max(m, axis=1), [2, 4]),
        (lambda m: cg.mean(m, axis=1), [1.5, 3.5]),
        (lambda m: cg.argmax(m, axis=1), [1, 1]),
        (lambda m: cg.reshape(m, (4,)), [1, 2, 3, 4]),
        (lambda m: cg.expand_dims(m, 0), np.asarray(MATRIX)[None]),
        (lambda m: cg.where(cg.greater(m, 2), m, 0), [[0, 0], [3, 4]]),
        (lambda m: nn.mse(m, cg.zeros((2, 2))), 7.5),
        (lambda m: cg.matmul(X, m), X @ np.asarray(MATRIX)),
    ],
)
def test_arrays_of_subclasses_are_what_they_hold(given, f, expected):
    term = cg.trace(f, f32[2, 2])
    for run in (f, cg.function(f), functools.partial(cg.interpret, term), cg.compile(term)):
        found = run(given)
        assert type(found) in (np.ndarray, np.float32)
        np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_modules_take_arrays_of_subclasses():
    class Product(cg.Module):
        def __init__(self):
            self.w = cg.Parameter(f32[2, 2], nn.init.zeros)

        def forward(self, x):
            return self.w * x

    model, expected = Product(), np.asarray(MATRIX) ** 2
    np.testing.assert_array_equal(model.apply({"w": MATRIX}, MATRIX), expected)
    np.testing.assert_array_equal(model.bind({"w": MATRIX})(MATRIX), expected)
    np.testing.assert_array_equal(cg.compile(model, f32[2, 2])({"w": MATRIX}, MATRIX), expected)
    np.testing.assert_array_equal(cg.compile(lambda x: MATRIX * x, f32[2, 2])(MATRIX), expected)


def test_arguments_out_of_range():
    term = cg.trace(lambda x: x + 1, f32[()])
    for run in (functools.partial(cg.interpret, term), cg.compile(term)):
        with pytest.raises(ArgumentError, match="x"):
            run(1e39)
        with pytest.raises(ArgumentError, match="x"):
            run(10**39)
