"""The summary that `catgrad train` prints of a run, before and after it."""

from __future__ import annotations

import math
import shlex
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from catgrad.cli.artifacts import Artifacts
from catgrad.cli.console import folded_command, row
from catgrad.cli.training import Outcome, Trainer

__all__ = ["accuracy", "after", "before", "command", "progress", "record"]


def before(trainer: Trainer, width: int) -> str:
    """Say what is trained on what, after compiling the step, in lines of a width."""
    settings, data = trainer.settings, trainer.data
    weights = sum(math.prod(map(int, p.type.shape)) for p in settings.learner.model.parameters().values())
    held = "none" if data.test is None else f"{len(data.test):,}"
    rows = {
        "data": f"{settings.dataset}: {len(data.train):,} examples to learn from, {held} held back",
        "model": f"{settings.model}: {weights:,} parameters, {settings.optimizer} with rate {settings.rate:g}",
        "step": f"{settings.batch:,} examples, {_how(trainer)} in {_compile_seconds(trainer):.2f} s",
    }
    return "\n".join(row(name, value, width) for name, value in rows.items())


def after(trainer: Trainer, outcome: Outcome, files: Artifacts, width: int) -> str:
    """Say how well it went, and where to look, in lines of a width."""
    target = trainer.step.target
    options = ["--step", *([] if target == "cpu" else [f"--target {target}"])]
    shown = ["show", shlex.quote(str(files.folder)), *options]
    rows = {
        "accuracy": accuracy(trainer, outcome),
        "parameters": str(files.parameters),
        "diagram": ", ".join(map(str, files.diagram)),
        "IR": f"{files.folder / 'ir'}, and by stage:",
    }
    return "\n".join((
        *(row(name, value, width) for name, value in rows.items()),
        *(folded_command([command(), *shown, f"--stage {stage}"], width) for stage in files.ir),
    ))


def command() -> str:
    """Return how this command was started, so that what is printed can be pasted."""
    started = Path(sys.argv[0])
    on_path = shutil.which(started.name)
    is_command = started.name == "catgrad" and started.exists()
    return "catgrad" if not is_command or (on_path and started.samefile(on_path)) else shlex.quote(str(started))


def accuracy(trainer: Trainer, outcome: Outcome) -> str:
    """Say the accuracy, on the held-back examples if there are any."""
    learned = f"{outcome.train_accuracy:.2%} of the {len(trainer.data.train):,} examples learned from"
    if trainer.data.test is None or outcome.test_accuracy is None:
        return learned
    return f"{outcome.test_accuracy:.2%} of the {len(trainer.data.test):,} held-back examples, {learned}"


def progress(trainer: Trainer, outcome: Outcome) -> str:
    """Say how much of the training is done."""
    now = outcome.progress
    begun = f" and {now.steps:,} of {trainer.steps:,} steps" if now.steps else ""
    return f"{len(now.history):,} of {trainer.settings.epochs:,} epochs{begun}"


def record(trainer: Trainer, outcome: Outcome) -> dict[str, Any]:
    """Return the settings and the results as JSON has them; a number that it lacks, such as NaN, is null."""
    now = outcome.progress
    seconds = sum(epoch.seconds for epoch in now.history) + now.seconds
    steps = trainer.steps * len(now.history) + now.steps
    return {
        "settings": asdict(trainer.settings),
        "target": trainer.step.target,
        "train_examples": len(trainer.data.train),
        "test_examples": 0 if trainer.data.test is None else len(trainer.data.test),
        "train_accuracy": outcome.train_accuracy,
        "test_accuracy": outcome.test_accuracy,
        "steps": steps,
        "compile_seconds": _compile_seconds(trainer),
        "train_seconds": seconds,
        "steps_per_second": steps / seconds,
        "losses": _finite([epoch.loss for epoch in now.history]),
        "accuracies": [epoch.accuracy for epoch in now.history],
        "seconds": [epoch.seconds for epoch in now.history],
        "epoch": {"steps": now.steps, "loss": _finite([now.loss])[0], "seconds": now.seconds},
    }


def _finite(numbers: Sequence[float]) -> list[float | None]:
    return [number if math.isfinite(number) else None for number in numbers]


def _how(trainer: Trainer) -> str:
    """Say where the step's code comes from."""
    return "loaded from the cache" if "load" in trainer.step.executable.compile_seconds else "compiled"


def _compile_seconds(trainer: Trainer) -> float:
    return sum(trainer.step.executable.compile_seconds.values())
