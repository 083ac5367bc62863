"""Lay out the package in one folder of links, as it is when installed, for tools that cannot see import hooks.

`python tools/typing_tree.py` makes `build/typing/catgrad`: what is in `catgrad/`, and `dialect`, `passes` and `tools`.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

__all__ = ["lay_out"]

_MAPPED = ("dialect", "passes", "tools")
_SKIPPED = {"__pycache__"}


def lay_out(root: Path, tree: Path) -> None:
    """Make `tree` a folder of relative links into `root`; what was there before is removed.

    Args:
        root: The project.
        tree: The folder to make.
    """
    shutil.rmtree(tree, ignore_errors=True)
    tree.mkdir(parents=True)
    children = [path for path in (root / "catgrad").iterdir() if path.name not in _SKIPPED]
    for path in (*children, *(root / name for name in _MAPPED)):
        (tree / path.name).symlink_to(os.path.relpath(path, tree))


if __name__ == "__main__":
    project = Path(__file__).resolve().parents[1]
    lay_out(project, project / "build" / "typing" / "catgrad")
