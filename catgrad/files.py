"""Files that change as a whole: others see what was there before, or all that is there now.

Every file is written under another name first, and takes its own when the last one is complete. So a full disk or an
error changes nothing, and who has opened an old file keeps it.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from secrets import token_hex

__all__ = ["locked", "replace"]

_SHARED = 0o666
"""What anybody may do with a file, but for what the user's umask takes away."""


def replace(contents: Mapping[Path, bytes], mode: int = _SHARED) -> None:
    """Write files, new ones or in the place of old ones.

    Args:
        contents: What is in them.
        mode: Their permissions, from which the user's umask is taken away.

    Raises:
        OSError: One cannot be written; the error names it.
    """
    with ExitStack() as unfinished:
        written = {path: _written(path, content, mode, unfinished) for path, content in contents.items()}
        for path, name in written.items():
            with _naming(path):
                os.replace(name, path)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other processes that ask for the same folder waiting while the body runs."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # a file system that knows no locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _written(path: Path, content: bytes, mode: int, unfinished: ExitStack) -> Path:
    """Write a file beside `path`, and return its name; what still has it in the end is removed."""
    name = path.parent / f".{path.name}-{token_hex(8)}"
    with _naming(path):
        file = open(name, "xb", opener=lambda where, flags: os.open(where, flags, mode))
        unfinished.callback(name.unlink, missing_ok=True)
        with file:
            file.write(content)
    return name


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Name `path` in errors of the system."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
