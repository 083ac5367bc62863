"""Keyword arguments: whatever a signature shows by name can be given by name."""

import numpy as np
import pytest

import catgrad as cg
from catgrad import nn, optim
from catgrad.errors import CatgradError, TypeCheckError
from catgrad.types import f32

X = np.arange(3, dtype=np.float32)


def scaled(x, w=3.0, *, k=2.0, **more):
    return x * w * k + more.get("shift", 0.0)


def both(f, *arrays, **named):
    """Return the result at once, which is also that of the definition called in another function, compiled."""
    expected = f(*arrays, **named)
    names = list(named)
    values = [*arrays, *named.values()]

    def calling(*given):
        split = len(given) - len(names)
        return f(*given[:split], **dict(zip(names, given[split:], strict=True)))

    types = [f32[np.shape(value)] for value in values]
    np.testing.assert_allclose(cg.compile(calling, *types)(*values), expected, rtol=1e-6)
    return expected


@pytest.mark.parametrize(
    ("positional", "named", "expected"),
    [
        ((X,), {"k": X}, 3 * X * X),
        ((X,), {"w": X}, 2 * X * X),
        ((), {"x": X}, 6 * X),
        ((), {"k": X, "x": X}, 3 * X * X),
        ((X, X), {"k": 1.0, "shift": X}, X * X + X),
    ],
)
def test_functions_take_arguments_by_name(positional, named, expected):
    np.testing.assert_allclose(both(cg.function(scaled), *positional, **named), expected, rtol=1e-6)


def test_an_argument_is_the_same_by_name_and_by_position():
    f = cg.function(lambda x, w: x - w)
    assert len(cg.trace(lambda x: f(f(x, x), w=f(w=x, x=x)), f32[3]).definitions) == 1


def test_what_has_no_position_is_called_by_its_name():
    f = cg.function(lambda x, *, k: x * k)
    term = cg.trace(lambda x: f(x, k=x), f32[3])
    assert list(term.definitions[0].term.input_names) == ["x", "k"]
    assert term.definitions[0].term.type == "(f32[3], k=f32[3]) -> f32[3]"
    assert cg.from_json(term.to_json()).type == term.type


def test_transforms_take_arguments_by_name():
    def f(x, w=1.0, *, k=1.0):
        return cg.sum(x * w * k)

    assert both(cg.grad(f), X, w=2 * X).tolist() == (2 * X).tolist()
    assert both(cg.grad(f), X, k=2 * X).tolist() == (2 * X).tolist()
    assert both(cg.grad(f, wrt=-1), X, k=2 * X).tolist() == (2 * X).tolist()
    assert both(cg.grad(f, wrt=1), w=X, x=2 * X).tolist() == (2 * X).tolist()
    assert cg.value_and_grad(cg.function(f))(X, k=X)[0].item() == 5
    assert cg.grad(cg.grad(lambda x, *, k: x * x * k))(np.float32(1), k=np.float32(3)).item() == 6


def test_gradients_are_of_positional_arguments():
    with pytest.raises(CatgradError, match="there is no argument 1; the function takes 1"):
        cg.grad(lambda x, *, k: cg.sum(x * k), wrt=1)(X, k=X)


class Scaled(cg.Module):
    def __init__(self):
        self.linear = nn.Linear(3, 3)

    def forward(self, x, scale=2.0, *, shift=0.0):
        return self.linear(x) * scale + shift


class Outer(cg.Module):
    def __init__(self, call):
        self.scaled = Scaled()
        self.call = call

    def forward(self, x):
        return self.call(self.scaled, x)


CALLS = {
    "by name": lambda m, x: m(x=x),
    "default": lambda m, x: m(x, scale=3.0),
    "behind a default": lambda m, x: m(x, shift=1.0),
    "traced": lambda m, x: m(x, shift=cg.sum(x), scale=x),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_modules_take_arguments_by_name(call):
    model, x = Outer(call), np.eye(3, dtype=np.float32)
    parameters = model.init(1)
    weight, bias = (parameters[f"scaled.linear.{name}"] for name in ("weight", "bias"))
    made = cg.compile(model, f32[3, 3])(parameters, x)

    def by_hand(x, scale=2.0, *, shift=0.0):
        return (x @ weight.T + bias) * scale + shift

    expected = by_hand(x, shift=x.sum(), scale=x) if call is CALLS["traced"] else call(by_hand, x)
    np.testing.assert_allclose(made, expected, rtol=1e-5)
    np.testing.assert_allclose(model.apply(parameters, x=x), made, rtol=1e-5)
    np.testing.assert_allclose(model.bind(parameters)(x=x), made, rtol=1e-5)


def test_learners_take_arguments_by_name():
    learner = cg.learner(nn.Linear(3, 2), loss=nn.mse, optimizer=optim.sgd(0.1))
    x, y = np.ones((4, 3), np.float32), np.ones((4, 2), np.float32)
    expected = learner.step(learner.init(), x, y)[1]
    assert learner.step(targets=y, inputs=x, state=learner.init())[1] == expected
    parameters = learner.init()["parameters"]
    assert learner.predict(parameters, x=x).tolist() == learner.predict(parameters, x).tolist()


MODEL = nn.Linear(3, 2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: cg.function(scaled)(w=X), "scaled: missing a required argument: 'x'"),
        (lambda: cg.function(lambda x: x)(X, y=X), "<lambda>: got an unexpected keyword argument 'y'"),
        (lambda: cg.function(lambda x: x)(X, x=X), "<lambda>: multiple values for argument 'x'"),
        (lambda: cg.vjp(lambda x: x)(X, cotangents=X), r"vjp\(<lambda>\): .* positional"),
        (lambda: MODEL.apply(MODEL.init()), "Linear: missing a required argument: 'x'"),
        (lambda: MODEL.apply(MODEL.init(), X, y=X), "Linear: got an unexpected keyword argument 'y'"),
        (lambda: cg.compile(cg.exp, f32[3])(x=X), r"exp takes positional arguments only, \(x\).*; given x by keyword"),
    ],
)
def test_what_does_not_fit_the_signature(call, message):
    with pytest.raises(CatgradError, match=message) as caught:
        call()
    assert {entry.path.name for entry in caught.traceback} == {"test_keywords.py"}


def test_an_error_for_types_counts_nothing_that_was_not_given():
    learner = cg.learner(nn.Linear(3, 2), loss=nn.mse, optimizer=optim.sgd(0.1))
    with pytest.raises(CatgradError) as caught:
        cg.compile(learner.step, f32[4, 3])
    expected = "step: missing a required argument: 'targets'; it takes (state, inputs, targets)"
    assert caught.value.message == expected


def test_a_type_error_of_the_users_is_left_alone():
    with pytest.raises(TypeError, match="unsupported operand") as caught:
        cg.function(lambda x, k: 1 + "a")(X, k=X)
    assert not isinstance(caught.value, TypeCheckError)
