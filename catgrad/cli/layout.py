"""Layout of the folder of a training run: what its files are called.

| file | what it is |
|---|---|
| `run.json` | the settings, from which the same run can be repeated, the results, and the hashes of the other files |
| `parameters.safetensors` | the learned parameters by path |
| `optimizer.safetensors` | what the optimizer remembers, where the run was interrupted |
| `model.dot`, `model.svg` | the model's diagram; SVG where graphviz is installed |
| `ir/NN-STAGE.*` | the training step after each stage of its compilation |
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from catgrad import trees

__all__ = ["DIAGRAM", "IR", "OPTIMIZER", "PARAMETERS", "RECORD", "named", "present"]

RECORD = "run.json"
"""The file by which the folder of a run is known."""
PARAMETERS, OPTIMIZER = "parameters.safetensors", "optimizer.safetensors"
DIAGRAM = ("model.dot", "model.svg")
IR = "ir"


def present(folder: Path) -> list[str]:
    """Return the paths in a folder at which runs have files, where there is something."""
    ir = [f"{IR}/{name}" for name in sorted(os.listdir(folder / IR))] if (folder / IR).is_dir() else []
    fixed = [name for name in (RECORD, PARAMETERS, OPTIMIZER, *DIAGRAM) if os.path.lexists(folder / name)]
    return fixed + [name for name in ir if name[len(IR) + 1 :][:2].isdecimal()]


def named(optimizer: Any) -> dict[str, np.ndarray[Any, Any]]:
    """Return the arrays that an optimizer remembers, by how a user would write each of them."""
    leaves = trees.flatten(optimizer)[0]
    return {name: np.asarray(x) for name, x in zip(trees.leaf_names("optimizer", optimizer), leaves, strict=True)}
