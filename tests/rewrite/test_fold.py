"""Constant folding: what depends on no input is one number, exactly that of the reference, and no larger array."""

import numpy as np
import pytest

import catgrad as cg
from catgrad.ops import OPS, Operation
from catgrad.prepare import prepare
from catgrad.rewrite import simplify
from catgrad.rewrite.fold import EXACT, evaluated
from catgrad.types import bf16, bool_, dtypes, f16, f32, f64, i32, i64


def _operations(term):
    return sorted(str(step.operation) for step in term.steps if step.operation.op is not cg.ops.copy)


@pytest.mark.parametrize("op", sorted(EXACT, key=lambda op: op.name), ids=lambda op: op.name)
def test_a_folded_number_is_what_the_reference_gives_at_every_place(op):
    for dtype in op.dtypes:
        for sample in op.samples(dtype):
            operation = Operation(op, tuple(sample.attributes.items()))
            (whole,) = op.evaluate(np, *sample.inputs, **sample.attributes)
            for place in list(np.ndindex(whole.shape))[:8]:
                number = evaluated(operation, [np.asarray(x[place]) for x in sample.inputs])
                assert number.dtype == whole.dtype
                assert number.tobytes() == whole[place].tobytes()


def test_what_is_rounded_by_formulas_of_our_own_is_left_to_them():
    inexact = {"exp", "expm1", "log", "log1p", "sin", "cos", "tanh", "sigmoid", "erf", "pow", "rsqrt", "remainder"}
    assert {OPS[name] for name in inexact}.isdisjoint(EXACT)
    assert _operations(simplify(cg.trace(lambda: cg.exp(cg.constant(1.0) + 1.0)))) == ["constant[value=2.0]", "exp"]


@pytest.mark.parametrize("dtype", [i32, i64, f16, bf16, f32, f64], ids=str)
def test_numbers_fold_in_their_own_type(dtype):
    def f():
        x = cg.cast(cg.constant(2047), dtype)
        return (x + 2) * x - x / 3 if dtype.is_float else (x + 2) * x * x * x

    term = cg.trace(f)
    simple = simplify(term)
    assert len(simple.steps) == 1
    assert cg.interpret(simple).tobytes() == cg.interpret(term).tobytes()


def test_folding_makes_no_array_of_more_than_one_element():
    def f(x):
        square = cg.broadcast_to(cg.constant(np.ones((1, 1), np.float32)), (1024, 1024))
        ones = cg.ones((1 << 20,)) + cg.reshape(square, -1)
        return x * (ones * 3)

    assert _operations(simplify(cg.trace(f, f32[1 << 20]))) == [
        "broadcast_to[shape=(1048576,)]",
        "constant[value=6.0]",
        "multiply",
    ]


def test_symbolic_shapes_stay_and_symbolic_extents_are_no_numbers():
    B = cg.dim("B")

    def f(x):
        n = cg.nat_to_tensor(B) * 2
        return x * (cg.full((B,), 2.0) + 1) / n, cg.where(cg.full((B,), 1) < 2, x, -x)

    simple = simplify(cg.trace(f, f32[B]))
    assert _operations(simple) == [
        *["broadcast_to[shape=(B,)]"] * 2,
        *["constant[value=2.0]", "constant[value=3.0]"],
        *["divide", "multiply", "multiply", "nat_to_tensor[value=B, dtype=f32]"],
    ]
    bound, _ = prepare(f, f32[B], bind={"B": 4})
    assert "nat_to_tensor" not in str(bound)


def test_spread_literals_are_spread_once():
    def f(x):
        y = cg.constant(2.0)
        for axes in range(1, 5):
            y = cg.broadcast_to(y, (3,) * axes)
        return x + y.permute_dims(1, 0, 3, 2)

    assert _operations(simplify(cg.trace(f, f32[3, 3, 3, 3]))) == [
        "add",
        "broadcast_to[shape=(3, 3, 3, 3)]",
        "constant[value=2.0]",
    ]


def test_nothing_of_nothing_is_still_nothing():
    empty = cg.trace(lambda x: x + (cg.zeros((0,)) + 1), f32[0])
    assert cg.compile(empty)(np.zeros(0, np.float32)).shape == (0,)


@pytest.mark.parametrize("depth", [10, 20])
def test_a_recurrence_of_constants_is_one_number(depth):
    def f(x):
        m = cg.constant(0.5)
        for _ in range(depth):
            m = 0.9 * m + 0.1 * (1 - m)
        return x * m

    program, _ = prepare(f, f32[8])
    assert len(_operations(program)) == 3


@pytest.mark.parametrize("depth", [6, 12])
def test_the_gradient_of_linear_steps_is_one_number(depth):
    def f(x):
        for _ in range(depth):
            x = x + 0.5 * x
        return cg.sum(x)

    gradient = cg.grad(f)
    program, _ = prepare(gradient, f32[8])
    assert len(_operations(program)) == 2
    assert cg.interpret(program, np.ones(8, np.float32)).tolist() == [1.5**depth] * 8


def test_all_dtypes_are_compared_as_numbers():
    for dtype in dtypes:
        literal = cg.trace(lambda dtype=dtype: cg.cast(cg.constant(1), dtype) == cg.cast(cg.constant(1), dtype))
        (step,) = simplify(literal).steps
        assert step.operation.keywords["value"].type is bool_[()]
        assert step.operation.keywords["value"].array
