"""Every public function and method is called from outside, compiled, on arrays whose results NumPy knows."""

import inspect
import math
import sys

import numpy as np
import pytest

import catgrad as cg
from catgrad import cached, errors, nn, optim
from catgrad.autodiff import Learner
from catgrad.dims import Dim, Symbol
from catgrad.lang.function import Function, PythonFunction
from catgrad.lang.var import Var
from catgrad.ops import Op, precision
from catgrad.types import DType, TensorType, bool_, f16, f32, f64, i32

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
    "Var +": (lambda x, y, k, p, q: x + y, X + Y),
    "Var r+": (lambda x, y, k, p, q: 2 + y, 2 + Y),
    "Var -": (lambda x, y, k, p, q: x - y, X - Y),
    "Var r-": (lambda x, y, k, p, q: 2 - y, 2 - Y),
    "Var *": (lambda x, y, k, p, q: x * y, X * Y),
    "Var r*": (lambda x, y, k, p, q: 2 * y, 2 * Y),
    "Var /": (lambda x, y, k, p, q: x / y, X / Y),
    "Var r/": (lambda x, y, k, p, q: 2 / y, 2 / Y),
    "Var //": (lambda x, y, k, p, q: x // y, X // Y),
    "Var r//": (lambda x, y, k, p, q: 2 // y, 2 // Y),
    "Var %": (lambda x, y, k, p, q: x % y, X % Y),
    "Var r%": (lambda x, y, k, p, q: 2 % y, 2 % Y),
    "Var **": (lambda x, y, k, p, q: x**y, X**Y),
    "Var r**": (lambda x, y, k, p, q: 2**y, 2**Y),
    "Var @": (lambda x, y, k, p, q: x @ y.T, X @ Y.T),
    "Var r@": (lambda x, y, k, p, q: [1.0, 2.0] @ x, np.array([1, 2]) @ X),
    "Var pos": (lambda x, y, k, p, q: +y, Y),
    "Var neg": (lambda x, y, k, p, q: -y, -Y),
    "Var abs": (lambda x, y, k, p, q: abs(y), abs(Y)),
    "Var ==": (lambda x, y, k, p, q: k == 2, K == 2),
    "Var !=": (lambda x, y, k, p, q: k != 2, K != 2),
    "Var <": (lambda x, y, k, p, q: x < y, X < Y),
    "Var <=": (lambda x, y, k, p, q: x <= 2, X <= 2),
    "Var >": (lambda x, y, k, p, q: x > y, X > Y),
    "Var >=": (lambda x, y, k, p, q: x >= 2, X >= 2),
    "Var &": (lambda x, y, k, p, q: p & q, P & Q),
    "Var r&": (lambda x, y, k, p, q: True & p, P),
    "Var |": (lambda x, y, k, p, q: p | q, P | Q),
    "Var r|": (lambda x, y, k, p, q: False | p, P),
    "Var ^": (lambda x, y, k, p, q: p ^ q, P ^ Q),
    "Var r^": (lambda x, y, k, p, q: True ^ p, ~P),
    "Var ~": (lambda x, y, k, p, q: ~p, ~P),
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
    assert MODEL.init(seed=1)["factor"].tolist() == VALUES["factor"].tolist()
    generator = np.random.default_rng(0)
    for initializer, bound in ((nn.init.fan_in(4), 0.5), (nn.init.uniform(2.0), 2), (nn.init.normal(0.1), 0.5)):
        assert 0 < abs(initializer(generator, (9,))).max() <= bound
    assert nn.init.zeros(generator, (2,)).tolist() == [0, 0]
    with pytest.raises(errors.CatgradError, match="does not define forward"):
        cg.Module().forward(X)
    assert VALUES["factor"].tolist() != MODEL.parameters()["factor"].initial(np.random.default_rng(0)).tolist()
    values, x = {path: f64[value.shape] for path, value in VALUES.items()}, f64["B", 3]
    for exe in (
        cg.compile(MODEL, x),
        cg.compile(MODEL.as_function(), x),
        cg.compile(lambda values, x: MODEL.apply(values, x), values, x),
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


def test_parts_of_terms():
    inner = cg.function(lambda x: cg.max(x, axis=0))
    b = cg.dim("B")
    term = cg.trace(lambda t: (inner(t["x"]) + inner(2 * t["x"]), t["y"]), {"x": f64[b, 3], "y": f64[3]})
    assert term.type == "({x: f64[B, 3], y: f64[3]}) -> f64[3], f64[3]"
    assert (term.source_types, term.target_types) == ((f64[b, 3], f64[3]), (f64[3], f64[3]))
    assert term.arguments == ({"x": 0, "y": 1},)
    assert [term.node_types[node] for node in (*term.inputs, *term.outputs)] == [f64[b, 3], *[f64[3]] * 3]
    assert term.called == term.definitions
    assert [definition.name for definition in term.called] == ["<lambda>"]
    assert (term.symbols, term.nonempty) == ((b,), (b,))
    assert set(term.symbolic_types) == {f64[b, 3]}
    assert [step.operation.op.name for step, _ in term.needed(frozenset({1}))] == []
    assert {step.operation.op.name for step, _ in term.needed(frozenset({0}))} >= {"call", "add"}
    assert len(term.steps) > len(term.needed(frozenset({0}))) - 1
    flat = cg.Term.flat(term.graph, "flat", term.locations)
    assert (flat.source_types, flat.target_types) == (term.source_types, term.target_types)
    assert [step.operation for step in flat.steps] == [step.operation for step in term.steps]
    again = flat.nested(term.input_tree, term.output_tree, term.input_names).with_graph(term.graph, term.locations)
    assert term.remembered("key", lambda: 1) == term.remembered("key", lambda: 2) == 1
    expected = X.max(0) + (2 * X).max(0)
    for run in (cg.compile(term), cg.compile(again)):
        np.testing.assert_allclose(run({"x": X, "y": Y[0]})[0], expected)
    np.testing.assert_allclose(cg.compile(flat)(X, Y[0])[0], expected)


def test_types_and_dimensions():
    b = cg.dim("B", multiple_of=2, min=2, max=8)
    assert (b.name, b.multiple_of, b.min, b.max, b.unit.name) == ("B", 2, 2, 8, "B")
    made = TensorType.of(X).substitute({})
    assert (made, made.rank, made.size, made.is_static) == (f64[2, 3], 2, 6, True)
    assert made == f64[2, 3]
    assert f64 == np.float64
    assert f64[b, 3].size == 3 * b
    assert f64[b, 3].substitute({"B": 2}) is made
    assert [(d.is_bool, d.is_integer, d.is_float) for d in (bool_, i32, f16)] == [
        *((True, False, False), (False, True, False), (False, False, True))
    ]
    assert (f16.accumulator, f64.dtype) == (f32, np.dtype(float))
    n = b + 1
    sizes = {
        "+": (b + 1, 3),
        "r+": (1 + b, 3),
        "-": (b - 1, 1),
        "r-": (9 - b, 7),
        "*": (b * 3, 6),
        "r*": (3 * b, 6),
        "//": (b // 2, 1),
        "r//": (9 // n, 3),
        "%": (n % 2, 1),
        "r%": (9 % n, 0),
        "neg": (9 + -b, 7),
    }
    exe = cg.compile(lambda x: [cg.nat_to_tensor(size) + cg.sum(x) * 0 for size, _ in sizes.values()], f32[b])
    assert [each.item() for each in exe(np.zeros(2, np.float32))] == [value for _, value in sizes.values()]


class Halving(optim.Optimizer):
    """An optimizer of a user's own: each step is half as long as the one before."""

    @property
    def slots(self):
        return ("last",)

    def rule(self, parameter, gradient, *known):
        return parameter - known[1] * gradient, gradient

    def scalars(self):
        return {"rate": f32[()]}

    def advance(self, scalars):
        rate = cg.where(scalars["rate"] == 0, 1.0, scalars["rate"] / 2)
        return {"rate": rate}, (cg.cast(rate, f64),)


OPTIMIZERS = {"sgd": optim.sgd(0.1, momentum=0.5), "adam": optim.adam(0.1), "own": Halving()}


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_optimizers(optimizer):
    types = {"w": f64[3]}
    state = optimizer.state_types(types)
    scalars = optimizer.scalars()
    assert state.keys() == {*optimizer.slots, *scalars}
    zeros = {name: np.zeros(type.shape, type.dtype.numpy) for name, type in scalars.items()}
    kept = [np.zeros(3)] * len(optimizer.slots)

    def by_hand(parameter, gradient, scalars, *kept):
        following, coefficients = optimizer.advance(scalars)
        new, *slots = optimizer.rule(parameter, gradient, *kept, *coefficients)
        return {"w": new}, dict(zip(optimizer.slots, ({"w": slot} for slot in slots), strict=True)) | following

    step = cg.compile(lambda *arguments: optimizer.update(*arguments), types, types, state)
    begun = {**{slot: {"w": np.zeros(3)} for slot in optimizer.slots}, **zeros}
    one = step({"w": X[0]}, {"w": Y[0]}, begun)
    two = cg.compile(by_hand, f64[3], f64[3], scalars, *[f64[3]] * len(kept))(X[0], Y[0], zeros, *kept)
    np.testing.assert_allclose(one[0]["w"], two[0]["w"])
    rate = 1.0 if isinstance(optimizer, Halving) else 0.1
    moved = np.sign(Y[0]) if optimizer == optim.adam(0.1) else Y[0]
    np.testing.assert_allclose(one[0]["w"], X[0] - rate * moved, rtol=1e-5)
    for name in scalars:
        assert one[1][name] == two[1][name] == 1


def test_functions():
    f = cg.function(lambda x: cg.tanh(x))
    np.testing.assert_allclose(f(X), np.tanh(X))
    np.testing.assert_allclose(cg.compile(f.term(f64[2, 3]))(X), np.tanh(X))
    assert len(f.parts) == 1


def test_libraries(tmp_path):
    exe = cg.compile(lambda x: cg.tanh(x), f64[2, 3])
    learner = cg.learner(MODEL, loss=nn.mse, optimizer=optim.sgd(0.1))
    for files in (
        exe.export(tmp_path / "f"),
        learner.export(tmp_path / "net", f64[2, 3], f64[2, 2], functions=["predict"]),
    ):
        assert {".h", ".py", ".so"} <= {file.suffix for file in files}


class Calls:
    """Context manager: what is called from this file, by functions and by entries of the table of operations.

    What decorates functions, and computes properties, is passed over.
    """

    _BETWEEN = frozenset(module.__file__ for module in (cached, errors, precision))

    def __init__(self):
        self.codes, self.ops = set(), set()

    def __enter__(self):
        self._before = sys.getprofile()
        sys.setprofile(self._see)
        return self

    def __exit__(self, *_):
        sys.setprofile(self._before)

    def _see(self, frame, event, _):
        if event != "call":
            return
        caller = frame.f_back
        while caller is not None and caller.f_code.co_filename in self._BETWEEN:
            caller = caller.f_back
        if caller is not None and caller.f_code.co_filename == __file__:
            self.codes.add(frame.f_code)
            if frame.f_code is Op.__call__.__code__:
                self.ops.add(frame.f_locals["self"])

    def has(self, value):
        """Return whether a function, method, property or operation was called."""
        if isinstance(value, Op):
            return value in self.ops
        value = getattr(value, "__func__", value)
        value = getattr(value, "fget", getattr(value, "compute", value))
        return inspect.unwrap(value).__code__ in self.codes


ABSTRACT = (Dim, Function, optim.Optimizer)
CLASSES = (cg.Module, cg.Parameter, cg.Executable, cg.Term, Learner, PythonFunction, Var, TensorType, DType, Symbol)
OPTIMIZER_CLASSES = (type(optim.sgd(0.1)), type(optim.adam()))
OPERATORS = "add sub mul truediv floordiv mod pow matmul and or xor"
OPERATORS = {f"__{side}{name}__" for side in ("", "r") for name in OPERATORS.split()}
OPERATORS |= {f"__{name}__" for name in "call getitem pos neg abs invert eq ne lt le gt ge".split()}


def _is_generated(value):
    """Return whether a method is one that `dataclass` wrote."""
    return getattr(value, "__code__", test_functions.__code__).co_filename == "<string>"


def _methods(kind):
    """Yield the methods, properties and operators that users call on objects of a class, by name."""
    for name, value in vars(kind).items():
        is_called = inspect.isroutine(value) or isinstance(value, property | cached.cached_property)
        is_refused = kind is Dim and name in REFUSED
        is_left_out = is_refused or getattr(value, "__isabstractmethod__", False) or _is_generated(value)
        if is_called and (name in OPERATORS or not name.startswith("_")) and not is_left_out:
            yield f"{kind.__name__}.{name}", value


REFUSED = {f"__{name}__" for name in "lt le gt ge truediv rtruediv pow rpow and rand or ror abs eq".split()}
"""What sizes define in order to refuse it, and their identity."""


def _everything():
    """Yield every public function, method, property and operator, by name."""
    for name in cg.__all__:
        value = getattr(cg, name)
        if callable(value) and not isinstance(value, type | DType):
            yield f"cg.{name}", value
    for prefix, module in (("nn", nn), ("nn.init", nn.init), ("optim", optim)):
        for name, value in vars(module).items():
            is_own = getattr(value, "__module__", "").startswith(module.__name__)
            if is_own and inspect.isfunction(value) and not name.startswith("_"):
                yield f"{prefix}.{name}", value
    for kind in (*ABSTRACT, *CLASSES, *OPTIMIZER_CLASSES):
        yield from _methods(kind)


def test_every_public_name_is_called(tmp_path):
    with Calls() as calls:
        test_functions_of_arrays()
        test_derivatives()
        test_modules()
        test_learners(optim.sgd(0.1, momentum=0.5), 0.1 * GRADIENT)
        test_learners(optim.adam(0.1), 0.1 * np.sign(GRADIENT))
        test_terms_and_executables(tmp_path)
        test_parts_of_terms()
        test_types_and_dimensions()
        for optimizer in OPTIMIZERS.values():
            test_optimizers(optimizer)
        test_functions()
        test_libraries(tmp_path)
    missing = [name for name, value in _everything() if not calls.has(value)]
    assert not missing, f"call {', '.join(missing)} in a test of this file"
