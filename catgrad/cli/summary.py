"""What `catgrad train` says about a run, before and after it."""

from __future__ import annotations

import math
import shlex
import shutil
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from catgrad.cli.artifacts import Artifacts
from catgrad.cli.training import Outcome, Trainer

__all__ = ["accuracy", "after", "before", "record"]


def before(trainer: Trainer) -> str:
    """Say what is trained on what, after compiling the step."""
    settings, data = trainer.settings, trainer.data
    weights = sum(math.prod(map(int, p.type.shape)) for p in settings.learner.model.parameters().values())
    held = "none" if data.test is None else f"{len(data.test):,}"
    return "\n".join((
        _row("data", f"{settings.dataset}: {len(data.train):,} examples to learn from, {held} held back"),
        _row("model", f"{settings.model}: {weights:,} parameters, {settings.optimizer} with rate {settings.rate:g}"),
        _row("step", f"{settings.batch:,} examples, {_how(trainer)} in {_compile_seconds(trainer):.2f} s"),
    ))


def after(trainer: Trainer, outcome: Outcome, files: Artifacts) -> str:
    """Say how well it went, and where to look."""
    folder, target = files.parameters.parent, trainer.step.target
    on_target = "" if target == "cpu" else f" --target {target}"
    return "\n".join((
        _row("accuracy", accuracy(trainer, outcome)),
        _row("parameters", str(files.parameters)),
        _row("diagram", ", ".join(map(str, files.diagram))),
        _row("IR", f"{folder / 'ir'}, and by stage:"),
        *(f"  {_command()} show {folder} --step{on_target} --stage {stage}" for stage in files.ir),
    ))


def _command() -> str:
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


def record(trainer: Trainer, outcome: Outcome) -> dict[str, Any]:
    """Return the settings and the results as JSON has them; a number that it lacks, such as NaN, is null."""
    seconds = sum(epoch.seconds for epoch in outcome.history)
    steps = trainer.steps * len(outcome.history)
    return {
        "settings": asdict(trainer.settings),
        "train_examples": len(trainer.data.train),
        "test_examples": 0 if trainer.data.test is None else len(trainer.data.test),
        "train_accuracy": outcome.train_accuracy,
        "test_accuracy": outcome.test_accuracy,
        "steps": steps,
        "compile_seconds": _compile_seconds(trainer),
        "train_seconds": seconds,
        "steps_per_second": steps / seconds,
        "losses": [epoch.loss if math.isfinite(epoch.loss) else None for epoch in outcome.history],
        "accuracies": [epoch.accuracy for epoch in outcome.history],
    }


def _how(trainer: Trainer) -> str:
    """Say where the step's code comes from."""
    return "loaded from the cache" if "load" in trainer.step.executable.compile_seconds else "compiled"


def _compile_seconds(trainer: Trainer) -> float:
    return sum(trainer.step.executable.compile_seconds.values())


def _row(name: str, value: str) -> str:
    return f"{name:<12}{value}"
