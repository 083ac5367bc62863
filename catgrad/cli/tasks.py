"""The tasks that can be trained: datasets with the losses, models and settings that suit them.

Example:
    >>> TASKS["iris"].settings(model="linear").rate
    0.0225
    >>> print(TASKS["digits"].settings(hidden=32).predict().term.type.partition(" -> ")[2])
    f32[B, 10]
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from reprlib import repr as shortened
from typing import Any

import numpy as np

from catgrad.autodiff.learner import Learner, learner
from catgrad.cli.models import Activation, Dense, Perceptron, identity, squared_error
from catgrad.cli.program import Program
from catgrad.dims import dim
from catgrad.errors import CatgradError
from catgrad.integers import GREATEST
from catgrad.lang import nn, optim
from catgrad.lang.module import Module
from catgrad.types import TensorType, f32, i32

__all__ = ["MODELS", "MOST_EPOCHS", "OPTIMIZERS", "RATE", "TASKS", "Settings", "Task", "is_rate", "settings_from"]

_GREATEST_RATE = float(np.finfo(np.float32).max)

OPTIMIZERS: Mapping[str, Callable[[float], optim.Optimizer]] = {"sgd": optim.sgd, "adam": optim.adam}


@dataclass(frozen=True)
class Settings:
    """Task: all that a training run depends on besides its data.

    Attributes:
        dataset: A name of `TASKS`.
        model: A name of `MODELS`.
        hidden: Width of the hidden layer, where there is one.
        epochs: How often the examples are seen.
        batch: Examples in a step.
        optimizer: A name of `OPTIMIZERS`.
        rate: The learning rate.
        seed: Decides the initial parameters, which examples are held back, and the order of the others.
    """

    dataset: str
    model: str
    hidden: int
    epochs: int
    batch: int
    optimizer: str
    rate: float
    seed: int

    @property
    def learner(self) -> Learner:
        """The model with its loss and optimizer."""
        task = TASKS[self.dataset]
        optimizer = OPTIMIZERS[self.optimizer](self.rate)
        return learner(MODELS[self.model](task, self.hidden), loss=task.loss, optimizer=optimizer)

    def step(self, target: str = "cpu") -> Program:
        """Return the training step, for exactly `batch` examples."""
        return Program(self.learner.step, (self._examples, i32[dim("B")]), {"B": self.batch}, target)

    def predict(self, target: str = "cpu") -> Program:
        """Return the prediction, for any number of examples."""
        return Program(self.learner.predict, (self._examples,), target=target)

    @property
    def _examples(self) -> TensorType:
        return f32[dim("B"), TASKS[self.dataset].inputs]


@dataclass(frozen=True)
class Task:
    """A dataset, how its classes are learned, and settings that work.

    Attributes:
        name: The dataset.
        inputs: Features of an example.
        classes: How many classes there are.
        loss: (predictions f32[B, classes], labels i32[B]) ↦ f32[].
        activation: After a hidden layer.
        output: After the last layer, where the model has activations.
        hidden: Width of the hidden layer.
        epochs: How often the examples are seen.
        batch: Examples in a step.
        optimizer: A name of `OPTIMIZERS`.
        rates: The learning rate for each model and optimizer.
    """

    name: str
    inputs: int
    classes: int
    loss: Callable[[Any, Any], Any]
    activation: Activation
    output: Activation
    hidden: int
    epochs: int
    batch: int
    optimizer: str
    rates: Mapping[tuple[str, str], float]

    def settings(self, **chosen: Any) -> Settings:
        """Return the task's settings, but for those that are given and not None."""
        chosen = {name: value for name, value in chosen.items() if value is not None}
        own = {name: getattr(self, name) for name in ("hidden", "epochs", "batch", "optimizer")}
        merged = {"dataset": self.name, "model": "hidden", "seed": 0, **own, **chosen}
        return Settings(**{"rate": self.rates[merged["model"], merged["optimizer"]], **merged})


MODELS: Mapping[str, Callable[[Task, int], Module]] = {
    "linear": lambda task, _: nn.Linear(task.inputs, task.classes, bias=False),
    "dense": lambda task, _: Dense(task.inputs, task.classes, task.output),
    "hidden": lambda task, width: Perceptron(task.inputs, width, task.classes, task.activation, task.output),
}


MOST_EPOCHS = 500_000
"""How often examples are seen at most: the record of a run has three numbers for each time."""
RATE = "a number of f32 that is at least 0"
"""What a learning rate is."""


def is_rate(value: float) -> bool:
    """Return whether a number can be a learning rate: parameters are f32, and so is what they are multiplied by."""
    return 0 <= value <= _GREATEST_RATE


def settings_from(record: Any) -> Settings:
    """Return the settings that `dataclasses.asdict` made into a dictionary.

    Raises:
        CatgradError: The record is something else.
    """
    if not isinstance(record, dict) or record.keys() != _VALID.keys():
        given = sorted(record) if isinstance(record, dict) else type(record).__name__
        raise CatgradError(f"the settings are {sorted(_VALID)}, given {shortened(given)}")
    for name, (kind, is_valid, expected) in _VALID.items():
        value = record[name]
        if type(value) is not kind or not is_valid(value):
            raise CatgradError(f"the setting {name} must be {expected}, got {shortened(value)}")
    return Settings(**record)


def _rates(**by_optimizer: float) -> dict[tuple[str, str], float]:
    return {(model, optimizer): rate for model in MODELS for optimizer, rate in by_optimizer.items()}


# The loss on iris is a mean over 150 × 3 numbers. Summed and halved, as in the examples that this follows, it would
# have 225 times the gradient: these are the rates 0.01 and 0.0001 there.
_IRIS_RATES = _rates(sgd=2.25, adam=0.02) | {("linear", "sgd"): 0.0225}

TASKS: Mapping[str, Task] = {
    task.name: task
    for task in (
        Task(
            name="iris",
            inputs=4,
            classes=3,
            loss=squared_error,
            activation=nn.sigmoid,
            output=nn.sigmoid,
            hidden=20,
            epochs=1000,
            batch=150,
            optimizer="sgd",
            rates=_IRIS_RATES,
        ),
        Task(
            name="digits",
            inputs=64,
            classes=10,
            loss=nn.softmax_cross_entropy,
            activation=nn.relu,
            output=identity,
            hidden=64,
            epochs=60,
            batch=32,
            optimizer="adam",
            rates=_rates(sgd=0.1, adam=0.004),
        ),
        Task(
            name="fashion-mnist",
            inputs=784,
            classes=10,
            loss=nn.softmax_cross_entropy,
            activation=nn.relu,
            output=identity,
            hidden=256,
            epochs=10,
            batch=128,
            optimizer="adam",
            rates=_rates(sgd=0.1, adam=0.002),
        ),
    )
}


def _choice(names: Iterable[str]) -> tuple[type, Callable[[Any], bool], str]:
    return str, frozenset(names).__contains__, f"one of {', '.join(names)}"


def _count(least: int, most: int = GREATEST) -> tuple[type, Callable[[Any], bool], str]:
    bound = "" if most == GREATEST else f" and at most {most:,}"
    return int, lambda value: least <= value <= most, f"an integer that is at least {least}{bound}"


_VALID: Mapping[str, tuple[type, Callable[[Any], bool], str]] = {
    "dataset": _choice(TASKS),
    "model": _choice(MODELS),
    "hidden": _count(1),
    "epochs": _count(1, MOST_EPOCHS),
    "batch": _count(1),
    "optimizer": _choice(OPTIMIZERS),
    "rate": (float, is_rate, RATE),
    "seed": _count(0),
}
"""The type of each setting, which of its values are valid, and what these are called."""
