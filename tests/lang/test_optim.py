"""Optimizers against their formulas in f64, and on parameters of 16-bit floats."""

import numpy as np
import pytest

import catgrad as cg
from catgrad import nn, optim
from catgrad.types import TensorType, bf16, f16, f32, f64

RATE, STEPS = 1e-2, 3


def _sgd(p, gradients):
    velocity = 0
    for g in gradients:
        g = g + 0.1 * p
        velocity = 0.9 * velocity + g
        p = p - RATE * (g + 0.9 * velocity)
    return p


def _adam(p, gradients):
    first = second = 0
    for t, g in enumerate(gradients, 1):
        first, second = 0.9 * first + 0.1 * g, 0.999 * second + 0.001 * g * g
        p = p - RATE * (first / (1 - 0.9**t)) / (np.sqrt(second / (1 - 0.999**t)) + 1e-8)
    return p


OPTIMIZERS = {
    "sgd": (optim.sgd(RATE, momentum=0.9, nesterov=True, weight_decay=0.1), _sgd),
    "adam": (optim.adam(RATE), _adam),
}


def _train(optimizer, parameter, gradients, run):
    """Return the parameter after some steps, and the optimizer's state."""
    type = TensorType.of(parameter)
    types = {"p": type}
    states = optimizer.state_types(types)
    update = lambda p, g, s: optimizer.update(p, g, s)  # noqa: E731
    term = cg.trace(update, types, types, states)
    step = cg.compile(term) if run == "cpu" else lambda *a: cg.interpret(term, *a)
    leaves, tree = cg.trees.flatten(states)
    state = cg.trees.unflatten(tree, [np.zeros(t.shape, t.dtype.numpy) for t in leaves])
    values = {"p": parameter}
    for g in gradients:
        values, state = step(values, {"p": g}, state)
    return values["p"], state


@pytest.mark.parametrize("run", ["interpreter", "cpu"])
@pytest.mark.parametrize("dtype", [f16, bf16, f32, f64], ids=str)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_steps_follow_the_formula(name, dtype, run):
    optimizer, formula = OPTIMIZERS[name]
    rng = np.random.default_rng(0)
    parameter = rng.normal(size=5).astype(dtype.numpy)
    gradients = [np.array([0, 1e-4, 2.0, -3.0, 250]).astype(dtype.numpy) for _ in range(STEPS)]
    trained, state = _train(optimizer, parameter, gradients, run)
    assert trained.dtype == dtype.numpy
    assert {a.dtype for a in cg.trees.flatten(state)[0]} <= {np.dtype("f4"), dtype.accumulator.numpy}
    expected = formula(parameter.astype(np.float64), [g.astype(np.float64) for g in gradients])
    tolerance = {f16: 2e-3, bf16: 2e-2, f32: 1e-5, f64: 1e-14}[dtype]
    np.testing.assert_allclose(trained.astype(np.float64), expected, rtol=tolerance, atol=tolerance / 10)


@pytest.mark.parametrize("dtype", [f16, bf16], ids=str)
def test_small_steps_of_adam_leave_narrow_parameters_finite(dtype):
    learner = cg.learner(nn.Linear(4, 3, dtype=dtype), loss=nn.mse, optimizer=optim.adam(1e-2))
    step, state = cg.compile(learner.step, dtype[2, 4], dtype[2, 3]), learner.init(seed=0)
    x, y = np.zeros((2, 4), dtype.numpy), np.zeros((2, 3), dtype.numpy)
    for _ in range(20):
        state, _ = step(state, x, y)
    for path, parameter in state["parameters"].items():
        assert np.isfinite(parameter.astype(np.float32)).all()
        assert state["optimizer"]["second"][path].dtype == np.float32
