"""Files that a program has written, known again by their hashes: it replaces and removes no others.

What a folder says of its own files, in a manifest or a record, anybody can have written: a file is believed to be one
of them if its content has the hash that is listed.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Container, Iterable, Mapping
from pathlib import Path
from typing import Any

from catgrad.errors import CatgradError

__all__ = ["check_free", "digest", "unchanged"]


def digest(content: bytes) -> str:
    """Return the hash of a file, by which it is known again."""
    return hashlib.sha256(content).hexdigest()


def unchanged(listed: Mapping[str, Any], read: Callable[[str], bytes]) -> frozenset[str]:
    """Return the files whose contents are what is listed.

    Args:
        listed: Hashes by file, or whatever somebody has written in their place.
        read: Returns what a file holds, within limits; raises `CatgradError` or `OSError` where it does not.
    """
    return frozenset(name for name, known in listed.items() if _is_unchanged(name, known, read))


def check_free(folder: Path, names: Iterable[str], own: Container[str], what: str, other: str) -> None:
    """Raise `CatgradError` if files would be lost that are not the program's own.

    Args:
        folder: Where it will write.
        names: What.
        own: The files there that are its own.
        what: What it writes, for the message.
        other: What to choose instead.
    """
    for name in names:
        if name not in own and os.path.lexists(folder / name):
            advice = f"choose {other}, or move the file away if it is one that you have changed"
            raise CatgradError(f"{folder / name} is no file of an earlier {what}: {advice}")


def _is_unchanged(name: str, known: Any, read: Callable[[str], bytes]) -> bool:
    try:
        return digest(read(name)) == known
    except (CatgradError, OSError):
        return False
