"""Modules: parameters by path, binding, configuration, and sharing of code."""

import copy

import numpy as np
import pytest

import catgrad as cg
from catgrad import nn
from catgrad.errors import CatgradError
from catgrad.types import bf16, f32, f64


class Block(cg.Module):
    def __init__(self, width, activation="tanh", scale=1.0):
        self.linear = nn.Linear(width, width, dtype=f64)
        self.activation = activation
        self.scale = scale

    def forward(self, x):
        return getattr(cg, self.activation)(self.linear(x)) * self.scale


class Stack(cg.Module):
    def __init__(self, *blocks):
        self.blocks = list(blocks)

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return x


X = np.linspace(-1, 1, 8).reshape(2, 4)


def _names(term):
    return sorted(d.name for d in term.definitions)


def test_parameters_are_named_by_their_path():
    class Model(cg.Module):
        def __init__(self):
            self.layers = [nn.Linear(2, 3), (nn.Linear(3, 3, bias=False),)]
            self.by_name = {"b": nn.Linear(3, 1), 7: nn.Linear(1, 1)}
            self.own = cg.Parameter(f32[3], nn.init.zeros)
            self.size = 3

    paths = ["by_name.7.bias", "by_name.7.weight", "by_name.b.bias", "by_name.b.weight"]
    paths += ["layers.0.bias", "layers.0.weight", "layers.1.0.weight", "own"]
    model = Model()
    assert list(model.parameters()) == paths
    assert model.parameters()["layers.0.weight"].type is f32[3, 2]
    assert list(model.init()) == paths


def test_parameters_come_before_the_arguments():
    term = cg.trace(nn.Linear(3, 2), f32[cg.dim("B"), 3])
    assert term.type == "({bias: f32[2], weight: f32[2, 3]}, f32[B, 3]) -> f32[B, 2]"
    assert term.input_names == ("parameters['bias']", "parameters['weight']", "x")


def test_initial_values_depend_on_the_seed_alone():
    model = Stack(Block(4), Block(4))
    first, again, other = model.init(seed=5), copy.deepcopy(model).init(seed=5), model.init(seed=6)
    for path, value in first.items():
        np.testing.assert_array_equal(value, again[path])
        assert (value != other[path]).any()
    assert (first["blocks.0.linear.weight"] != first["blocks.1.linear.weight"]).any()


def test_initial_values_have_the_types_of_the_parameters():
    model = nn.Linear(16, 4, dtype=bf16)
    values = model.init()
    assert values["weight"].dtype == bf16.numpy
    assert values["weight"].flags.c_contiguous
    assert (np.abs(values["weight"].astype(float)) <= 0.25).all()
    assert nn.Linear(0, 2).init()["weight"].shape == (2, 0)


@pytest.mark.parametrize(
    ("initializer", "check"),
    [
        (nn.init.zeros, lambda w: (w == 0).all()),
        (nn.init.normal(0.1), lambda w: 0.08 < w.std() < 0.12),
        (nn.init.uniform(0.5), lambda w: 0.4 < np.abs(w).max() <= 0.5),
        (nn.init.fan_in(4), lambda w: 0.4 < np.abs(w).max() <= 0.5),
    ],
)
def test_initializers(initializer, check):
    assert check(nn.Linear(64, 64, initializer=initializer).init()["weight"])


def test_apply_and_bind_agree():
    model = Block(4)
    values = model.init()
    expected = np.tanh(X @ values["linear.weight"].T + values["linear.bias"])
    np.testing.assert_allclose(model.apply(values, X), expected)
    np.testing.assert_allclose(model.bind(values)(X), expected)
    np.testing.assert_allclose(cg.interpret(cg.trace(model, f64[2, 4]), values, X), expected)
    assert list(model.parameters()) == ["linear.bias", "linear.weight"]


def test_values_have_the_shapes_of_the_parameters():
    model = Block(4)
    for path, value in (("linear.weight", np.ones((5, 4))), ("linear.bias", 1.0), ("linear.bias", [1.0, 2.0])):
        with pytest.raises(CatgradError, match=rf"the parameter {path} is f64\[.*\], given f64\[.*use cg.reshape"):
            model.apply(model.init() | {path: value}, X)


@pytest.mark.parametrize("wrong", [{}, {"linear.weight": 1.0}, {"linear.weight": 1, "linear.bias": 2, "more": 3}])
def test_values_are_those_of_the_parameters(wrong):
    with pytest.raises(CatgradError, match="missing parameters"):
        Block(4).bind(wrong)


def test_a_module_without_values_cannot_be_called():
    with pytest.raises(CatgradError, match=r"linear\.bias of Block has no value here"):
        Block(4)(X)
    with pytest.raises(CatgradError, match=r"has no value here(.|\n)*test_module.py"):
        cg.trace(lambda x: Block(4)(x), f64[2, 4])


def test_a_module_defines_forward():
    with pytest.raises(CatgradError, match="Module does not define forward"):
        cg.trace(cg.Module(), f32[3])


def test_equal_layers_are_one_definition():
    term = cg.trace(Stack(*[Block(4) for _ in range(24)]), f64[2, 4])
    assert _names(term) == ["Block", "Linear"]
    assert len(term.source_types) == 24 * 2 + 1
    cg.check(term)


def test_other_sizes_are_other_definitions():
    class Wide(cg.Module):
        def __init__(self):
            self.layers = [nn.Linear(4, 8, dtype=f64), nn.Linear(8, 4, dtype=f64), nn.Linear(4, 8, dtype=f64)]

        def forward(self, x):
            for layer in self.layers:
                x = layer(x)
            return x

    assert _names(cg.trace(Wide(), f64[2, 4])) == ["Linear", "Linear"]


@pytest.mark.parametrize("other", [Block(4, activation="sin"), Block(4, scale=2.0)])
def test_other_configuration_is_another_definition(other):
    term = cg.trace(Stack(Block(4), other, Block(4)), f64[2, 4])
    assert _names(term) == ["Block", "Block", "Linear"]
    model = Stack(Block(4), other, Block(4))
    values = model.init()
    x = X
    for i, (f, k) in enumerate([(np.tanh, 1.0), (getattr(np, other.activation), other.scale), (np.tanh, 1.0)]):
        x = f(x @ values[f"blocks.{i}.linear.weight"].T + values[f"blocks.{i}.linear.bias"]) * k
    np.testing.assert_allclose(cg.interpret(term, values, X), x)


def test_configuration_that_is_not_hashable():
    class Shift(cg.Module):
        def __init__(self, by):
            self.by = by

        def forward(self, x):
            return x + cg.constant(np.array(sorted(self.by), np.float64))

    term = cg.trace(Stack(Shift({1.0, 2.0}), Shift({3.0, 4.0})), f64[2])
    assert cg.interpret(term, {}, np.zeros(2)).tolist() == [4.0, 6.0]


def test_tied_parameters_are_one_parameter():
    class Tied(cg.Module):
        def __init__(self):
            self.first = nn.Linear(4, 4, dtype=f64, bias=False)
            self.second = nn.Linear(4, 4, dtype=f64, bias=False)
            self.second.weight = self.first.weight

        def forward(self, x):
            return self.second(self.first(x))

    model = Tied()
    assert list(model.parameters()) == ["first.weight"]
    values = model.init()
    np.testing.assert_allclose(model.apply(values, X), X @ values["first.weight"].T @ values["first.weight"].T)
    loss = lambda p, x: cg.sum(model.apply(p, x) * 1.0)  # noqa: E731
    gradient = cg.grad(loss)(values, X)["first.weight"]
    step = np.zeros((4, 4))
    step[1, 2] = 1e-6
    high, low = (np.sum(model.apply({"first.weight": values["first.weight"] + s * step}, X)) for s in (1, -1))
    np.testing.assert_allclose(gradient[1, 2], (high - low) / 2e-6, rtol=1e-6)


def test_tied_and_untied_layers_are_different_code():
    class Pair(cg.Module):
        def __init__(self, tied):
            self.a = nn.Linear(4, 4, dtype=f64, bias=False)
            self.b = self.a if tied else nn.Linear(4, 4, dtype=f64, bias=False)

        def forward(self, x):
            return self.a(x) - self.b(x)

    model = Stack(Pair(tied=True), Pair(tied=False))
    assert len(model.parameters()) == 3
    assert _names(cg.trace(model, f64[2, 4])) == ["Linear", "Pair", "Pair"]
    np.testing.assert_array_equal(model.apply(model.init(), X), np.zeros((2, 4)))


def test_a_shared_submodule_is_applied_with_its_own_weights():
    block = Block(4)
    model = Stack(block, block)
    assert list(model.parameters()) == ["blocks.0.linear.bias", "blocks.0.linear.weight"]
    values = model.init()
    once = np.tanh(X @ values["blocks.0.linear.weight"].T + values["blocks.0.linear.bias"])
    twice = np.tanh(once @ values["blocks.0.linear.weight"].T + values["blocks.0.linear.bias"])
    np.testing.assert_allclose(model.apply(values, X), twice)


def test_deep_models():
    model = Stack(*[Block(2) for _ in range(200)])
    term = cg.trace(model, f64[1, 2])
    assert _names(term) == ["Block", "Linear"]
    assert len(term.steps) >= 200
    assert cg.interpret(term, model.init(), np.ones((1, 2))).shape == (1, 2)


def test_linear_layers_take_any_number_of_leading_axes():
    layer = nn.Linear(3, 2)
    values = layer.init()
    for shape in ((3,), (5, 3), (2, 5, 3), (0, 3)):
        x = np.ones(shape, np.float32)
        np.testing.assert_allclose(layer.apply(values, x), x @ values["weight"].T + values["bias"], rtol=1e-6)
    with pytest.raises(CatgradError, match="index k is"):
        cg.trace(layer, f32[5, 4])
