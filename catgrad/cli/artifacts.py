"""The artifacts that a training run leaves in its folder; see `catgrad.cli.layout`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import numpy as np

from catgrad import ownership
from catgrad.cli.layout import DIAGRAM, IR, OPTIMIZER, PARAMETERS, RECORD, named, present
from catgrad.cli.program import Program
from catgrad.cli.run_folder import left_over, publish
from catgrad.cli.saved_run import own_files
from catgrad.errors import CatgradError, CompileError
from catgrad.parameters import to_safetensors

__all__ = ["Artifacts", "pictures", "prepared", "write"]

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


@contextmanager
def prepared(folder: Path, shown: Iterable[str]) -> Iterator[None]:
    """Make the folder of a run, and find out before hours of training whether its files can be written there.

    Folders that were made for the body, and into which it writes nothing, are removed after it.

    Args:
        folder: Where.
        shown: See `pictures`.

    Raises:
        CatgradError: Files of somebody else would be lost.
        OSError: Nothing can be written there.
    """
    made = [each for each in (folder, *folder.parents) if not each.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
        names = [RECORD, PARAMETERS, OPTIMIZER, *shown]
        earlier = own_files(folder) | left_over(folder, names)
        ownership.check_free(folder, names, earlier, "run", "another folder with --save")
        yield
    finally:
        with suppress(OSError):  # as soon as one is not empty
            for each in made:
                each.rmdir()


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
        folder: Where; `prepared` has made it.
        shown: See `pictures`.
        state: The parameters, and what the optimizer remembers.
        record: What `run.json` says besides the hashes.
        finished: Whether nothing is left that needs the optimizer.

    Raises:
        OSError: A file cannot be written; those that were there still are.
    """
    contents = {name: text.encode() for name, text in shown.items()}
    contents[PARAMETERS] = to_safetensors({path: np.asarray(x) for path, x in state["parameters"].items()})
    if not finished:
        contents[OPTIMIZER] = to_safetensors(named(state["optimizer"]))
    hashes = {name: ownership.digest(content) for name, content in contents.items()}
    contents[RECORD] = (json.dumps({**record, "sha256": hashes}, indent=2) + "\n").encode()
    earlier = own_files(folder)
    publish(folder, contents, [name for name in present(folder) if name in earlier or name in contents])
    stages = {_stage(name): folder / name for name in shown if name not in DIAGRAM}
    return Artifacts(folder, [folder / name for name in DIAGRAM if name in shown], stages)


def _drawn(program: Program) -> dict[str, str]:
    """Return the diagram as DOT, and as SVG if graphviz is installed."""
    drawn = {DIAGRAM[0]: program.show("dot")}
    try:
        return {**drawn, DIAGRAM[1]: program.show("svg")}
    except CatgradError:
        return drawn


def _ir(program: Program) -> Iterator[tuple[str, str]]:
    """Yield a file for each stage, numbered in the order of the compilation.

    A stage is left out if a tool that makes its text is not installed.
    """
    for i, stage in enumerate(stage for stage in program.stages if stage not in _PICTURED):
        try:
            yield f"{IR}/{i:02}-{stage}.{_SUFFIXES.get(stage, 'mlir')}", program.show(stage)
        except CompileError:
            continue


def _stage(name: str) -> str:
    """Return the stage that a file shows."""
    return Path(name).stem.partition("-")[2]
