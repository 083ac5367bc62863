"""A training run, read from its folder: nothing in it is believed that does not fit the model."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from catgrad import files, json_text, trees
from catgrad.cli.layout import OPTIMIZER, PARAMETERS, RECORD, present
from catgrad.cli.tasks import Settings, settings_from
from catgrad.cli.training import Epoch, Progress
from catgrad.errors import CatgradError
from catgrad.integers import GREATEST
from catgrad.ownership import digest, unchanged
from catgrad.parameters import check_finite, read_safetensors
from catgrad.types import TensorType

__all__ = ["SavedRun", "is_run", "own_files", "read_run"]

_NAMES = (
    *("settings", "target", "train_examples", "test_examples", "train_accuracy", "test_accuracy", "steps"),
    *("compile_seconds", "train_seconds", "steps_per_second", "losses", "accuracies", "seconds", "epoch", "sha256"),
)
"""What a record has."""
_LARGEST_RECORD, _LARGEST_TEXT = 1 << 26, 1 << 26
"""How many bytes it, and a diagram or IR, takes at most: `catgrad.cli.tasks.MOST_EPOCHS` fit."""


@dataclass(frozen=True)
class SavedRun:
    """A run as its folder has it.

    Attributes:
        folder: Where.
        settings: How it was trained.
        record: What else `run.json` says.
    """

    folder: Path
    settings: Settings
    record: Mapping[str, Any]

    @property
    def epochs(self) -> int:
        """Number of epochs that are done."""
        return len(self._list("losses"))

    @property
    def is_finished(self) -> bool:
        """Whether all epochs are."""
        return self.epochs == self.settings.epochs

    @property
    def described(self) -> dict[str, Any]:
        """Contents of `run.json`."""
        return {"settings": asdict(self.settings), **self.record}

    @property
    def target(self) -> str:
        """Target that it ran on."""
        target = self.record.get("target")
        if not isinstance(target, str):
            raise self._error(f"target must be a text, got {target!r}")
        return target

    def parameters(self, *, finite: bool = True) -> dict[str, np.ndarray[Any, Any]]:
        """Return the learned parameters.

        Args:
            finite: Whether to refuse NaN and infinities.

        Raises:
            CatgradError: They are not those of the model and of this run.
        """
        return self._arrays(PARAMETERS, self._parameter_types, finite)

    def content(self, name: str) -> bytes:
        """Return what one of the run's files holds.

        Raises:
            CatgradError: It holds more than it may, or other arrays than the model has.
            OSError: It cannot be read.
        """
        types = {PARAMETERS: self._parameter_types, OPTIMIZER: self._optimizer_types[0]}
        if name in types:
            return read_safetensors(self.folder / name, types[name])[0]
        return files.read(self.folder / name, _LARGEST_TEXT)

    def progress(self) -> Progress:
        """Return where an interrupted run goes on.

        Raises:
            CatgradError: A file does not fit the model, or the others.
        """
        types, structure = self._optimizer_types
        remembered = self._arrays(OPTIMIZER, types, finite=False)
        optimizer = trees.unflatten(structure, [remembered[name] for name in types])
        state = {"parameters": self.parameters(finite=False), "optimizer": optimizer}
        epoch = self.record.get("epoch")
        if not isinstance(epoch, dict) or epoch.keys() != {"steps", "loss", "seconds"}:
            raise self._error("epoch must say steps, loss and seconds")
        steps, loss, seconds = epoch["steps"], _number(epoch["loss"]), _number(epoch["seconds"])
        if type(steps) is not int or not 0 <= steps <= GREATEST or loss is None or seconds is None:
            raise self._error("epoch must say steps, loss and seconds as numbers")
        return Progress(state, self._history(), steps, loss, seconds)

    @property
    def hashes(self) -> Mapping[str, Any] | None:
        """Hashes of the other files, if the record has some."""
        known = self.record.get("sha256")
        if not isinstance(known, dict | None):
            raise self._error("sha256 must be hashes by file")
        return known

    @property
    def _parameter_types(self) -> dict[str, TensorType]:
        return {path: parameter.type for path, parameter in self.settings.learner.model.parameters().items()}

    @property
    def _optimizer_types(self) -> tuple[dict[str, TensorType], Any]:
        """Types of what the optimizer remembers, by name, and how they are nested."""
        state = self.settings.learner.optimizer.state_types(self._parameter_types)
        leaves, structure = trees.flatten(state)
        return dict(zip(trees.leaf_names("optimizer", state), leaves, strict=True)), structure

    def _history(self) -> tuple[Epoch, ...]:
        """Return the epochs that are done."""
        losses, accuracies = self._list("losses"), self._list("accuracies")
        seconds = self._list("seconds")
        if not len(losses) == len(accuracies) == len(seconds) <= self.settings.epochs:
            raise self._error("losses, accuracies and seconds must have a number for each epoch that is done")
        return tuple(map(Epoch, losses, accuracies, seconds))

    def _list(self, name: str) -> list[float]:
        """Return numbers of the record; null is what JSON has for NaN and infinities."""
        given = self.record.get(name)
        found = [_number(value) for value in given] if isinstance(given, list) else [None]
        if None in found:
            raise self._error(f"{name} must be a list of numbers")
        return [value for value in found if value is not None]

    def _arrays(self, name: str, types: Mapping[str, TensorType], finite: bool) -> dict[str, np.ndarray[Any, Any]]:
        path = self.folder / name
        try:
            content, arrays = read_safetensors(path, types)
            if finite:
                check_finite(arrays)
        except OSError as error:
            raise CatgradError(f"{path} cannot be read: {error.strerror}: train again, or restore the file") from error
        except CatgradError as error:
            raise CatgradError(f"{path} does not fit the model: {error}") from error
        if self.hashes is not None and self.hashes.get(name) != digest(content):
            raise CatgradError(f"{path} is not the file that the run of {RECORD} wrote: train again, or restore it")
        return arrays

    def _error(self, message: str) -> CatgradError:
        return CatgradError(f"{self.folder / RECORD} is damaged: {message}")


def own_files(folder: Path) -> frozenset[str]:
    """Return the files in a folder that a training run has written, and nobody has changed since."""
    try:
        run = read_run(folder)
        hashes = run.hashes or {}
    except CatgradError:
        return frozenset()
    listed = {name: hashes[name] for name in present(folder) if name in hashes}
    return unchanged(listed, run.content) | {RECORD}


def is_run(folder: Path) -> bool:
    """Return whether a training run has left its files in a folder."""
    return (folder / RECORD).exists()


def read_run(folder: Path) -> SavedRun:
    """Read a run.

    Raises:
        CatgradError: It is not the folder of a run.
    """
    try:
        record = json_text.loads(files.read(folder / RECORD, _LARGEST_RECORD))
        if not isinstance(record, dict) or "settings" not in record or record.keys() - set(_NAMES):
            given = sorted(record)[:20] if isinstance(record, dict) else type(record).__name__
            raise CatgradError(f"{RECORD} says {', '.join(_NAMES)}, given {given}")
        return SavedRun(folder, settings_from(record.pop("settings")), record)
    except (OSError, ValueError, CatgradError) as error:
        raise CatgradError(f"{folder} is not what `catgrad train --save` writes: {error}") from error


def _number(value: Any) -> float | None:
    """Return a number of a record, of which null is none that JSON has."""
    if value is None:
        return math.nan
    if type(value) is float:
        return value if math.isfinite(value) else None
    return float(value) if type(value) is int and abs(value) <= GREATEST else None
