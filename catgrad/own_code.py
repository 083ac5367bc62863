"""Catgrad's own files, which change between versions while somebody works on it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
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
    return file.startswith(folders()) or file == _command()


@cache
def _command() -> str | None:
    """Return the file that the `catgrad` command starts with, which lies beside the packages."""
    spec = find_spec("catgrad_command")
    return None if spec is None else spec.origin


@cache
def digest() -> str:
    """Return what stands for the contents of the files that code depends on."""
    found = hashlib.sha256()
    for file in sorted(_IMPORTED):
        found.update(Path(file).read_bytes())
    return found.hexdigest()


def has_changed() -> bool:
    """Return whether a file has changed since it was imported: what was read may not be what is there."""
    return any(_state(file) != state for file, state in _IMPORTED.items())


def _state(file: str) -> tuple[int, int] | None:
    """Return the size of a file, and when it was last written; None if it is gone."""
    try:
        found = os.stat(file)
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


def _files() -> Iterator[str]:
    """Yield the paths of all modules."""
    for top in folders():
        for folder, _, names in os.walk(top):
            yield from (os.path.join(folder, name) for name in names if name.endswith(".py"))


_IMPORTED = {file: _state(file) for file in _files()}
