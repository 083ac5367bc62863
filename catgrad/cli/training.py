"""Training: epochs of compiled steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np

from catgrad.cli.data import Dataset, Examples
from catgrad.cli.tasks import Settings
from catgrad.errors import CatgradError

__all__ = ["Epoch", "Outcome", "Trainer"]


@dataclass(frozen=True)
class Epoch:
    """How one pass over the examples went.

    Attributes:
        loss: The mean over its steps.
        accuracy: Afterwards, on the held-back examples, or on all where none are held back: from 0 to 1.
        seconds: Time of the steps.
    """

    loss: float
    accuracy: float
    seconds: float


@dataclass(frozen=True)
class Outcome:
    """What training led to.

    Attributes:
        parameters: Arrays by path.
        history: The epochs, in order.
        train_accuracy: On the examples learned from, from 0 to 1.
        test_accuracy: On the held-back examples, if there are any.
    """

    parameters: dict[str, np.ndarray[Any, Any]]
    history: tuple[Epoch, ...]
    train_accuracy: float
    test_accuracy: float | None


class Trainer:
    """Trains a model with two executables: the step, and the prediction that judges it.

    Args:
        settings: How.
        data: On what.
        target: What the step and the prediction run on.

    Attributes:
        settings: How.
        data: On what.
        step: (state, x, y) ↦ (state, loss), which updates the state in place.
        predict: (parameters, x) ↦ scores for each class.
        steps: How many steps an epoch has; examples that do not fill a batch wait for the next epoch.

    Raises:
        CatgradError: There are fewer examples than one batch takes.
    """

    def __init__(self, settings: Settings, data: Dataset, target: str = "cpu") -> None:
        self.steps = len(data.train) // settings.batch
        if not self.steps:
            raise CatgradError(f"a batch of {settings.batch} is more than the {len(data.train)} training examples")
        self.settings = settings
        self.data = data
        self.step = settings.step(target)
        self.predict = settings.predict(target)

    def run(self, watch: Callable[[Epoch], None]) -> Outcome:
        """Train from the initial parameters; `watch` is told of each epoch."""
        state = self.settings.learner.init(self.settings.seed)
        shuffle = np.random.default_rng(self.settings.seed)
        history = []
        for _ in range(self.settings.epochs):
            state, epoch = self._epoch(state, shuffle.permutation(len(self.data.train)))
            history.append(epoch)
            watch(epoch)
        parameters, test = {path: np.asarray(x) for path, x in state["parameters"].items()}, self.data.test
        return Outcome(
            parameters=parameters,
            history=tuple(history),
            train_accuracy=self._accuracy(parameters, self.data.train),
            test_accuracy=None if test is None else self._accuracy(parameters, test),
        )

    def _epoch(self, state: Any, order: np.ndarray[Any, Any]) -> tuple[Any, Epoch]:
        """Take a step for each full batch of `order`; the arrays of `state` may be updated."""
        batches = order[: self.steps * self.settings.batch].reshape(self.steps, -1)
        loss, started = 0.0, perf_counter()
        for rows in batches:
            batch = self.data.train[rows]
            state, loss_of_batch = self.step.executable(state, batch.x, batch.y)
            loss += float(loss_of_batch)
        seconds = perf_counter() - started
        judged = self.data.train if self.data.test is None else self.data.test
        return state, Epoch(loss / self.steps, self._accuracy(state["parameters"], judged), seconds)

    def _accuracy(self, parameters: Any, examples: Examples) -> float:
        """Return the part of the examples whose class has the greatest score."""
        scores = np.asarray(self.predict.executable(parameters, examples.x))
        return float(np.mean(np.argmax(scores, axis=1) == examples.y))
