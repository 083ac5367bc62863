"""Catgrad's own files, which change between versions while somebody works on it."""

from __future__ import annotations

import hashlib
import os
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from types import FrameType

__all__ = ["digest", "folders", "has_changed", "is_own"]


@cache
def folders() -> tuple[str, ...]:
    """Return the folders of the packages, which need not be inside of one another, each with a separator behind it."""
    specs = map(find_spec, ("catgrad", "catgrad.dialect", "catgrad.passes", "catgrad.tools"))
    found = (folder for spec in specs if spec for folder in spec.submodule_search_locations or ())
    return tuple(os.path.join(folder, "") for folder in found)


def is_own(frame: FrameType) -> bool:
    """Return whether a frame runs code of catgrad, or what Python has generated for it, as for dataclasses."""
    file = frame.f_code.co_filename
    is_generated = file.startswith("<") and str(frame.f_globals.get("__name__")).startswith("catgrad.")
    return is_generated or _is_ours(file)


@lru_cache(1 << 10)
def _is_ours(file: str) -> bool:
    return file.startswith(folders())


@cache
def digest() -> str:
    """Return what stands for the contents of the files that code depends on."""
    found = hashlib.sha256()
    for file in sorted(_IMPORTED):
        found.update(Path(file).read_bytes())
    return found.hexdigest()


def has_changed() -> bool:
    """Return whether a file has changed since it was imported: what was read may not be what is there."""
    return _state() != _IMPORTED


def _state() -> dict[str, tuple[int, int]]:
    """Return the size of each file, and when it was last written."""
    found = (os.path.join(folder, name) for top in folders() for folder, _, names in os.walk(top) for name in names)
    states = {file: os.stat(file) for file in found if file.endswith(".py")}
    return {file: (state.st_size, state.st_mtime_ns) for file, state in states.items()}


_IMPORTED = _state()
