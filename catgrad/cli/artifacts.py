"""The artifacts that a training run leaves in its folder.

| file | what it is |
|---|---|
| `run.json` | the settings, from which the same run can be repeated, the results, and the hashes of the arrays |
| `parameters.safetensors` | the learned parameters by path |
| `optimizer.safetensors` | what the optimizer remembers, where the run was interrupted |
| `model.dot`, `model.svg` | the model's diagram; SVG where graphviz is installed |
| `ir/NN-STAGE.*` | the training step after each stage of its compilation |
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import numpy as np

from catgrad import trees
from catgrad.cli.program import Program
from catgrad.cli.run_folder import publish
from catgrad.errors import CatgradError, CompileError
from catgrad.parameters import to_safetensors

__all__ = ["OPTIMIZER", "PARAMETERS", "RECORD", "Artifacts", "named", "pictures", "prepare", "write"]

RECORD = "run.json"
"""The file by which the folder of a run is known."""
PARAMETERS, OPTIMIZER = "parameters.safetensors", "optimizer.safetensors"
_DIAGRAM = ("model.dot", "model.svg")
_IR = "ir"
_SUFFIXES = {"term": "txt", "llvm-ir": "ll", "asm": "s", "ptx": "ptx", "sass": "sass"}
_PICTURED = {"dot", "svg", "json"}


@dataclass(frozen=True)
class Artifacts:
    """Folder of a training run.

    Attributes:
        folder: The folder of all of them.
        diagram: The model as DOT, and as SVG if that was possible.
        ir: The file of each stage of the step.
    """

    folder: Path
    diagram: list[Path]
    ir: dict[str, Path]

    @property
    def parameters(self) -> Path:
        """The learned parameters."""
        return self.folder / PARAMETERS

    @property
    def paths(self) -> dict[str, Any]:
        """The same as text, for JSON."""
        return {
            "diagram": list(map(str, self.diagram)),
            "ir": {stage: str(path) for stage, path in self.ir.items()},
            "parameters": str(self.parameters),
        }


def prepare(folder: Path) -> None:
    """Make the folder of a run, and find out before hours of training whether its files can be written there.

    Raises:
        CatgradError: Files of somebody else would be lost.
        OSError: Nothing can be written there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryFile(dir=folder):
        pass
    there = [name for name in _present(folder) if (folder / name).exists()]
    others = there if RECORD not in there else [name for name in there if not (folder / name).is_file()]
    if others:
        raise CatgradError(f"{folder / others[0]} is no file of an earlier run: choose another folder with --save")


def pictures(step: Program, predict: Program) -> dict[str, str]:
    """Return the files that show what is trained, by path in the folder of a run.

    Args:
        step: The training step.
        predict: The model.
    """
    return {**_drawn(predict), **{name: text for name, text in _ir(step)}}


def write(
    folder: Path, shown: Mapping[str, str], state: Mapping[str, Any], record: dict[str, Any], *, finished: bool
) -> Artifacts:
    """Write the files of a run, in the place of those of an earlier one.

    Args:
        folder: Where; `prepare` has made it.
        shown: See `pictures`.
        state: The parameters, and what the optimizer remembers.
        record: What `run.json` says besides the hashes.
        finished: Whether nothing is left that needs the optimizer.

    Raises:
        OSError: A file cannot be written; those that were there still are.
    """
    arrays = {PARAMETERS: to_safetensors({path: np.asarray(x) for path, x in state["parameters"].items()})}
    if not finished:
        arrays[OPTIMIZER] = to_safetensors(named(state["optimizer"]))
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in arrays.items()}
    text = json.dumps({**record, "sha256": hashes}, indent=2) + "\n"
    texts = {name: content.encode() for name, content in {RECORD: text, **shown}.items()}
    publish(folder, {**arrays, **texts}, _present(folder))
    stages = {_stage(name): folder / name for name in shown if name not in _DIAGRAM}
    return Artifacts(folder, [folder / name for name in _DIAGRAM if name in shown], stages)


def named(optimizer: Any) -> dict[str, np.ndarray[Any, Any]]:
    """Return the arrays that an optimizer remembers, by how a user would write each of them."""
    leaves = trees.flatten(optimizer)[0]
    return {name: np.asarray(x) for name, x in zip(trees.leaf_names("optimizer", optimizer), leaves, strict=True)}


def _present(folder: Path) -> list[str]:
    """Return the paths in a folder at which runs have files, where there is something."""
    ir = [f"{_IR}/{name}" for name in sorted(os.listdir(folder / _IR))] if (folder / _IR).is_dir() else []
    fixed = [name for name in (RECORD, PARAMETERS, OPTIMIZER, *_DIAGRAM) if os.path.lexists(folder / name)]
    return fixed + [name for name in ir if name[len(_IR) + 1 :][:2].isdecimal()]


def _drawn(program: Program) -> dict[str, str]:
    """Return the diagram as DOT, and as SVG if graphviz is installed."""
    drawn = {_DIAGRAM[0]: program.show("dot")}
    try:
        return {**drawn, _DIAGRAM[1]: program.show("svg")}
    except CatgradError:
        return drawn


def _ir(program: Program) -> Iterator[tuple[str, str]]:
    """Yield a file for each stage, numbered in the order of the compilation.

    A stage is left out if a tool that makes its text is not installed.
    """
    for i, stage in enumerate(stage for stage in program.stages if stage not in _PICTURED):
        try:
            yield f"{_IR}/{i:02}-{stage}.{_SUFFIXES.get(stage, 'mlir')}", program.show(stage)
        except CompileError:
            continue


def _stage(name: str) -> str:
    """Return the stage that a file shows."""
    return Path(name).stem.partition("-")[2]
