"""Kernel sharing and its consequences: deep models have little code, in place updates stay in place."""

import numpy as np
from lowered import after

import catgrad as cg
from catgrad import nn, optim


class Block(cg.Module):
    def __init__(self, width):
        self.linear = nn.Linear(width, width)

    def forward(self, x):
        return x + cg.tanh(self.linear(x))


class Deep(cg.Module):
    def __init__(self, width, depth):
        self.layers = [Block(width) for _ in range(depth)]

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


def deep_learner(depth):
    return cg.learner(Deep(16, depth), loss=nn.mse, optimizer=optim.adam(1e-3))


def test_forty_layers_have_one_forward_and_one_reverse_function():
    text = after("linalg", deep_learner(40).step, cg.f32[8, 16], cg.f32[8, 16])
    assert text.count("func.func private @Block.fwd") == 1
    assert text.count("func.func private @Block.rev") == 1


def test_code_does_not_grow_with_depth():
    texts = [after("kernels", deep_learner(depth).step, cg.f32[8, 16], cg.f32[8, 16]) for depth in (16, 40)]
    shallow, deep = (text.count("linalg.generic") for text in texts)
    assert deep == shallow


def test_parameters_are_updated_in_place():
    learner = deep_learner(40)
    step = cg.compile(learner.step, cg.f32[8, 16], cg.f32[8, 16])
    assert "memref.copy" not in step.ir("bufferized")
    rng = np.random.default_rng(0)
    x, y = (rng.standard_normal((8, 16)).astype(np.float32) for _ in range(2))
    state = learner.init(seed=1)
    expected, expected_loss = learner.step(learner.init(seed=1), x, y)
    weight = state["parameters"]["layers.0.linear.weight"]
    found, loss = step(state, x, y)
    assert found["parameters"]["layers.0.linear.weight"] is weight
    np.testing.assert_allclose(loss, expected_loss, rtol=1e-5)
    for path, value in expected["parameters"].items():
        np.testing.assert_allclose(found["parameters"][path], value, rtol=1e-4, atol=1e-5)


def test_different_constants_are_different_kernels():
    def f(x, w):
        return cg.sum((x @ w) * 2.0, axis=0), cg.sum((x @ w) * 3.0, axis=0), cg.sum((x @ (w + 1)) * 3.0, axis=0)

    x, w = np.eye(4, dtype=np.float32), np.arange(16, dtype=np.float32).reshape(4, 4)
    found = cg.compile(f, cg.f32[4, 4], cg.f32[4, 4])(x, w)
    for value, factor, shift in zip(found, (2, 3, 3), (0, 0, 1), strict=True):
        np.testing.assert_allclose(value, ((w + shift) * factor).sum(0))
