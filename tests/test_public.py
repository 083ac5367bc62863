"""Every public function and method is used from outside, compiled, on arrays whose results NumPy knows."""

import inspect
import math
from pathlib import Path

import numpy as np
import pytest

import catgrad as cg
from catgrad import nn, optim
from catgrad.autodiff import Learner
from catgrad.lang.var import Var
from catgrad.types import DType, bool_, f32, f64, i32

TESTS = Path(__file__).parent
X = np.array([[0.5, 1.25, 2.0], [3.0, 0.75, 1.5]])
Y = np.array([[2.0, -1.5, 0.25], [-0.5, 4.0, 1.5]])
K = np.array([[1, 0, 2], [2, 2, 0]], np.int32)
P = np.array([[True, False, True], [False, False, True]])
Q = np.array([[True, True, False], [False, True, False]])

erf = np.vectorize(math.erf)


def softmax(x):
    return np.exp(x) / np.exp(x).sum(-1, keepdims=True)


FUNCTIONS = {
    "abs": (lambda x, y, k, p, q: cg.abs(y), np.abs(Y)),
    "add": (lambda x, y, k, p, q: cg.add(x, y), X + Y),
    "all": (lambda x, y, k, p, q: cg.all(p, axis=0), P.all(0)),
    "any": (lambda x, y, k, p, q: cg.any(p, axis=1), P.any(1)),
    "arange": (lambda x, y, k, p, q: cg.arange(4), np.arange(4)),
    "argmax": (lambda x, y, k, p, q: cg.argmax(y, axis=1), Y.argmax(1)),
    "argmin": (lambda x, y, k, p, q: cg.argmin(y, axis=0), Y.argmin(0)),
    "broadcast_to": (lambda x, y, k, p, q: cg.broadcast_to(x, (2, 2, 3)), np.broadcast_to(X, (2, 2, 3))),
    "cast": (lambda x, y, k, p, q: cg.cast(y, i32), Y.astype(np.int32)),
    "ceil": (lambda x, y, k, p, q: cg.ceil(y), np.ceil(Y)),
    "clip": (lambda x, y, k, p, q: cg.clip(y, -1, 1), np.clip(Y, -1, 1)),
    "constant": (lambda x, y, k, p, q: cg.constant(Y), Y),
    "contract": (lambda x, y, k, p, q: cg.contract("ij,kj->ik", x, y), X @ Y.T),
    "cos": (lambda x, y, k, p, q: cg.cos(y), np.cos(Y)),
    "divide": (lambda x, y, k, p, q: cg.divide(x, y), X / Y),
    "equal": (lambda x, y, k, p, q: cg.equal(k, 2), K == 2),
    "erf": (lambda x, y, k, p, q: cg.erf(y), erf(Y)),
    "exp": (lambda x, y, k, p, q: cg.exp(y), np.exp(Y)),
    "expand_dims": (lambda x, y, k, p, q: cg.expand_dims(x, 1), X[:, None]),
    "expm1": (lambda x, y, k, p, q: cg.expm1(y), np.expm1(Y)),
    "floor": (lambda x, y, k, p, q: cg.floor(y), np.floor(Y)),
    "floor_divide": (lambda x, y, k, p, q: cg.floor_divide(y, x), Y // X),
    "full": (lambda x, y, k, p, q: cg.full((2, 2), 7.0), np.full((2, 2), 7.0)),
    "gelu": (lambda x, y, k, p, q: cg.gelu(y), Y * (1 + erf(Y / math.sqrt(2))) / 2),
    "greater": (lambda x, y, k, p, q: cg.greater(x, y), X > Y),
    "greater_equal": (lambda x, y, k, p, q: cg.greater_equal(x, 2), X >= 2),
    "iota": (lambda x, y, k, p, q: cg.iota((2, 3), axis=1), np.broadcast_to(np.arange(3), (2, 3))),
    "less": (lambda x, y, k, p, q: cg.less(x, y), X < Y),
    "less_equal": (lambda x, y, k, p, q: cg.less_equal(x, 2), X <= 2),
    "log": (lambda x, y, k, p, q: cg.log(x), np.log(X)),
    "log1p": (lambda x, y, k, p, q: cg.log1p(x), np.log1p(X)),
    "log_softmax": (lambda x, y, k, p, q: cg.log_softmax(y), np.log(softmax(Y))),
    "logical_and": (lambda x, y, k, p, q: cg.logical_and(p, q), P & Q),
    "logical_not": (lambda x, y, k, p, q: cg.logical_not(p), ~P),
    "logical_or": (lambda x, y, k, p, q: cg.logical_or(p, q), P | Q),
    "logical_xor": (lambda x, y, k, p, q: cg.logical_xor(p, q), P ^ Q),
    "logsumexp": (lambda x, y, k, p, q: cg.logsumexp(y, axis=1), np.log(np.exp(Y).sum(1))),
    "matmul": (lambda x, y, k, p, q: cg.matmul(x, y.T), X @ Y.T),
    "max": (lambda x, y, k, p, q: cg.max(y, axis=1), Y.max(1)),
    "maximum": (lambda x, y, k, p, q: cg.maximum(x, y), np.maximum(X, Y)),
    "mean": (lambda x, y, k, p, q: cg.mean(y, axis=0), Y.mean(0)),
    "min": (lambda x, y, k, p, q: cg.min(y), Y.min()),
    "minimum": (lambda x, y, k, p, q: cg.minimum(x, y), np.minimum(X, Y)),
    "multiply": (lambda x, y, k, p, q: cg.multiply(x, y), X * Y),
    "nat_to_tensor": (lambda x, y, k, p, q: cg.nat_to_tensor(x.shape[1], f64), np.float64(3)),
    "negative": (lambda x, y, k, p, q: cg.negative(y), -Y),
    "not_equal": (lambda x, y, k, p, q: cg.not_equal(k, 2), K != 2),
    "one_hot": (lambda x, y, k, p, q: cg.one_hot(k, 3), np.eye(3)[K]),
    "ones": (lambda x, y, k, p, q: cg.ones((2,)), np.ones(2)),
    "permute_dims": (lambda x, y, k, p, q: cg.permute_dims(x, (1, 0)), X.T),
    "pow": (lambda x, y, k, p, q: cg.pow(x, y), X**Y),
    "reciprocal": (lambda x, y, k, p, q: cg.reciprocal(y), 1 / Y),
    "relu": (lambda x, y, k, p, q: cg.relu(y), np.maximum(Y, 0)),
    "remainder": (lambda x, y, k, p, q: cg.remainder(y, x), Y % X),
    "reshape": (lambda x, y, k, p, q: cg.reshape(x, (3, -1)), X.reshape(3, 2)),
    "round": (lambda x, y, k, p, q: cg.round(y), np.round(Y)),
    "rsqrt": (lambda x, y, k, p, q: cg.rsqrt(x), 1 / np.sqrt(X)),
    "sigmoid": (lambda x, y, k, p, q: cg.sigmoid(y), 1 / (1 + np.exp(-Y))),
    "sign": (lambda x, y, k, p, q: cg.sign(y), np.sign(Y)),
    "silu": (lambda x, y, k, p, q: cg.silu(y), Y / (1 + np.exp(-Y))),
    "sin": (lambda x, y, k, p, q: cg.sin(y), np.sin(Y)),
    "softmax": (lambda x, y, k, p, q: cg.softmax(y), softmax(Y)),
    "softplus": (lambda x, y, k, p, q: cg.softplus(y), np.log1p(np.exp(Y))),
    "sqrt": (lambda x, y, k, p, q: cg.sqrt(x), np.sqrt(X)),
    "square": (lambda x, y, k, p, q: cg.square(y), Y**2),
    "squeeze": (lambda x, y, k, p, q: cg.squeeze(cg.expand_dims(x, 0), 0), X),
    "stop_gradient": (lambda x, y, k, p, q: cg.stop_gradient(x), X),
    "subtract": (lambda x, y, k, p, q: cg.subtract(x, y), X - Y),
    "sum": (lambda x, y, k, p, q: cg.sum(y, axis=1, keepdims=True), Y.sum(1, keepdims=True)),
    "tanh": (lambda x, y, k, p, q: cg.tanh(y), np.tanh(Y)),
    "trunc": (lambda x, y, k, p, q: cg.trunc(y), np.trunc(Y)),
    "where": (lambda x, y, k, p, q: cg.where(p, x, y), np.where(P, X, Y)),
    "zeros": (lambda x, y, k, p, q: cg.zeros((3, 1)), np.zeros((3, 1))),
    "nn.mse": (lambda x, y, k, p, q: nn.mse(x, y), ((X - Y) ** 2).mean()),
    "nn.softmax_cross_entropy": (
        lambda x, y, k, p, q: nn.softmax_cross_entropy(y, cg.argmax(x, axis=1)),
        -np.log(softmax(Y))[[0, 1], X.argmax(1)].mean(),
    ),
    "Var.T": (lambda x, y, k, p, q: x.T, X.T),
    "Var.astype": (lambda x, y, k, p, q: cg.add(x, 0).astype(f32), X.astype(np.float32)),
    "Var.dtype": (lambda x, y, k, p, q: cg.zeros((1,), x.dtype), np.zeros(1)),
    "Var.max": (lambda x, y, k, p, q: x.max(axis=0), X.max(0)),
    "Var.ndim": (lambda x, y, k, p, q: x * x.ndim, 2 * X),
    "Var.permute_dims": (lambda x, y, k, p, q: x.permute_dims(1, 0), X.T),
    "Var.reshape": (lambda x, y, k, p, q: x.reshape(3, -1), X.reshape(3, 2)),
    "Var.shape": (lambda x, y, k, p, q: cg.ones(x.shape, f64), np.ones_like(X)),
    "Var.sum": (lambda x, y, k, p, q: x.sum(axis=1, keepdims=True), X.sum(1, keepdims=True)),
}
"""Functions of arrays and methods of traced values, with what NumPy says of their results."""

TYPES = (f64[2, 3], f64[2, 3], i32[2, 3], bool_[2, 3], bool_[2, 3])


def test_functions_of_arrays():
    exe = cg.compile(lambda *arguments: {name: f(*arguments) for name, (f, _) in FUNCTIONS.items()}, *TYPES)
    for name, result in exe(X, Y, K, P, Q).items():
        np.testing.assert_allclose(result, FUNCTIONS[name][1], rtol=1e-6, atol=1e-7, err_msg=name)


class Scaled(cg.Module):
    """Two layers and a parameter of its own."""

    def __init__(self):
        self.layer = nn.Linear(3, 2, dtype=f64, initializer=nn.init.normal(0.5))
        self.factor = cg.Parameter(f64[2], nn.init.uniform(1.0))
        self.shift = cg.Parameter(f64[2], nn.init.zeros)

    def forward(self, x):
        return self.layer(x) * self.factor + self.shift


MODEL = Scaled()
VALUES = MODEL.init(seed=1)
PREDICTED = (X @ VALUES["layer.weight"].T + VALUES["layer.bias"]) * VALUES["factor"]
TARGETS = np.ones((2, 2))
GRADIENT = (2 * (PREDICTED - TARGETS) / 4).sum(0)
"""That of the mean squared error in the parameter `shift`, which is added to every row."""


def test_derivatives():
    one = cg.compile(cg.grad(lambda x: cg.sum(x * x)), f64[2, 3])(X)
    value, two = cg.compile(cg.value_and_grad(lambda x: cg.sum(x * x)), f64[2, 3])(X)
    result, (three,) = cg.compile(cg.vjp(cg.function(lambda x: x * x)), f64[2, 3], f64[2, 3])(X, np.ones_like(X))
    for gradient in (one, two, three):
        np.testing.assert_allclose(gradient, 2 * X)
    np.testing.assert_allclose((value, result.sum()), (X**2).sum())


def test_modules():
    assert list(MODEL.parameters()) == list(VALUES) == ["factor", "layer.bias", "layer.weight", "shift"]
    assert VALUES["shift"].tolist() == [0.0, 0.0]
    assert abs(VALUES["factor"]).max() <= 1
    assert abs(nn.init.fan_in(4)(np.random.default_rng(0), (9,))).max() <= 0.5
    assert VALUES["factor"].tolist() != MODEL.parameters()["factor"].initial(np.random.default_rng(0)).tolist()
    values, x = {path: f64[value.shape] for path, value in VALUES.items()}, f64["B", 3]
    for exe in (
        cg.compile(MODEL, x),
        cg.compile(MODEL.as_function(), x),
        cg.compile(MODEL.apply, values, x),
        cg.compile(lambda values, x: MODEL.bind(values).forward(x), values, x),
        cg.compile(lambda values, x: MODEL.bind(values)(x), values, x),
    ):
        np.testing.assert_allclose(exe(VALUES, X), PREDICTED)


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("optimizer", "step"),
    [
        (optim.sgd(0.1, momentum=0.5), 0.1 * GRADIENT),
        (optim.adam(0.1), 0.1 * np.sign(GRADIENT)),
    ],
    ids=["sgd", "adam"],
)
def test_learners(optimizer, step):
    learner = cg.learner(MODEL, loss=nn.mse, optimizer=optimizer)
    state = learner.init(seed=1)
    state, loss = cg.compile(learner.step, f64["B", 3], f64["B", 2])(state, X, TARGETS)
    np.testing.assert_allclose(loss, ((PREDICTED - TARGETS) ** 2).mean())
    np.testing.assert_allclose(state["parameters"]["shift"], -step, rtol=1e-5)
    predicted = cg.compile(learner.predict, f64["B", 3])(VALUES, X)
    np.testing.assert_allclose(predicted, PREDICTED)


def test_terms_and_executables(tmp_path):
    b = cg.dim("B")
    term = cg.trace(lambda x: cg.tanh(x), f64[b, 3])
    assert cg.check(term)[0] is f64[b, 3]
    again = cg.from_json(term.to_json())
    exe = cg.compile(again, bind={"B": 2})
    exe.save(tmp_path / "f.catgrad")
    for run in (exe, cg.load(tmp_path / "f.catgrad"), lambda x: cg.interpret(term, x)):
        np.testing.assert_allclose(run(X), np.tanh(X))
    np.testing.assert_allclose(term.substitute({"B": 2}).evaluate(np, X)[0], np.tanh(X))
    assert exe.stages == cg.stages()
    for text in (exe.ir("catgrad"), term.to_mlir(), term.to_dot(), term.to_svg()):
        assert "tanh" in text


def _public(kind):
    """Yield the names of the methods and properties that users call on objects of a class."""
    for name, value in vars(kind).items():
        if not name.startswith("_") and (inspect.isroutine(value) or isinstance(value, property)):
            yield name


def _names():
    """Yield what users write for every public function and method."""
    for name in cg.__all__:
        value = getattr(cg, name)
        if callable(value) and not isinstance(value, type | DType):
            yield f"cg.{name}("
    for prefix, module in (("nn", nn), ("nn.init", nn.init), ("optim", optim)):
        for name, value in vars(module).items():
            is_own = getattr(value, "__module__", "").startswith(module.__name__)
            if callable(value) and is_own and not (name.startswith("_") or inspect.isabstract(value)):
                yield f"{prefix}.{name}"
    for kind in (cg.Module, cg.Parameter, cg.Executable, Learner, Var):
        for name in _public(kind):
            yield f".{name}"


def test_every_public_name_is_in_a_test():
    own = Path(__file__).read_text(encoding="utf-8")
    libraries = (TESTS / "export" / "test_calls.py").read_text(encoding="utf-8")
    missing = [name for name in _names() if name not in own and name not in libraries]
    assert not missing, f"use {', '.join(missing)} in a test of {Path(__file__).name}"
