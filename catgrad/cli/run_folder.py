"""Folders whose files change together: links into a version, which one rename chooses.

    run.json            -> .current/run.json
    ir/00-term.txt      -> ../.current/ir/00-term.txt
    .current            -> .version-6f3a90c1d2b4
    .version-6f3a90c1d2b4/run.json

A version is complete, and on the disk, before `.current` names it. Whenever a process is killed or the machine stops,
the files are those of the old version or those of the new one.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from secrets import token_hex

from catgrad import files

__all__ = ["left_over", "publish"]

_CURRENT, _VERSION = ".current", ".version-"


def publish(folder: Path, contents: Mapping[str, bytes], present: Iterable[str]) -> None:
    """Replace files of a folder by others, all at once.

    Args:
        folder: Where.
        contents: What is in the new files, by their paths in it.
        present: The paths of the old ones; those that get no new content go.

    Raises:
        OSError: A file cannot be written; the old ones are as they were.
    """
    old = frozenset(present)
    with files.locked(folder):
        try:
            _adopt(folder, old)
            version = _write(folder, contents)
            for name in sorted(contents.keys() - old):
                _link(folder, name, version)
            _choose(folder, version, contents)
            for name in sorted(old - contents.keys()):
                (folder / name).unlink(missing_ok=True)
        finally:
            _remove_versions(folder)


def left_over(folder: Path, names: Iterable[str]) -> frozenset[str]:
    """Return the names at which a link leads nowhere: whoever made it was killed before the files were."""
    return frozenset(name for name in names if _is_link(folder, name) and not (folder / name).exists())


def _write(folder: Path, contents: Mapping[str, bytes | Path]) -> Path:
    """Write a version, and see to it that it is on the disk; what replaces a file has the permissions of that.

    Args:
        folder: Where.
        contents: What is in the files: bytes, or what another file holds.
    """
    version = folder / f"{_VERSION}{token_hex(6)}"
    version.mkdir()
    for name, content in contents.items():
        path = version / name
        path.parent.mkdir(exist_ok=True)
        with files.created(path, files.permissions((folder / name).resolve())) as file:
            if isinstance(content, Path):
                with files.opened(content) as (other, _):
                    shutil.copyfileobj(other, file)
            else:
                file.write(content)
            file.flush()
            os.fsync(file.fileno())
    for each in {version, *((version / name).parent for name in contents)}:
        _flush(each)
    return version


def _adopt(folder: Path, names: frozenset[str]) -> None:
    """Make a version of files that are no links, as those are that somebody copied, and links of them."""
    copied = sorted(name for name in names if not _is_link(folder, name))
    if not copied:
        return
    whole = sorted(name for name in names if (folder / name).is_file())
    version = _write(folder, {name: folder / name for name in whole})
    current = folder / _CURRENT
    if current.is_dir() and not current.is_symlink():
        current.rename(folder / f"{_VERSION}{token_hex(6)}")
    _choose(folder, version, whole)
    for name in copied:
        _link(folder, name, version)


def _choose(folder: Path, version: Path, names: Iterable[str]) -> None:
    """Let the links of some names lead to a version; before and after that, the folder is on the disk."""
    for each in {folder, *((folder / name).parent for name in names)}:
        _flush(each)
    _replace(folder / _CURRENT, version.name, version)
    _flush(folder)


def _link(folder: Path, name: str, version: Path) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    _replace(folder / name, _target(name), version)


def _replace(path: Path, target: str, version: Path) -> None:
    """Put a link in the place of what is at `path`; it is made in a version, with which it goes if it is left over."""
    made = version / f".link-{token_hex(6)}"
    made.symlink_to(target)
    os.replace(made, path)


def _target(name: str) -> str:
    return os.path.join(*[os.pardir] * name.count("/"), _CURRENT, name)


def _is_link(folder: Path, name: str) -> bool:
    path = folder / name
    return path.is_symlink() and os.readlink(path) == _target(name)


def _remove_versions(folder: Path) -> None:
    """Remove the versions that `.current` does not name."""
    current = (folder / _CURRENT).resolve()
    for version in folder.glob(f"{_VERSION}*"):
        if version.resolve() != current and not version.is_symlink():
            shutil.rmtree(version, ignore_errors=True)


def _flush(folder: Path) -> None:
    """Write what a folder lists to the disk, where the system can."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
