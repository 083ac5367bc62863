"""A whole training step: 784-128-10 with relu, softmax cross-entropy, gradient descent, 128 examples.

Every program updates its parameters in place (jax: donates them) and gives the loss with the parameters after the step.
Torch is entered three times: differentiating as it runs, as the kernel calls an expert writes by hand, and compiled.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from bench.case import Case, Entry
from bench.libraries import LIBRARIES, Arrays, Call, Library

__all__ = ["CASES", "PROGRAMS", "draw", "reference"]

INPUTS, HIDDEN, CLASSES, BATCH, RATE = 784, 128, 10, 128, 0.1
LAYERS = ("hidden", "out")


def draw(random: np.random.Generator) -> Arrays:
    """x, y, and the parameters w1, b1, w2, b2; a layer is x @ w + b."""
    normal = random.standard_normal
    return (
        normal((BATCH, INPUTS), "f4"),
        random.integers(0, CLASSES, BATCH).astype("i4"),
        normal((INPUTS, HIDDEN), "f4") / 28,
        np.zeros(HIDDEN, "f4"),
        normal((HIDDEN, CLASSES), "f4") / 11,
        np.zeros(CLASSES, "f4"),
    )


def reference(x: Any, y: Any, w1: Any, b1: Any, w2: Any, b2: Any) -> tuple[Any, ...]:
    """The step in numpy: loss and new parameters."""
    h = np.maximum(x @ w1 + b1, 0)
    z = h @ w2 + b2
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    rows = np.arange(len(y))
    loss = -np.log(p[rows, y]).mean()
    p[rows, y] -= 1
    p /= len(y)
    dh = (p @ w2.T) * (h > 0)
    return loss, w1 - RATE * x.T @ dh, b1 - RATE * dh.sum(0), w2 - RATE * h.T @ p, b2 - RATE * p.sum(0)


def in_catgrad(library: Library, inputs: Arrays) -> Call:
    """A learner's step; its state is donated."""
    cg = library.module
    x, y, w1, b1, w2, b2 = inputs
    learner = cg.learner(model(cg), loss=cg.nn.softmax_cross_entropy, optimizer=cg.optim.sgd(RATE))
    step = cg.compile(learner.step, cg.f32[BATCH, INPUTS], cg.i32[BATCH], target=library.target)
    state = learner.init(seed=0)
    for name, value in {"hidden.weight": w1.T, "hidden.bias": b1, "out.weight": w2.T, "out.bias": b2}.items():
        state["parameters"][name][...] = value
    x, y = library.array(x), library.array(y)

    def call() -> Call:
        nonlocal state
        state, loss = step(state, x, y)
        return partial(results, loss, state["parameters"])

    return call


def results(loss: Any, parameters: Any) -> tuple[Any, ...]:
    """Results of a step, a layer's weights as x @ w has them."""
    weights, biases = ([np.asarray(parameters[f"{layer}.{kind}"]) for layer in LAYERS] for kind in ("weight", "bias"))
    return loss, weights[0].T, biases[0], weights[1].T, biases[1]


def model(cg: Any) -> Any:
    """The network as a catgrad module."""

    class Mlp(cg.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            self.hidden = cg.nn.Linear(INPUTS, HIDDEN)
            self.out = cg.nn.Linear(HIDDEN, CLASSES)

        def forward(self, x: Any) -> Any:
            return self.out(cg.relu(self.hidden(x)))

    return Mlp()


def in_torch(library: Library, inputs: Arrays) -> Call:
    """Differentiation as it runs."""
    torch = library.module
    x, y, *parameters = tensors(library, inputs)
    for parameter in parameters:
        parameter.requires_grad_()

    def call() -> tuple[Any, ...]:
        with torch.enable_grad():
            loss = torch_loss(torch, x, y, *parameters)
            gradients = torch.autograd.grad(loss, parameters)
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.sub_(gradient, alpha=RATE)
        return loss.detach(), *(parameter.detach() for parameter in parameters)

    return call


def in_torch_by_hand(library: Library, inputs: Arrays) -> Call:
    """The backward pass written out, updates accumulated by the products themselves."""
    torch = library.module
    x, y, w1, b1, w2, b2 = tensors(library, inputs)
    rows = torch.arange(BATCH, device=x.device)

    def call() -> tuple[Any, ...]:
        h = torch.addmm(b1, x, w1).relu_()
        logp = torch.log_softmax(torch.addmm(b2, h, w2), 1)
        loss = torch.nn.functional.nll_loss(logp, y)
        p = logp.exp_()
        p[rows, y] -= 1
        p /= BATCH
        dh = p @ w2.T
        dh *= h > 0
        w2.addmm_(h.T, p, alpha=-RATE)
        b2.sub_(p.sum(0), alpha=RATE)
        w1.addmm_(x.T, dh, alpha=-RATE)
        b1.sub_(dh.sum(0), alpha=RATE)
        return loss, w1, b1, w2, b2

    return call


def in_torch_compiled(library: Library, inputs: Arrays) -> Call:
    """Gradient and update as one compiled function of the parameters, which it changes in place."""
    torch = library.module
    x, y, *parameters = tensors(library, inputs)

    @torch.compile  # type: ignore[untyped-decorator]
    def step(x: Any, y: Any, *parameters: Any) -> Any:
        differentiate = torch.func.grad_and_value(lambda values: torch_loss(torch, x, y, *values))
        gradients, loss = differentiate(parameters)
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.sub_(gradient, alpha=RATE)
        return loss

    return lambda: (step(x, y, *parameters), *parameters)


def in_jax(library: Library, inputs: Arrays) -> Call:
    """Gradient and update under one jit, parameters donated."""
    jax = library.module
    x, y, *values = map(jax.numpy.array, inputs)
    state = tuple(values)

    def cross_entropy(state: Any, x: Any, y: Any) -> Any:
        w1, b1, w2, b2 = state
        logp = jax.nn.log_softmax(jax.nn.relu(x @ w1 + b1) @ w2 + b2)
        return -jax.numpy.take_along_axis(logp, y[:, None], 1).mean()

    def step(state: Any, x: Any, y: Any) -> Any:
        loss, gradient = jax.value_and_grad(cross_entropy)(state, x, y)
        return tuple(value - RATE * slope for value, slope in zip(state, gradient, strict=True)), loss

    compiled = jax.jit(step, donate_argnums=0)

    def call() -> tuple[Any, ...]:
        nonlocal state
        state, loss = compiled(state, x, y)
        loss.block_until_ready()
        return loss, *state

    return call


def tensors(library: Library, inputs: Arrays) -> list[Any]:
    """The inputs as tensors of their own, labels as torch wants them."""
    x, y, *parameters = (library.array(array.copy()) for array in inputs)
    return [x, y.long(), *parameters]


def torch_loss(torch: Any, x: Any, y: Any, w1: Any, b1: Any, w2: Any, b2: Any) -> Any:
    """The loss as a torch user writes it, bias inside the product."""
    return torch.nn.functional.cross_entropy(torch.addmm(b2, torch.relu(torch.addmm(b1, x, w1)), w2), y)


PROGRAMS = {
    "catgrad": in_catgrad,
    "torch": in_torch,
    "torch.compile": in_torch_compiled,
    "jax.jit": in_jax,
}

PARAMETERS = INPUTS * HIDDEN + HIDDEN + HIDDEN * CLASSES + CLASSES

CASES = (
    Case(
        "mlp-step/784-128-10",
        draw,
        (
            *(Entry(library, program, targets=LIBRARIES[library].targets) for library, program in PROGRAMS.items()),
            Entry("torch", in_torch_by_hand, "by hand", targets=LIBRARIES["torch"].targets),
        ),
        reference,
        flops=2 * BATCH * (2 * INPUTS * HIDDEN + 3 * HIDDEN * CLASSES),
        bytes=4 * (2 * PARAMETERS + BATCH * INPUTS + BATCH),
    ),
)
