"""Errors for operations of Python and NumPy that traced values, sizes and settings do not support.

Each error is shown at the user's line, and its traceback ends there.
"""

import copy
import math
import pickle
import re
from fractions import Fraction

import numpy as np
import pytest
from framing import frames

import catgrad as cg
from catgrad import nn, optim
from catgrad.errors import CatgradError
from catgrad.types import f32, f64

B = cg.dim("B")
ONES = np.ones(3, np.float32)


def refused(f):
    """Return the message of the error that `f` raises, after a look at where it is shown."""
    with pytest.raises(CatgradError) as caught:
        f()
    assert {frame.f_code.co_filename for frame in frames(caught.value)} == {__file__}
    assert caught.value.location.file == __file__
    return caught.value.message


def set_item(x):
    x[0] = 1


def delete_item(x):
    del x[0]


def enter(x):
    with x:
        pass


def drive(coroutine):
    """Return a function that runs a coroutine of a value to its end."""

    def run(x):
        try:
            coroutine(x).send(None)
        except StopIteration:
            pass

    return run


async def wait(x):
    await x


async def loop(x):
    async for _ in x:
        pass


async def enter_later(x):
    async with x:
        pass


def add_in_place(x):
    array = np.ones(3, np.float32)
    array += x


ON_VALUES = {
    "use cg.where": [bool, lambda x: 1 if x > 0 else 2, lambda x: x in [1, 2], lambda x: min(x, 0), lambda x: x and 1],
    "functions of catgrad instead of those of math": [
        *(int, float, complex, bytes, range, math.sqrt, math.exp, math.isnan),
        lambda x: [1, 2][x],
    ],
    "cg.round": [round, lambda x: round(x, 2)],
    "cg.floor": [math.floor],
    "cg.ceil": [math.ceil],
    "cg.trunc": [math.trunc],
    "compute with all of them at once": [
        *(iter, next, reversed, list, sorted, sum, max, dict, enumerate),
        *(lambda x: [*x], lambda x: list(zip(x, x, strict=True))),
    ],
    "cg.any": [lambda x: 1 in x],
    "cannot be indexed": [lambda x: x[0], lambda x: x[:, None], lambda x: x[..., 1:2], lambda x: x[x > 0]],
    "cannot be changed": [set_item, delete_item],
    "x.shape": [len],
    "no text in the format": [lambda x: f"{x:.2f}", lambda x: "{:d}".format(x)],  # noqa: UP032
    "x // y and x % y": [lambda x: divmod(x, 2), lambda x: divmod(2, x)],
    "power of 2": [lambda x: x << 1, lambda x: 1 >> x],
    "is no function": [lambda x: x(1)],
    "is no context manager": [enter, drive(enter_later)],
    "cannot be waited for": [drive(wait), drive(loop)],
    "return it as a result": [pickle.dumps],
    "NumPy cannot make an array": [np.asarray, np.array, lambda x: np.array([x, x]), np.float32],
    "write a = a \\+ x": [add_in_place],
    "numpy.exp takes no traced values: write cg.exp": [np.exp],
    "write cg.sum": [np.sum, lambda x: np.sum(x, axis=0)],
    "write cg.matmul": [lambda x: np.dot(x, x), lambda x: np.dot(ONES, x)],
    "write cg.maximum": [lambda x: np.maximum(x, 0), lambda x: np.maximum(ONES, x)],
    "write cg.where": [lambda x: np.where(x > 0, x, 0)],
    "write cg.mean": [np.mean, lambda x: x.mean()],
    "docs/operations.md": [
        *(np.cumsum, np.zeros_like, np.add.reduce, lambda x: np.concatenate([x, x]), lambda x: np.stack([x, x])),
        lambda x: np.einsum("i,i->", x, x),
    ],
    "numpy.linalg.norm": [np.linalg.norm],
    "has no attribute (grad|load): use functions of catgrad": [lambda x: x.grad, lambda x: x.load()],
    r"has no attribute squeeze: write cg.squeeze\(x\)": [lambda x: x.squeeze(0)],
    "has no attribute": [lambda x: x.item(), lambda x: x.numpy(), lambda x: x.foo],
    "cannot? be set|can be set": [lambda x: setattr(x, "requires_grad", True)],
    "expected an array or a number, got NoneType": [lambda x: x == None, lambda x: x < None, lambda x: None + x],  # noqa: E711
    "expected an array or a number, got str": [lambda x: x == "a", lambda x: "a" + x, lambda x: "a" * x],
    "expected an array or a number, got (tuple|complex|object)": [
        lambda x: x * (1, 2, 3),
        *(lambda x: x * 1j, lambda x: x + object()),
    ],
    "unexpected keyword argument|takes .* arguments": [
        *(lambda x: x.sum(dim=0), lambda x: cg.exp(x, out=x)),
    ],
    "takes no modulus": [lambda x: pow(x, 2, 3)],
}

ON_SIZES = {
    "cg.nat_to_tensor": [
        *(lambda x: x / x.shape[0], lambda x: x.shape[0] - x, lambda x: cg.where(x > 0, x, x.shape[0])),
        *(lambda x: x.shape[0] ** -0.5, lambda x: x.shape[0] ** 2, lambda x: 2 ** x.shape[0]),
        *(lambda x: x.shape[0] / 2, lambda x: 1 / x.shape[0], lambda x: x.shape[0] * 0.5, lambda x: 0.5 - x.shape[0]),
        *(lambda x: x.shape[0] // 2.0, lambda x: x.shape[0] % None, lambda x: "a" + x.shape[0]),
        *(lambda x: x.shape[0] << 1, lambda x: divmod(x.shape[0], 2), lambda x: np.sqrt(x.shape[0])),
        *(lambda x: x.shape[0] * ONES, lambda x: np.float64(2) * x.shape[0], lambda x: x / math.prod(x.shape)),
        lambda x: x.shape[0],
    ],
    "is not known when tracing": [
        *(lambda x: float(x.shape[0]), lambda x: int(x.shape[0]), lambda x: round(x.shape[0])),
        *(lambda x: range(x.shape[0]), lambda x: math.sqrt(x.shape[0]), lambda x: abs(x.shape[0])),
        *(lambda x: np.zeros(x.shape), lambda x: x if x.shape[0] > 3 else -x, lambda x: x if x.shape[0] else -x),
        *(lambda x: min(x.shape[0], 8), lambda x: f"{x.shape[0]:d}"),
    ],
}


def cases(table):
    return [pytest.param(f, message, id=f"{message}-{i}") for message, fs in table.items() for i, f in enumerate(fs)]


@pytest.mark.parametrize(("f", "message"), cases(ON_VALUES))
def test_what_traced_values_cannot_do(f, message):
    assert re.search(message, refused(lambda: cg.trace(lambda x: f(x), f32[3])))


def test_an_executable_takes_no_traced_values():
    exe = cg.compile(lambda y: y * 2, f32[3])
    message = "must be f32.3., but got <traced f32.3.>, which has a type but no elements: an executable takes arrays; "
    for f in (
        lambda: cg.grad(lambda z: cg.sum(exe(z)))(ONES),
        lambda: cg.trace(lambda x: exe(x), f32[3]),
        lambda: cg.compile(exe, f32[3]),
    ):
        assert re.search(message + "in a function that is traced, call what it was compiled from$", refused(f))


@pytest.mark.parametrize(("f", "message"), cases(ON_SIZES))
def test_what_sizes_cannot_do(f, message):
    assert message in refused(lambda: cg.trace(lambda x: f(x), f32[B]))


def test_what_traced_values_can_do():
    def f(x):
        assert copy.copy(x) is copy.deepcopy(x) is +x is x
        assert {x: 1}[x] == 1
        assert f"{x}" == str(x) == "<traced f32[3]>"
        assert not hasattr(x, "__array_namespace__")
        y = x
        y += 1
        y @= np.ones((3, 3), np.float32)
        logic = (True & (x > 0)) | (False ^ (x > 1))
        sides = ONES + x, ONES - x, ONES * x, ONES / x, ONES // x, ONES % x, ONES**x, ONES @ x, np.float32(2) * x
        compared = ONES == x, ONES != x, ONES < x, ONES <= x, ONES > x, ONES >= x, (ONES > 0) & (x > 0)
        return y, logic, sides, compared

    x = np.array([0.5, 1.0, 2.0], np.float32)
    y, logic, sides, compared = cg.interpret(cg.trace(f, f32[3]), x)
    np.testing.assert_allclose(y, (x + 1) @ np.ones((3, 3)))
    assert logic.tolist() == [True, True, True]
    expected = ONES + x, ONES - x, ONES * x, ONES / x, ONES // x, ONES % x, ONES**x, ONES @ x, 2 * x
    for a, b in zip(sides, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)
    expected = ONES == x, ONES != x, ONES < x, ONES <= x, ONES > x, ONES >= x, x > 0
    assert [c.tolist() for c in compared] == [c.tolist() for c in expected]


def test_what_sizes_can_do():
    two = np.int64(2)
    assert (two * B, two + B, two - B, B // two, two // B) == (2 * B, B + 2, 2 - B, B // 2, 2 // B)
    assert (two != B, two == B, f"{B}", f"{B:s}") == (True, False, "B", "B")
    assert cg.trace(lambda x: x.reshape(np.prod(x.shape)), f32[B, 2]).target_types == (f32[2 * B],)


def linear(initializer):
    return nn.Linear(3, 2, initializer=initializer).init()


def loss(predictions):
    return cg.sum(predictions)


LAYER = nn.Linear(3, 2)


def identity(x):
    return x


SETTINGS = {
    "inputs must be a known integer that is not negative, given": [
        *(lambda: nn.Linear(-1, 2), lambda: nn.Linear(2.5, 2), lambda: nn.Linear("a", 2), lambda: nn.Linear(True, 2)),
        *(lambda: nn.Linear(None, 2), lambda: nn.Linear(B, 2), lambda: nn.init.fan_in(-1), lambda: nn.init.fan_in("a")),
    ],
    "outputs must be a known integer": [lambda: nn.Linear(2, -1)],
    "Linear: missing 1 required positional argument: 'outputs'": [lambda: nn.Linear(3)],
    "parameters of a linear layer are floats, given the dtype i32": [lambda: nn.Linear(3, 2, dtype=cg.i32)],
    "expected one of the dtypes": [lambda: nn.Linear(3, 2, dtype="f33")],
    "bias must be True or False, given 'no'": [lambda: nn.Linear(3, 2, bias="no")],
    "an initializer is a function of a generator and a shape": [
        *(lambda: linear(3), lambda: linear("zeros"), lambda: linear(lambda shape: 0), lambda: linear(np.ndarray)),
    ],
    "has to give numbers of the shape (2,), and gives float64 of the shape (7,)": [
        lambda: linear(lambda g, s: np.ones(7))
    ],
    "has to give numbers of the shape": [
        *(lambda: linear(lambda g, s: 0.0), lambda: linear(lambda g, s: "a"), lambda: linear(lambda g, s: None)),
        lambda: linear(lambda g, s: np.zeros(s, complex)),
    ],
    "bound must be in [0, inf)": [lambda: nn.init.uniform(-1), lambda: nn.init.uniform("a")],
    "deviation must be in [0, inf)": [lambda: nn.init.normal(None), lambda: nn.init.normal(float("nan"))],
    "rate must be in [0, inf), given": [
        *(lambda: optim.adam("fast"), lambda: optim.adam(None), lambda: optim.adam(-1), lambda: optim.adam(1j)),
        *(lambda: optim.adam(float("nan")), lambda: optim.adam(float("inf")), lambda: optim.adam(True)),
        *(lambda: optim.adam(np.ones(3)), lambda: optim.adam([0.1]), lambda: optim.adam(lambda step: 0.1)),
        lambda: optim.sgd("0.1"),
    ],
    "beta1 must be in [0, 1), given 2": [lambda: optim.adam(beta1=2)],
    "momentum must be in [0, 1), given 'a'": [lambda: optim.sgd(0.1, momentum="a")],
    "nesterov must be True or False, given 'yes'": [lambda: optim.sgd(0.1, momentum=0.9, nesterov="yes")],
    "adam: got an unexpected keyword argument 'lr'": [lambda: optim.adam(lr=0.1)],
    "sgd: missing 1 required positional argument: 'rate'": [lambda: optim.sgd()],
    "learner: the loss, such as cg.nn.mse, is a function of predictions and targets, given": [
        lambda: cg.learner(LAYER, loss="mse", optimizer=optim.adam()),
        lambda: cg.learner(LAYER, loss=loss, optimizer=optim.adam()),
        lambda: cg.learner(LAYER, loss=None, optimizer=optim.adam()),
    ],
    "such as cg.optim.adam(), given adam itself: call it": [
        lambda: cg.learner(LAYER, loss=nn.mse, optimizer=optim.adam),
    ],
    "such as cg.optim.adam(), given 'adam'": [lambda: cg.learner(LAYER, loss=nn.mse, optimizer="adam")],
    "the model is a Module": [
        lambda: cg.learner(identity, loss=nn.mse, optimizer=optim.adam()),
        lambda: cg.learner(nn.Linear, loss=nn.mse, optimizer=optim.adam()),
    ],
    "learner: takes 1 positional argument but 3 were given": [lambda: cg.learner(LAYER, nn.mse, optim.adam())],
    "seed must be a known integer that is not negative, given": [lambda: LAYER.init("a"), lambda: LAYER.init(-1)],
    "expected values by the names of parameters, got": [lambda: LAYER.bind(3), lambda: LAYER.apply(None, ONES)],
    "missing parameters ['bias', 'weight'], unknown ['a']": [lambda: LAYER.bind({"a": 1})],
    "has no value here": [lambda: LAYER(ONES)],
    "expected a function or a Module, got": [
        *(lambda: cg.compile(3, f32[3]), lambda: cg.trace("f", f32[3]), lambda: cg.grad(None), lambda: cg.vjp("f")),
        lambda: cg.value_and_grad(3),
    ],
    "got the class Linear: make one of it, Linear(...)": [lambda: cg.compile(nn.Linear, f32[3])],
    "expected a function, got 3": [lambda: cg.function(3)],
    "expected the type of an argument, such as cg.f32[3, 4], or an array, got <class 'numpy.float32'>: cg.f32[()]": [
        lambda: cg.compile(identity, np.float32),
    ],
    "or an array, got f32: cg.f32[()] is the type of one number": [lambda: cg.compile(nn.mse, f32[3], f32)],
    "or an array, got": [
        *(lambda: cg.trace(identity, "f32[3]"), lambda: cg.trace(identity, object)),
        lambda: cg.trace(identity, np.dtype("f8")),
    ],
    "expected a type, got B: write cg.f32[B]": [lambda: cg.trace(identity, B)],
    "a target is named by a string": [
        lambda target=target: cg.compile(identity, f32[3], target=target) for target in (None, 3, ["cpu"])
    ],
    "target": [lambda: cg.compile(identity, f32[3], target="gpu"), lambda: cg.stages("gpu"), lambda: cg.stages(None)],
    "bind: ": [
        lambda bind=bind: cg.compile(identity, f32[B], bind=bind)
        for bind in ("B", {"B": -1}, {"B": 1.5}, {"B": None}, {"C": 3, 3: 4}, [("B", 3)], {cg.dim("C"): 3})
    ],
    "donate: identity takes 1 arguments, counted from 0; given": [
        *(
            lambda donate=donate: cg.compile(identity, f32[3], donate=donate)
            for donate in ("x", 5, 0.0, -1, (0, 0), [None], object())
        ),
        lambda: cg.compile(identity, f32[3], donate=True),
    ],
    "compile: got an unexpected keyword argument 'device'": [lambda: cg.compile(identity, f32[3], device="gpu")],
    "interpret takes a term": [lambda: cg.interpret(identity, ONES)],
    "check takes a term": [lambda: cg.check(identity)],
    "load takes the path of a file, got 3": [lambda: cg.load(3)],
    "this is no catgrad term": [lambda: cg.from_json(3)],
    "a dimension needs a name of ASCII letters, digits and _, beginning with no digit, that is no keyword of Python": [
        *(lambda n=n: cg.dim(n) for n in (3, None, "", "β", "1a", "a b", "for", "max"))
    ],
    "to be an integer of 64 bits, got": [lambda: cg.dim("B", min="a"), lambda: cg.dim("B", multiple_of=2.0)],
    "the extent of an axis": [lambda: f32[-1], lambda: f32[1.5], lambda: f32[None], lambda: f32[...], lambda: f32[1:2]],
}


@pytest.mark.parametrize(("f", "message"), cases(SETTINGS))
def test_settings_that_cannot_be(f, message):
    assert message in refused(f)


def test_a_parameter_that_cannot_be():
    for type in (3, "f32[3]", f32[B], f32):
        with pytest.raises(CatgradError, match="a parameter has a type with known extents"):
            cg.Parameter(type, nn.init.zeros)
    with pytest.raises(AttributeError, match="has no value here, and no T: trace the module"):
        LAYER.forward(ONES)
    assert copy.deepcopy(LAYER).parameters().keys() == LAYER.parameters().keys()


def test_numbers_of_numpy_are_numbers():
    rates = (np.logspace(-4, -1, 4)[2], np.float32(0.5), np.array(0.25), np.int64(1), Fraction(1, 4), 1)
    assert [optim.adam(rate) for rate in rates] == [optim.adam(float(rate)) for rate in rates]
    assert type(optim.sgd(np.float64(0.1), momentum=np.float32(0.5)).momentum) is float
    layer = nn.Linear(np.int64(3), np.int32(2), bias=np.bool_(True), dtype=np.float64)
    assert layer.parameters()["weight"].type is f64[2, 3]
    assert layer.init(np.uint8(0)).keys() == {"weight", "bias"}
    assert cg.trace(cg.grad(lambda x: cg.sum(x), wrt=np.int64(0)), f32[3]).type == "(f32[3]) -> f32[3]"


def test_symbols_stand_for_their_names():
    exe = cg.compile(identity, f32[B], bind={B: np.int64(3)})
    assert exe(ONES).tolist() == ONES.tolist()
