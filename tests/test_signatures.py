"""`inspect.signature` of what users call: how it is really called."""

import inspect

import numpy as np
import pytest

import catgrad as cg
from catgrad import nn, optim


def f(x, w=1, *, k=2):
    return cg.sum(x)


def g(x, w):
    return cg.sum(x)


LEARNER = cg.learner(nn.Linear(2, 1), loss=nn.mse, optimizer=optim.sgd(0.1))


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (cg.exp, "(x, /)"),
        (cg.add, "(x, y, /)"),
        (cg.sum, "(x, axis=None, *, keepdims=False)"),
        (cg.argmax, "(x, axis=None, *, keepdims=False, dtype=i32)"),
        (cg.where, "(condition, x, y)"),
        (cg.reshape, "(x, shape)"),
        (cg.broadcast_to, "(x, shape)"),
        (cg.contract, "(spec, x, y)"),
        (cg.constant, "(value, dtype=None)"),
        (cg.iota, "(shape, axis=0, dtype=i32)"),
        (cg.function(f), "(x, w=1, *, k=2)"),
        (cg.grad(g), "(x, w)"),
        (cg.value_and_grad(cg.grad(g)), "(x, w)"),
        (cg.vjp(g), "(x, w, cotangents, /)"),
        (cg.vjp(f), "(*arguments)"),
        (cg.grad(cg.sum), "(x, axis=None, *, keepdims=False)"),
        (nn.Linear(2, 1), "(x)"),
        (nn.Linear(2, 1).as_function(), "(parameters, /, x)"),
        (LEARNER.step, "(state, inputs, targets)"),
        (cg.compile(g, cg.f32[2], cg.f32[2]), "(x, w, /, *, out=None)"),
        (cg.compile(lambda *rest: rest[0], cg.f32[2], cg.f32[2]), "(rest_0, rest_1, /, *, out=None)"),
        (cg.compile(lambda out, empty: out, cg.f32[2], ()), "(out_0, __1, /, *, out=None)"),
        (cg.compile(LEARNER.predict, cg.f32[2]), "(parameters, x, /, *, out=None)"),
        (LEARNER.predict, "(parameters, /, x)"),
        (nn.Linear, "(inputs, outputs, *, bias=True, dtype=f32, initializer=None)"),
        (cg.Module, "()"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_signatures(function, expected):
    signature = inspect.signature(function)
    bare = [each.replace(annotation=each.empty) for each in signature.parameters.values()]
    assert str(inspect.Signature(bare)) == expected


def test_every_public_function_has_its_own():
    for module in (cg, nn, optim):
        for name in dir(module):
            value = getattr(module, name)
            if callable(value) and not name.startswith("_") and not isinstance(value, type):
                kinds = [each.kind for each in inspect.signature(value).parameters.values()]
                assert kinds, name
                assert inspect.Parameter.VAR_KEYWORD not in kinds, name


def test_operations_are_called_as_their_signatures_say():
    x = np.ones((2, 3), np.float32)
    assert cg.sum(x=x, axis=1, keepdims=True).shape == (2, 1)
    assert cg.argmax(x=x, axis=0).shape == (3,)
    assert cg.where(condition=x > 0, x=x, y=2 * x).tolist() == x.tolist()
