"""What a training run leaves in its folder.

| file | what it is |
|---|---|
| `model.dot`, `model.svg` | the model's diagram; SVG where graphviz is installed |
| `ir/NN-STAGE.*` | the training step after each stage of its compilation |
| `parameters.safetensors` | the learned parameters by path |
| `run.json` | the settings, from which the same run can be repeated, and the results |
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import numpy as np

from catgrad import files
from catgrad.cli.program import Program
from catgrad.cli.tasks import Settings, settings_from
from catgrad.errors import CatgradError, CompileError
from catgrad.parameters import to_safetensors

__all__ = ["RECORD", "Artifacts", "prepare", "read_settings", "write"]

RECORD = "run.json"
"""The file by which the folder of a run is known."""
_SUFFIXES = {"term": "txt", "llvm-ir": "ll", "asm": "s", "ptx": "ptx", "sass": "sass"}
_PICTURED = {"dot", "svg", "json"}


@dataclass(frozen=True)
class Artifacts:
    """Where a run left its files.

    Attributes:
        diagram: The model as DOT, and as SVG if that was possible.
        ir: The file of each stage of the step.
        parameters: The learned parameters.
    """

    diagram: list[Path]
    ir: dict[str, Path]
    parameters: Path

    @property
    def paths(self) -> dict[str, Any]:
        """The same as text, for JSON."""
        return {
            "diagram": list(map(str, self.diagram)),
            "ir": {stage: str(path) for stage, path in self.ir.items()},
            "parameters": str(self.parameters),
        }


def prepare(folder: Path) -> None:
    """Make the folder of a run, and find out before hours of training whether files can be written there.

    Raises:
        OSError: They cannot.
    """
    (folder / "ir").mkdir(parents=True, exist_ok=True)
    with TemporaryFile(dir=folder):
        pass


def write(
    folder: Path, step: Program, predict: Program, parameters: dict[str, np.ndarray[Any, Any]], record: dict[str, Any]
) -> Artifacts:
    """Write the files of a run.

    Args:
        folder: Where; `prepare` has made it.
        step: The training step.
        predict: The model.
        parameters: Arrays by path.
        record: What `run.json` says.

    Raises:
        OSError: A file cannot be written.
    """
    (folder / RECORD).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    files.replace({folder / "parameters.safetensors": to_safetensors(parameters)})
    return Artifacts(_draw(predict, folder), _write_ir(step, folder / "ir"), folder / "parameters.safetensors")


def read_settings(folder: Path) -> Settings:
    """Return the settings of the run that left its files in `folder`.

    Raises:
        CatgradError: It is not the folder of a run.
    """
    try:
        return settings_from(json.loads((folder / RECORD).read_text(encoding="utf-8"))["settings"])
    except (OSError, ValueError, KeyError, TypeError, CatgradError) as error:
        raise CatgradError(f"{folder} is not what `catgrad train --save` writes: {error}") from error


def _draw(program: Program, folder: Path) -> list[Path]:
    """Write the diagram as DOT, and as SVG if graphviz is installed."""
    paths = [folder / "model.dot", folder / "model.svg"]
    program.term.to_dot(paths[0])
    try:
        program.term.to_svg(paths[1])
    except CatgradError:
        paths.pop()
    return paths


def _write_ir(program: Program, folder: Path) -> dict[str, Path]:
    """Write the text of each stage into a file of its own, numbered in the order of the compilation.

    A stage is left out if a tool that makes its text is not installed.
    """
    stages = [stage for stage in program.stages if stage not in _PICTURED]
    paths = {s: folder / f"{i:02}-{s}.{_SUFFIXES.get(s, 'mlir')}" for i, s in enumerate(stages)}
    for stage, path in list(paths.items()):
        try:
            path.write_text(program.show(stage), encoding="utf-8")
        except CompileError:
            del paths[stage]
    return paths
