"""Compile time of whole training steps, of few and of many equal layers: see `compiling`.

A step is forward, backward and update of every parameter; its result is the loss, what the optimizer has accumulated of
the weights' gradients, and the new weights. catgrad is entered twice: with the batch known, and with a symbolic one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from bench.case import Case, Entry
from bench.cases import compiling
from bench.cases.compiling import DEPTHS, WIDTH, afresh, compared_to
from bench.libraries import Arrays, Call, Library

__all__ = ["CASES"]

RATE, DECAY, DECAY2, FLOOR = 1e-3, 0.9, 0.999, 1e-8


@dataclass(frozen=True)
class Rule:
    """An optimizer's first step from a state of zeros.

    Args:
        make: Makes the optimizer of `catgrad.optim`.
        slots: Its arrays for each parameter; the first one accumulates the gradient.
        scalars: Its numbers for all parameters.
        kept: How much of the gradient is accumulated.
        update: `(module of arrays, gradient) -> change`.
    """

    make: Callable[[Any], Any]
    slots: tuple[str, ...]
    scalars: tuple[str, ...]
    kept: float
    update: Callable[[Any, Any], Any]


RULES = {
    "sgd": Rule(
        lambda optim: optim.sgd(RATE, momentum=DECAY), ("velocity",), (), 1.0, lambda xp, gradient: RATE * gradient
    ),
    "adam": Rule(
        lambda optim: optim.adam(RATE),
        ("first", "second"),
        ("step",),
        1 - DECAY,
        lambda xp, gradient: RATE * gradient / (xp.abs(gradient) + FLOOR),
    ),
}


def draw(layers: int, random: np.random.Generator) -> Arrays:
    """x, labels, and the weights and biases of all layers, stacked."""
    x, weights, biases = compiling.draw(layers, random)
    return x, random.integers(0, WIDTH, len(x)).astype("i4"), weights, biases


def reference(rule: Rule, x: Any, labels: Any, weights: Any, biases: Any) -> tuple[Any, ...]:
    """The step in numpy."""
    activations = [x]
    for weight, bias in zip(weights, biases, strict=True):
        activations.append(np.maximum(activations[-1] @ weight + bias, 0))
    rows = np.arange(len(labels))
    slope = np.exp(activations[-1] - activations[-1].max(axis=1, keepdims=True))
    slope /= slope.sum(axis=1, keepdims=True)
    loss = -np.log(slope[rows, labels]).mean()
    slope[rows, labels] -= 1
    slope /= len(labels)
    gradients = np.empty_like(weights)
    for layer in reversed(range(len(weights))):
        slope = slope * (activations[layer + 1] > 0)
        gradients[layer] = activations[layer].T @ slope
        slope = slope @ weights[layer].T
    return loss, rule.kept * gradients, weights - rule.update(np, gradients)


def in_catgrad(rule: Rule, is_symbolic: bool, library: Library, inputs: Arrays) -> Call:
    """A learner's step; its state is donated."""
    cg = library.module
    x, labels, weights, biases = inputs
    learner = cg.learner(model(cg, len(weights)), loss=cg.nn.softmax_cross_entropy, optimizer=rule.make(cg.optim))
    rows = cg.dim("B") if is_symbolic else len(x)
    step = cg.compile(learner.step, cg.f32[rows, WIDTH], cg.i32[rows])
    names = [f"layers.{layer}.weight" for layer in range(len(weights))]
    parameters = {name: weight.T.copy() for name, weight in zip(names, weights, strict=True)}
    parameters |= {f"layers.{layer}.bias": bias.copy() for layer, bias in enumerate(biases)}
    slots = {slot: {name: np.zeros_like(value) for name, value in parameters.items()} for slot in rule.slots}
    scalars = {name: np.zeros((), "f4") for name in rule.scalars}

    def call() -> tuple[Any, ...]:
        state, loss = step({"parameters": parameters, "optimizer": {**slots, **scalars}}, x, labels)
        kept, new = state["optimizer"][rule.slots[0]], state["parameters"]
        return loss, *(np.stack([values[name].T for name in names]) for values in (kept, new))

    return call


def model(cg: Any, layers: int) -> Any:
    """The network as a catgrad module."""

    class Deep(cg.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            self.layers = [cg.nn.Linear(WIDTH, WIDTH) for _ in range(layers)]

        def forward(self, x: Any) -> Any:
            for layer in self.layers:
                x = cg.relu(layer(x))
            return x

    return Deep()


def in_jax(rule: Rule, library: Library, inputs: Arrays) -> Call:
    """Layers as a scan over stacked weights, which are updated all at once; the state is donated."""
    jax = library.module
    x, labels, *values = map(jax.numpy.array, inputs)

    def loss(parameters: Any) -> Any:
        y, _ = jax.lax.scan(lambda x, layer: (compiling.jax_layer(jax, x, *layer), None), x, parameters)
        return -jax.numpy.take_along_axis(jax.nn.log_softmax(y), labels[:, None], 1).mean()

    def step(parameters: Any) -> Any:
        value, gradients = jax.value_and_grad(loss)(parameters)
        new = tuple(p - rule.update(jax.numpy, g) for p, g in zip(parameters, gradients, strict=True))
        return value, rule.kept * gradients[0], new

    compiled = jax.jit(step, donate_argnums=0)

    def call() -> tuple[Any, ...]:
        value, kept, (weights, _) = compiled(tuple(values))
        return np.asarray(value), np.asarray(kept), np.asarray(weights)

    return call


CASES = tuple(
    Case(
        f"compile/{name}-step-of-{layers}-layers",
        partial(draw, layers),
        (
            Entry("catgrad", partial(afresh, partial(in_catgrad, rule, False))),
            Entry("catgrad", partial(afresh, partial(in_catgrad, rule, True)), "symbolic batch"),
            Entry("jax.jit", partial(afresh, partial(in_jax, rule)), "scan"),
        ),
        partial(reference, rule),
        tolerance=1e-2,
        compared_to=compared_to(f"compile/{name}-step-of-{{}}-layers", layers),
    )
    for name, rule in RULES.items()
    for layers in DEPTHS
)
