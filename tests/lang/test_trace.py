"""Tracing: what running a function on traced values records."""

from collections import OrderedDict, namedtuple
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import pytest

import catgrad as cg
from catgrad.errors import CatgradError, TypeCheckError
from catgrad.hypergraph import is_monogamous
from catgrad.trees import flatten, unflatten
from catgrad.types import bf16, bool_, f16, f32, f64, i32, i64

Point = namedtuple("Point", "y x")


@dataclass
class State:
    weight: Any
    count: Any


def _operations(term):
    return [step.operation.op.name for step in term.steps]


@pytest.mark.parametrize(
    ("f", "types", "text"),
    [
        (lambda x: x, [f32[3]], "(f32[3]) -> f32[3]"),
        (lambda x: (x, x), [f32[3]], "(f32[3]) -> f32[3], f32[3]"),
        (lambda x: None, [f32[3]], "(f32[3]) -> None"),
        (lambda x, y: y, [f32[3], i32[()]], "(f32[3], i32[]) -> i32[]"),
        (lambda: None, [], "() -> None"),
        (lambda: 1.5, [], "() -> f32[]"),
        (lambda: (True, 2), [], "() -> bool[], i32[]"),
        (lambda: np.zeros((0, 2)), [], "() -> f64[0, 2]"),
        (lambda x: [x, {"a": x}], [f32[()]], "(f32[]) -> (f32[], {a: f32[]})"),
        (lambda: (), [], "() -> "),
    ],
)
def test_functions_of_any_shape(f, types, text):
    term = cg.trace(f, *types)
    assert term.type == text
    assert is_monogamous(term.graph)
    cg.check(term)


def test_a_value_used_twice_is_copied_and_one_not_used_is_discarded():
    term = cg.trace(lambda x, y: x * x, f32[3], f32[3])
    assert sorted(str(step.operation) for step in term.steps) == ["copy[count=0]", "copy[count=2]", "multiply"]


def test_an_argument_may_be_the_result_several_times():
    x = np.arange(3.0)
    first, second = cg.interpret(cg.trace(lambda x: (x, x), f64[3]), x)
    assert (first.tolist(), second.tolist()) == (x.tolist(), x.tolist())


@pytest.mark.parametrize(
    "value",
    [
        (1.0, [2.0, {"a": 3.0}]),
        {"b": 1.0, "a": (2.0, None)},
        OrderedDict(b=1.0, a=2.0),
        Point(1.0, 2.0),
        State(1.0, [2.0]),
        {"s": State(None, 3.0)},
        {2: 1.0, 10: 2.0},
        None,
        (),
    ],
    ids=repr,
)
def test_nested_arguments_come_back_as_they_went_in(value):
    leaves, shape = flatten(value)
    arrays = unflatten(shape, [np.asarray([x], np.float32) for x in leaves])
    types = unflatten(shape, [f32[1]] * len(leaves))
    term = cg.trace(lambda tree: tree, types)
    assert cg.interpret(term, arrays) == arrays
    assert cg.trace(lambda tree: tree, arrays).type == term.type


def test_inputs_are_named_as_the_user_writes_them():
    term = cg.trace(lambda state, *rest: rest, {"w": f32[2], "s": State(f32[1], [f32[()]])}, f32[3], f32[4])
    names = ("state['s'].weight", "state['s'].count[0]", "state['w']", "rest[0]", "rest[1]")
    assert term.input_names == names


def test_arrays_that_are_captured_become_literals():
    captured = np.array([1.0, 2.0], np.float32)
    term = cg.trace(lambda x: x + captured + captured, f32[2])
    assert _operations(term).count("constant") == 1
    captured[0] = 100.0
    assert cg.interpret(term, np.zeros(2, np.float32)).tolist() == [2.0, 4.0]


def test_arrays_on_the_left_of_an_operator():
    term = cg.trace(lambda x: np.ones(3, np.float32) - x, f32[3])
    assert cg.interpret(term, np.full(3, 3, np.float32)).tolist() == [-2.0] * 3
    with pytest.raises(TypeCheckError, match="one dtype"):
        cg.trace(lambda x: np.ones(3) - x, f32[3])


def test_numbers_of_numpy_are_numbers_beside_a_tensor():
    term = cg.trace(lambda x: x / np.sqrt(64) - np.float32(0.5), f32[1])
    assert cg.interpret(term, np.ones(1, np.float32)).tolist() == [-0.375]
    assert cg.divide(np.ones(1, np.float16), np.float64(8)).dtype == np.float16
    assert cg.add(np.float64(1), np.float64(2)).dtype == np.float64
    for wrong in (lambda x: x * np.float64(1e300), lambda x: cg.cast(x, cg.i32) * np.float64(0.5)):
        with pytest.raises(TypeCheckError, match="has no place in a tensor of"):
            cg.trace(wrong, f32[1])


@pytest.mark.parametrize("dtype", [i32, i64, f16, bf16, f32, f64], ids=str)
def test_numbers_take_the_dtype_of_the_tensor(dtype):
    term = cg.trace(lambda x: (1 + x) * np.int64(2) - x, dtype[3])
    assert term.target_types == (dtype[3],)
    assert cg.interpret(term, np.arange(3).astype(dtype.numpy)).astype(float).tolist() == [2.0, 3.0, 4.0]


def test_bools_have_logic():
    term = cg.trace(lambda x, y: (x & y, x | y, x ^ y, ~x), bool_[2], bool_[2])
    results = cg.interpret(term, np.array([True, True]), np.array([True, False]))
    assert [r.tolist() for r in results] == [[True, False], [True, True], [False, True], [False, False]]


X, Y = np.array([[7.0, -7.0, 2.5]]), np.array([[2.0], [-3.0]])

OPERATORS = {
    "+": lambda x, y: x + y,
    "-": lambda x, y: x - y,
    "*": lambda x, y: x * y,
    "/": lambda x, y: x / y,
    "//": lambda x, y: x // y,
    "%": lambda x, y: x % y,
    "**": lambda x, y: abs(x) ** y,
    "==": lambda x, y: x == y,
    "!=": lambda x, y: x != y,
    "<": lambda x, y: x < y,
    "<=": lambda x, y: x <= y,
    ">": lambda x, y: x > y,
    ">=": lambda x, y: x >= y,
    "@": lambda x, y: y @ x,
    "-x": lambda x, y: -x,
    "T": lambda x, y: x.T,
    "sum": lambda x, y: x.sum(axis=1),
    "max": lambda x, y: x.max(axis=1, keepdims=True),
    "2 -": lambda x, y: 2 - x,
    "2 /": lambda x, y: 2 / x,
    "2 //": lambda x, y: 2 // x,
    "2 %": lambda x, y: 2 % x,
    "2 **": lambda x, y: 2**x,
    "2 <": lambda x, y: x > 2,
}


@pytest.mark.parametrize("name", OPERATORS)
def test_operators_mean_what_they_mean_on_arrays(name):
    f = OPERATORS[name]
    term = cg.trace(f, f64[X.shape], f64[Y.shape])
    result, expected = cg.interpret(term, X, Y), f(X, Y)
    assert result.dtype == expected.dtype
    np.testing.assert_allclose(result, expected)


def test_methods_of_traced_values():
    def f(x):
        assert (x.shape, x.dtype, x.ndim) == ((2, 3), f32, 2)
        assert repr(x) == "<traced f32[2, 3]>"
        assert len({x, x}) == 1
        return x.reshape(3, -1), x.reshape((6,)), x.permute_dims(1, 0), x.permute_dims([1, 0]), x.astype("i32")

    assert cg.trace(f, f32[2, 3]).target_types == (f32[3, 2], f32[6], f32[3, 2], f32[3, 2], i32[2, 3])


@pytest.mark.parametrize(
    "f",
    [
        lambda x: 1 if x > 0 else 2,
        lambda x: not x,
        lambda x: [*x],
        lambda x: float(x),
        lambda x: int(x),
        lambda x: range(x),
        lambda x: np.asarray(x),
        lambda x: x in [1, 2],
    ],
)
def test_elements_are_not_known_while_tracing(f):
    with pytest.raises(CatgradError, match=r"not known while tracing(.|\n)*test_trace.py"):
        cg.trace(f, f32[()])


def test_numpy_functions_refuse_traced_values():
    with pytest.raises(TypeError, match=r"numpy\.exp takes no traced values: write cg\.exp"):
        cg.trace(lambda x: np.exp(x), f32[3])


@pytest.mark.parametrize("result", ["text", object(), 1j, {1, 2}], ids=lambda value: type(value).__name__)
def test_what_is_no_result(result):
    with pytest.raises(CatgradError, match=r"expected an array or a number(.|\n)*test_trace.py"):
        cg.trace(lambda x: result, f32[3])


@pytest.mark.parametrize("given", ["f32[3]", object(), 1j, f32])
def test_what_is_no_type(given):
    with pytest.raises(CatgradError, match="expected"):
        cg.trace(lambda x: x, given)


def test_the_number_of_types_is_the_number_of_arguments():
    for types in ([], [f32[3]], [f32[3]] * 3):
        with pytest.raises(CatgradError, match=r"(missing a required|too many).*; it takes \(x, y\)"):
            cg.trace(lambda x, y: x, *types)
    assert cg.trace(lambda x, y=2: x * y, f32[3]).input_names == ("x",)
    with pytest.raises(CatgradError, match="required"):
        cg.trace(lambda x, *, key: x, f32[3])


def test_what_is_no_function():
    with pytest.raises(CatgradError, match="expected a function or a Module, got 3"):
        cg.trace(3, f32[3])


def test_values_do_not_leak_out_of_their_function():
    leaked = []
    cg.trace(leaked.append, f32[3])
    for use in (lambda x: x + leaked[0], lambda x: leaked[0], lambda x: cg.function(lambda y: y)(leaked[0])):
        with pytest.raises(CatgradError, match=r"belongs to another function being traced(.|\n)*test_trace.py"):
            cg.trace(use, f32[3])
    with pytest.raises(CatgradError, match="not known while tracing"):
        cg.exp(leaked[0])


def test_symbolic_dimensions_go_through_everything():
    b, s = cg.dim("B"), cg.dim("S", multiple_of=8)

    def f(x, w):
        h = cg.relu(x @ w + 1) / cg.nat_to_tensor(x.shape[1])
        flat = h.reshape(-1, 4)
        return cg.softmax(flat), cg.argmax(flat, axis=0), cg.one_hot(cg.arange(b), 3), x.T, cg.mean(x, axis=(0, 2))

    term = cg.trace(f, f32[b, s, 4], f32[4, 8])
    assert [str(t) for t in term.target_types] == ["f32[2*B*S, 4]", "i32[4]", "f32[B, 3]", "f32[4, S, B]", "f32[S]"]
    x, w = np.ones((2, 8, 4), np.float32), np.ones((4, 8), np.float32)
    soft, *_ = cg.interpret(term, x, w)
    np.testing.assert_allclose(soft, np.full((32, 4), 0.25), rtol=1e-6)
    assert [v.name for v in term.symbols] == ["B", "S"]
    bound = term.substitute({"B": 2, "S": 8})
    assert bound.symbols == ()
    cg.check(bound)


def test_a_shape_that_is_given_by_a_symbol():
    b = cg.dim("B")
    term = cg.trace(lambda x: cg.zeros((b, 2)) + cg.broadcast_to(cg.sum(x), (b, 2)), f32[b])
    assert cg.interpret(term, np.ones(3, np.float32)).tolist() == [[3.0, 3.0]] * 3


def test_long_functions():
    term = cg.trace(lambda x: reduce(lambda y, _: y + x, range(2000), x), f64[()])
    assert _operations(term).count("add") == 2000
    assert cg.interpret(term, np.float64(1)) == 2001.0
    cg.check(term)


def test_every_operation_knows_the_line_it_came_from():
    def f(x):
        y = cg.exp(x)
        return cg.sum(
            y,
            axis=0,
        )

    lines = {str(s.operation): s.location for s in cg.trace(f, f32[3]).steps}
    first = f.__code__.co_firstlineno
    assert lines["exp"].line == first + 1
    assert lines["exp"].function == "f"
    assert lines["sum[axes=(0,)]"].line == first + 2
    assert all(location.file == __file__ for location in lines.values())


def test_arrays_of_another_dtype_are_refused_where_they_stand():
    with pytest.raises(TypeCheckError, match=r"uint8(.|\n)*test_trace.py"):
        cg.trace(lambda x: x + np.zeros(3, np.uint8), f32[3])


def test_eager_and_traced_agree():
    f = lambda x: cg.softmax(cg.gelu(x) @ x.T)  # noqa: E731
    x = np.random.default_rng(0).normal(size=(3, 3))
    np.testing.assert_array_equal(f(x), cg.function(f)(x))
    np.testing.assert_array_equal(f(x), cg.interpret(cg.trace(f, f64[3, 3]), x))
