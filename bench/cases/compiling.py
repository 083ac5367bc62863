"""Compile time: from a Python function to the result of its first call, again and again in a warm process.

Caches, in memory and on disk, are emptied before each call. The column "first call" is the same in a fresh process.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from bench.case import Case, Entry, Program
from bench.cases import training
from bench.libraries import Arrays, Call, Library

__all__ = ["CASES", "DEPTHS", "WIDTH", "afresh", "compared_to", "draw"]

DEPTHS, WIDTH, ROWS = (2, 200), 64, 8


def afresh(program: Program, library: Library, inputs: Arrays) -> Call:
    """The call that compiles and runs the program as if for the first time."""

    def call() -> Any:
        library.forget()
        return program(library, inputs)()

    return call


def compared_to(name: str, layers: int) -> str:
    """The case of least depth, unless that is the one."""
    return name.format(DEPTHS[0]) if layers != DEPTHS[0] else ""


def draw(layers: int, random: np.random.Generator) -> Arrays:
    """x, and the weights and biases of all layers, stacked."""
    weights = random.standard_normal((layers, WIDTH, WIDTH), "f4") * np.float32((2 / WIDTH) ** 0.5)
    return random.standard_normal((ROWS, WIDTH), "f4"), weights, np.zeros((layers, WIDTH), "f4")


def reference(x: Any, weights: Any, biases: Any) -> Any:
    """Derivative of the mean of the last layer's squares by every weight."""
    activations = [x]
    for weight, bias in zip(weights, biases, strict=True):
        activations.append(np.maximum(activations[-1] @ weight + bias, 0))
    slope = 2 * activations[-1] / activations[-1].size
    gradients = np.empty_like(weights)
    for layer in reversed(range(len(weights))):
        slope = slope * (activations[layer + 1] > 0)
        gradients[layer] = activations[layer].T @ slope
        slope = slope @ weights[layer].T
    return gradients


def in_catgrad(library: Library, inputs: Arrays) -> Call:
    """A layer is one definition, called for each layer's weights."""
    cg = library.module

    @cg.function  # type: ignore[untyped-decorator]
    def layer(x: Any, weight: Any, bias: Any) -> Any:
        return cg.relu(x @ weight + bias)

    def loss(x: Any, weights: Any, biases: Any) -> Any:
        for weight, bias in zip(weights, biases, strict=True):
            x = layer(x, weight, bias)
        return cg.mean(x * x)

    x, weights, biases = inputs
    arguments = x, tuple(weights), tuple(biases)
    layers = len(weights)
    types = cg.f32[ROWS, WIDTH], (cg.f32[WIDTH, WIDTH],) * layers, (cg.f32[WIDTH],) * layers
    gradient = cg.compile(cg.grad(loss, wrt=1), *types)
    return lambda: np.stack(gradient(*arguments))


def in_jax(library: Library, inputs: Arrays) -> Call:
    """Layers in a Python loop, each a call of one jitted function."""
    jax = library.module
    layer = jax.jit(partial(jax_layer, jax))

    def loss(weights: Any, x: Any, biases: Any) -> Any:
        for weight, bias in zip(weights, biases, strict=True):
            x = layer(x, weight, bias)
        return (x * x).mean()

    x, weights, biases = inputs
    gradient = jax.jit(jax.grad(loss))
    return lambda: np.stack(gradient(tuple(weights), x, tuple(biases)))


def in_jax_scan(library: Library, inputs: Arrays) -> Call:
    """Layers as a scan over stacked weights: the loop that jax compiles once."""
    jax = library.module

    def loss(weights: Any, x: Any, biases: Any) -> Any:
        x, _ = jax.lax.scan(lambda x, parameters: (jax_layer(jax, x, *parameters), None), x, (weights, biases))
        return (x * x).mean()

    x, weights, biases = inputs
    gradient = jax.jit(jax.grad(loss))
    return lambda: np.asarray(gradient(weights, x, biases))


def jax_layer(jax: Any, x: Any, weight: Any, bias: Any) -> Any:
    """relu(x @ weight + bias)."""
    return jax.nn.relu(x @ weight + bias)


CASES = (
    Case(
        "compile/mlp-step",
        training.draw,
        tuple(Entry(name, partial(afresh, program)) for name, program in training.PROGRAMS.items() if name != "torch"),
        training.reference,
    ),
    *(
        Case(
            f"compile/gradient-of-{layers}-layers",
            partial(draw, layers),
            (
                Entry("catgrad", partial(afresh, in_catgrad)),
                Entry("jax.jit", partial(afresh, in_jax)),
                Entry("jax.jit", partial(afresh, in_jax_scan), "scan"),
            ),
            reference,
            tolerance=1e-3,
            compared_to=compared_to("compile/gradient-of-{}-layers", layers),
        )
        for layers in DEPTHS
    ),
)
