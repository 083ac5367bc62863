"""Going on with a training run that was interrupted: with its settings, from where it was."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import asdict
from pathlib import Path

from catgrad.cli.saved_run import SavedRun, read_run
from catgrad.cli.training import Progress, Trainer
from catgrad.errors import CatgradError

__all__ = ["resumed", "start_of"]

_OPTIONS = {"rate": "lr"}
"""The options that are not called like the settings."""


def resumed(folder: Path, arguments: Namespace) -> SavedRun:
    """Return the run in a folder.

    Raises:
        CatgradError: There is none, or it has other settings than the arguments ask for.
    """
    run = read_run(folder)
    for name, own in {**asdict(run.settings), "target": run.target}.items():
        option = _OPTIONS.get(name, name)
        given = getattr(arguments, option)
        if given is not None and given != own:
            raise CatgradError(
                f"--resume goes on with the settings of {folder}, whose {name} is {own}: {option} cannot be {given}"
            )
    return run


def start_of(run: SavedRun, trainer: Trainer) -> Progress:
    """Return where a run goes on.

    Raises:
        CatgradError: A file of the run is damaged, or it was trained on other examples.
    """
    progress, examples = run.progress(), len(trainer.data.train)
    if run.record.get("train_examples") != examples or progress.steps >= trainer.steps:
        raise CatgradError(f"--resume needs the data that {run.folder} has learned from, not these {examples} examples")
    return progress
