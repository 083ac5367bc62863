"""The family of errors, and how each shows the user's line."""

import inspect
import pickle

import numpy as np
import pytest

import catgrad as cg
from catgrad import errors, nn, optim
from catgrad.errors import ArgumentError, CatgradError, CompileError, RegistryError, TypeCheckError
from catgrad.lang import functions
from catgrad.location import Location
from catgrad.ops.op import OPS


@pytest.mark.parametrize("name", [name for name in errors.__all__ if isinstance(getattr(errors, name), type)])
def test_one_except_catches_them_all(name):
    assert issubclass(getattr(errors, name), CatgradError)


@pytest.mark.parametrize(
    ("error", "builtin"),
    [
        (TypeCheckError, TypeError),
        (ArgumentError, ValueError),
        (CompileError, RuntimeError),
        (RegistryError, LookupError),
    ],
)
def test_they_are_the_errors_of_python_too(error, builtin):
    assert issubclass(error, builtin)


def test_an_error_gets_a_place_once():
    first, second = Location("f.py", 1), Location("g.py", 2)
    error = CatgradError("wrong")
    error.locate(None)
    assert str(error) == "wrong"
    error.locate(first)
    error.locate(second)
    assert str(error) == "wrong\n  at f.py:1"
    assert (error.message, error.location) == ("wrong", first)


F = cg.f32

USES = {
    "typing rule": lambda x: cg.exp(cg.cast(x, cg.i32)),
    "mixed dtypes": lambda x: x + cg.cast(x, cg.f64),
    "broadcasting": lambda x: x + cg.ones((7,)),
    "matmul": lambda x: x @ x,
    "reshape": lambda x: x.reshape(7, -1),
    "axis": lambda x: cg.sum(x, axis=5),
    "number": lambda x: cg.cast(x, cg.i32) + 1.5,
    "shape": lambda x: cg.zeros("ab"),
    "spec": lambda x: cg.contract("ij", x, x),
    "layer": lambda x: nn.Linear(3, 2).apply({}, x),
    "loss": lambda x: nn.mse(x, cg.ones((7,))),
    "inside a definition": cg.function(lambda x: x.reshape(7)),
    "inside a gradient": lambda x: cg.grad(lambda y: y)(x),
    "truth": lambda x: 1 if x == x else 2,
}


@pytest.mark.parametrize("name", USES)
def test_errors_while_tracing_show_the_users_line(name):
    with pytest.raises(CatgradError) as caught:
        cg.trace(lambda x: USES[name](x), F[2, 3])
    assert caught.value.location.file == __file__
    assert f'"{name}": ' in str(caught.value) or "USES[name](x)" in str(caught.value)


AT_ONCE = {
    "squeeze": lambda x: cg.squeeze(x, 0),
    "squeeze of no axis": lambda x: cg.squeeze(x),
    "expand_dims": lambda x: cg.expand_dims(x, 7),
    "one_hot": lambda x: cg.one_hot(x, 3),
    "one_hot of no classes": lambda x: cg.one_hot(x),
    "full": lambda x: cg.full((2, "a"), 1),
    "zeros": lambda x: cg.zeros((2, 2.5)),
    "ones": lambda x: cg.ones(),
    "arange": lambda x: cg.arange(3, 4, 5),
    "mse": lambda x: nn.mse(x, np.ones(7)),
    "mse of one": lambda x: nn.mse(x),
    "labels": lambda x: nn.softmax_cross_entropy(x, np.ones(7, np.int32)),
    "float to ignore": lambda x: nn.softmax_cross_entropy(x, np.array([0, 1]), ignore_index=1.5),
    "bool to ignore": lambda x: nn.softmax_cross_entropy(x, np.array([0, 1]), ignore_index=True),
    "clip": lambda x: cg.clip(x),
    "gelu": lambda x: cg.gelu(x, "tanh"),
    "approximation": lambda x: cg.gelu(x, approximate="sinh"),
    "softmax": lambda x: cg.softmax(x, axis=5),
    "softmax of a half": lambda x: cg.softmax(x.astype(np.float16), axis=5),
    "option": lambda x: cg.mean(x, dim=1),
    "parameter": lambda x: cg.Parameter(),
    "typed parameter": lambda x: cg.Parameter(3, nn.init.zeros),
    "layer": lambda x: nn.Linear(3),
}


@pytest.mark.parametrize("name", AT_ONCE)
def test_errors_at_once_end_at_the_users_line(name):
    with pytest.raises(CatgradError) as caught:
        AT_ONCE[name](np.ones((2, 3), np.float32))
    assert caught.value.location.file == __file__
    assert f'"{name}": ' in str(caught.value)
    assert {entry.path.name for entry in caught.traceback} == {"test_errors.py"}


FUNCTIONS = {
    f"{module.__name__}.{name}": getattr(module, name)
    for module, names in ((cg, cg.__all__), (nn, dir(nn)), (optim, dir(optim)))
    for name in names
    if inspect.isfunction(getattr(module, name)) or getattr(module, name) in OPS.values()
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_no_public_function_takes_anything(name):
    with pytest.raises(CatgradError) as caught:
        FUNCTIONS[name](nonesuch=1)
    assert {entry.path.name for entry in caught.traceback} == {"test_errors.py"}


def test_errors_at_once_do_not_need_a_place():
    with pytest.raises(TypeCheckError, match="add cannot broadcast") as caught:
        cg.add(np.ones(3), np.ones(4))
    assert caught.value.message == str(caught.value).splitlines()[0]


COMPOSITES = {
    **{f"{name}": getattr(cg, name) for name in functions.__all__},
    **{name: getattr(cg, name) for name in "matmul expand_dims squeeze one_hot full zeros ones arange".split()},
    "mse": nn.mse,
    "softmax_cross_entropy": nn.softmax_cross_entropy,
}
MORE = {"clip": (0, 1), "matmul": (1.0,), "expand_dims": (0,), "squeeze": (0,), "one_hot": (3,), "full": (1,)}
BAD = np.ones((2, 3), np.uint8)


@pytest.mark.parametrize("name", COMPOSITES)
def test_composites_name_themselves(name):
    more = MORE.get(name, (BAD,) if name in ("mse", "softmax_cross_entropy") else ())
    with pytest.raises(CatgradError) as caught:
        COMPOSITES[name](BAD, *more)
    assert caught.value.message.startswith((f"{name}: ", f"{name} "))
    assert str(caught.value).startswith(caught.value.message)
    assert str(caught.value).count(f"{name}: ") <= 2
    assert {entry.path.name for entry in caught.traceback} == {"test_errors.py"}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: cg.softmax(x, axis=3), "softmax: max: axis 3 is out of range for rank 2"),
        (lambda x: nn.softmax_cross_entropy(x, cg.cast(x, cg.f64)), "softmax_cross_entropy: multiply needs operands"),
        (lambda x: cg.mean(x > 0), "mean: sum is defined for i32"),
        (lambda x: cg.arange(3.5), "arange: iota: a shape has integers and dimensions, not 3.5"),
        (
            lambda x: cg.arange(2**70),
            "arange: iota: the extent of an axis does not fit in 64 bits: 11805916",
        ),
        (lambda x: x @ x, "matmul: contract 'ik,kj->ij': index k is 3"),
        (lambda x: x + "a", "add: expected an array or a number, got str"),
        (lambda x: pow(x, 2, 3), "pow of traced values takes no modulus: write x**y % z"),
        (lambda x: np.exp(np.ones((2, 3)), out=x), "numpy.exp takes no traced values: write cg.exp"),
        (lambda x: np.exp(x, out=np.ones((2, 3))), "numpy.exp takes no traced values: write cg.exp"),
        (lambda x: np.add(np.ones((2, 3)), x, out=np.ones((2, 3))), "numpy.add takes no traced values: write cg.add"),
        (lambda x: np.ones((2, 3)).__iadd__(x), "an array cannot hold traced values: write a = a + x"),
    ],
)
def test_errors_name_what_was_called(call, message):
    with pytest.raises(CatgradError) as caught:
        cg.trace(call, F[2, 3])
    assert caught.value.message.startswith(message)
    assert caught.value.location.file == __file__


def test_the_users_own_functions_are_not_blamed_for_what_they_call():
    with pytest.raises(TypeCheckError) as caught:
        cg.compile(cg.grad(cg.function(lambda x: cg.sum(cg.exp(x)))), cg.i32[3])
    assert caught.value.message.startswith("exp is defined for")


def test_an_error_that_names_its_function_can_be_pickled():
    with pytest.raises(TypeCheckError) as caught:
        cg.softmax(BAD)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.message) == (str(caught.value), caught.value.message)
