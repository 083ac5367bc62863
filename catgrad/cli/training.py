"""Training: epochs of compiled steps, which can stop after any of them and go on as if they had not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

import numpy as np

from catgrad.cli import memory
from catgrad.cli.data import Dataset, Examples
from catgrad.cli.tasks import Settings
from catgrad.errors import CatgradError

__all__ = ["Epoch", "Outcome", "Progress", "Trainer"]


@dataclass(frozen=True)
class Epoch:
    """Figures of one epoch.

    Attributes:
        loss: The mean over its steps.
        accuracy: Afterwards, on the held-back examples, or on all where none are held back: from 0 to 1.
        seconds: Time of the steps.
    """

    loss: float
    accuracy: float
    seconds: float


@dataclass(frozen=True)
class Progress:
    """Checkpoint of training: all that the rest of it depends on, besides settings and data.

    Attributes:
        state: The parameters, and what the optimizer remembers.
        history: The epochs that are done.
        steps: Steps of the epoch under way.
        loss: The sum over these steps.
        seconds: Time of these steps.
    """

    state: Any
    history: tuple[Epoch, ...] = ()
    steps: int = 0
    loss: float = 0.0
    seconds: float = 0.0


@dataclass(frozen=True)
class Outcome:
    """Result of training.

    Attributes:
        progress: Where it ended.
        train_accuracy: On the examples learned from, from 0 to 1.
        test_accuracy: On the held-back examples, if there are any.
    """

    progress: Progress
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
        CatgradError: There are fewer examples than one batch takes, or the model is larger than the memory.
    """

    def __init__(self, settings: Settings, data: Dataset, target: str = "cpu") -> None:
        self.steps = len(data.train) // settings.batch
        if not self.steps:
            raise CatgradError(f"a batch of {settings.batch} is more than the {len(data.train)} training examples")
        memory.check_room(settings)
        self.settings = settings
        self.data = data
        self.step = settings.step(target)
        self.predict = settings.predict(target)

    def run(
        self,
        watch: Callable[[Epoch], None],
        start: Progress | None = None,
        is_stopped: Callable[[], bool] = lambda: False,
    ) -> Outcome:
        """Train until all epochs are done.

        Args:
            watch: Told of each epoch that is done.
            start: Where to go on; from the initial parameters if None.
            is_stopped: Asked after each step whether to leave it at that.
        """
        now = start or Progress(self.settings.learner.init(self.settings.seed))
        while not self.has_finished(now) and not is_stopped():
            now = self._advance(now, is_stopped)
            if now.steps == self.steps:
                now = self._judge(now)
                watch(now.history[-1])
        return self._outcome(now)

    def has_finished(self, now: Progress) -> bool:
        """Return whether all epochs are done."""
        return len(now.history) == self.settings.epochs

    def _advance(self, now: Progress, is_stopped: Callable[[], bool]) -> Progress:
        """Take the steps that the epoch still has, or those until training is stopped; the state may be updated.

        The order of the examples depends on the seed and on the number of the epoch, so that any epoch can be begun.
        """
        order = np.random.default_rng((self.settings.seed, len(now.history))).permutation(len(self.data.train))
        batches = order[: self.steps * self.settings.batch].reshape(self.steps, -1)
        state, loss, done, started = now.state, now.loss, now.steps, perf_counter()
        for rows in batches[now.steps :]:
            batch = self.data.train[rows]
            state, loss_of_batch = self.step.executable(state, batch.x, batch.y)
            loss += float(loss_of_batch)
            done += 1
            if is_stopped():
                break
        seconds = now.seconds + perf_counter() - started
        return replace(now, state=state, steps=done, loss=loss, seconds=seconds)

    def _judge(self, now: Progress) -> Progress:
        """Return where training is when the epoch under way is done."""
        judged = self.data.train if self.data.test is None else self.data.test
        epoch = Epoch(now.loss / self.steps, self._accuracy(now.state["parameters"], judged), now.seconds)
        return Progress(now.state, (*now.history, epoch))

    def _outcome(self, now: Progress) -> Outcome:
        parameters, test = now.state["parameters"], self.data.test
        return Outcome(
            progress=now,
            train_accuracy=self._accuracy(parameters, self.data.train),
            test_accuracy=None if test is None else self._accuracy(parameters, test),
        )

    def _accuracy(self, parameters: Any, examples: Examples) -> float:
        """Return the part of the examples whose class has the greatest score."""
        scores = np.asarray(self.predict.executable(parameters, examples.x))
        return float(np.mean(np.argmax(scores, axis=1) == examples.y))
