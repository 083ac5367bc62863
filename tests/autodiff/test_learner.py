"""Learners, against training loops written in numpy."""

import numpy as np
import pytest

import catgrad as cg
from catgrad import nn, optim

RNG = np.random.default_rng(0)
INPUTS = RNG.normal(size=(8, 3))
TARGETS = INPUTS @ RNG.normal(size=(3, 2)) + 0.1
STEPS = 5


def _gradients(p):
    """Return the loss and gradients of mean squared error of an affine map."""
    difference = INPUTS @ p["weight"].T + p["bias"] - TARGETS
    scale = 2 / difference.size
    return (difference**2).mean(), {"weight": scale * difference.T @ INPUTS, "bias": scale * difference.sum(0)}


def _train(optimizer):
    made = cg.learner(nn.Linear(3, 2, dtype=cg.f64), loss=nn.mse, optimizer=optimizer)
    term = cg.trace(made.step, cg.f64[8, 3], cg.f64[8, 2])
    state, losses = made.init(seed=3), []
    for _ in range(STEPS):
        state, loss = cg.interpret(term, state, INPUTS, TARGETS)
        losses.append(float(loss))
    return state, losses


def _expected(update):
    """Train in numpy: `update(parameter, gradient, memory, step)` changes the memory and returns the new parameter."""
    parameters = nn.Linear(3, 2, dtype=cg.f64).init(seed=3)
    memory, losses = {path: {} for path in parameters}, []
    for step in range(1, STEPS + 1):
        loss, gradients = _gradients(parameters)
        losses.append(loss)
        parameters = {k: update(p, gradients[k], memory[k], step) for k, p in parameters.items()}
    return parameters, losses


def _sgd(rate, momentum=0.0, nesterov=False, weight_decay=0.0):
    def update(p, g, memory, _):
        g = g + weight_decay * p
        memory["v"] = momentum * memory.get("v", 0) + g
        return p - rate * (g + momentum * memory["v"] if nesterov else memory["v"])

    return update


def _adam(rate, beta1=0.9, beta2=0.999, epsilon=1e-8):
    def update(p, g, memory, step):
        memory["m"] = beta1 * memory.get("m", 0) + (1 - beta1) * g
        memory["v"] = beta2 * memory.get("v", 0) + (1 - beta2) * g * g
        m, v = memory["m"] / (1 - beta1**step), memory["v"] / (1 - beta2**step)
        return p - rate * m / (np.sqrt(v) + epsilon)

    return update


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"momentum": 0.9},
        {"momentum": 0.9, "nesterov": True},
        {"weight_decay": 0.1},
        {"momentum": 0.5, "nesterov": True, "weight_decay": 0.1},
    ],
    ids=str,
)
def test_sgd(options):
    state, losses = _train(optim.sgd(0.1, **options))
    parameters, expected = _expected(_sgd(0.1, **options))
    np.testing.assert_allclose(losses, expected, rtol=1e-12)
    for path, value in parameters.items():
        np.testing.assert_allclose(state["parameters"][path], value, rtol=1e-12)


@pytest.mark.parametrize("options", [{}, {"beta1": 0.5, "beta2": 0.9}, {"epsilon": 1e-3}, {"beta1": 0.0}], ids=str)
def test_adam(options):
    state, losses = _train(optim.adam(0.05, **options))
    parameters, expected = _expected(_adam(0.05, **options))
    np.testing.assert_allclose(losses, expected, rtol=1e-6)
    for path, value in parameters.items():
        np.testing.assert_allclose(state["parameters"][path], value, rtol=2e-6)
    assert state["optimizer"]["step"] == STEPS


@pytest.mark.parametrize(
    "make",
    [
        lambda: optim.sgd(-1.0),
        lambda: optim.sgd(float("nan")),
        lambda: optim.sgd(float("inf")),
        lambda: optim.sgd(0.1, momentum=1.0),
        lambda: optim.sgd(0.1, weight_decay=-0.1),
        lambda: optim.sgd(0.1, nesterov=True),
        lambda: optim.adam(-1.0),
        lambda: optim.adam(beta1=1.0),
        lambda: optim.adam(beta2=-0.1),
        lambda: optim.adam(epsilon=-1e-8),
    ],
)
def test_coefficients_out_of_range(make):
    with pytest.raises(cg.CatgradError, match=r"must be in|needs a momentum"):
        make()


def test_the_state_begins_with_zeros_and_the_seed_decides_the_parameters():
    made = cg.learner(nn.Linear(3, 2), loss=nn.mse, optimizer=optim.adam())
    state = made.init(seed=1)
    assert all(not np.any(a) for slot in ("first", "second") for a in state["optimizer"][slot].values())
    for path, value in made.init(seed=1)["parameters"].items():
        np.testing.assert_array_equal(value, state["parameters"][path])
    assert (made.init(seed=2)["parameters"]["weight"] != state["parameters"]["weight"]).any()


def test_the_step_donates_its_state_and_returns_its_type():
    made = cg.learner(nn.Linear(3, 2), loss=nn.mse, optimizer=optim.sgd(0.1, momentum=0.9))
    term = cg.trace(made.step, cg.f32[cg.dim("B"), 3], cg.f32[cg.dim("B"), 2])
    assert made.step.donates == (0,)
    state = len(term.input_names) - 2
    assert term.target_types[:state] == term.source_types[:state]
    assert term.input_names[-2:] == ("inputs", "targets")
    assert "state['parameters']['weight']" in term.input_names


def test_predictions_are_those_of_the_model():
    made = cg.learner(nn.Linear(3, 2, dtype=cg.f64), loss=nn.mse, optimizer=optim.sgd(0.1))
    parameters = made.init(seed=0)["parameters"]
    expected = INPUTS @ parameters["weight"].T + parameters["bias"]
    np.testing.assert_allclose(made.predict(parameters, INPUTS), expected)


def test_labels_and_distributions_give_the_same_cross_entropy():
    logits, labels = RNG.normal(size=(4, 3)), np.array([0, 2, 1, 1])
    hot = np.eye(3)[labels]
    shifted = logits - logits.max(1, keepdims=True)
    expected = -(hot * (shifted - np.log(np.exp(shifted).sum(1, keepdims=True)))).sum(1).mean()
    np.testing.assert_allclose(nn.softmax_cross_entropy(logits, labels), expected, rtol=1e-12)
    np.testing.assert_allclose(nn.softmax_cross_entropy(logits, hot), expected, rtol=1e-12)
    gradient = cg.grad(nn.softmax_cross_entropy)(logits, labels)
    softmax = np.exp(shifted) / np.exp(shifted).sum(1, keepdims=True)
    np.testing.assert_allclose(gradient, (softmax - hot) / 4, rtol=1e-9, atol=1e-12)
