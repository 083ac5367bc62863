"""Kernel sharing and its consequences: deep models have little code, in place updates stay in place."""

import numpy as np

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


def deep_step(depth):
    learner = cg.learner(Deep(16, depth), loss=nn.mse, optimizer=optim.adam(1e-3))
    return learner, cg.compile(learner.step, cg.f32[8, 16], cg.f32[8, 16])


def test_forty_layers_have_one_forward_and_one_reverse_function():
    _, step = deep_step(40)
    linalg = step.ir("linalg")
    assert linalg.count("func.func private @Block.fwd") == 1
    assert linalg.count("func.func private @Block.rev") == 1
    assert linalg.count("func.func") == 3


def test_code_does_not_grow_with_depth():
    shallow, deep = (deep_step(depth)[1].ir("kernels").count("linalg.generic") for depth in (4, 40))
    assert deep <= shallow + 2


def test_parameters_are_updated_in_place():
    learner, step = deep_step(40)
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


def test_calls_of_a_deep_network_become_loops():
    texts = [deep_step(depth)[1].ir("llvm") for depth in (40, 80)]
    entries = [text[text.index("llvm.func @step.entry(") :].partition("\n  }")[0] for text in texts]
    shorter, longer = (entry.count("llvm.call") for entry in entries)
    assert shorter == longer
    assert all("llvm.func internal @Block.fwd" in text for text in texts)


def test_different_constants_are_different_kernels():
    def f(x, w):
        return cg.sum((x @ w) * 2.0, axis=0), cg.sum((x @ w) * 3.0, axis=0), cg.sum((x @ (w + 1)) * 3.0, axis=0)

    x, w = np.eye(4, dtype=np.float32), np.arange(16, dtype=np.float32).reshape(4, 4)
    found = cg.compile(f, cg.f32[4, 4], cg.f32[4, 4])(x, w)
    for value, factor, shift in zip(found, (2, 3, 3), (0, 0, 1), strict=True):
        np.testing.assert_allclose(value, ((w + shift) * factor).sum(0))
