"""Files that change as a whole, and are read within limits.

Every file is written under another name first, and takes its own when the last one is complete: others see what was
there before, or all that is there now. So a full disk or an error changes nothing, and who has opened an old file keeps
it.

What is asked of a file is asked of its descriptor, once it is open: a name can stand for another file a moment later.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from stat import S_IMODE, S_ISBLK, S_ISCHR, S_ISREG
from typing import Any, BinaryIO

from catgrad.errors import CatgradError

__all__ = [
    "created",
    "locked",
    "opened",
    "permissions",
    "private_folder",
    "read",
    "read_head",
    "read_private",
    "replace",
    "user_path",
]

_READING = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
"""Opening a pipe does not wait for somebody to write into it."""

_SHARED = 0o666
"""What anybody may do with a new file, but for what the user's umask takes away."""
_OWN = 0o600
"""What the user may do with it."""


def user_path(what: str, value: Any) -> Path:
    """Return a path that a user gives.

    Args:
        what: What takes it, and for what.
        value: A string or a `os.PathLike`.

    Raises:
        CatgradError: It is something else, or nothing that a file can be called.

    Example:
        >>> user_path("load takes the path of a file", "model.catgrad").name
        'model.catgrad'
    """
    path = os.fspath(value) if isinstance(value, os.PathLike) else value
    if not isinstance(path, str) or not path or "\0" in path:
        raise CatgradError(f"{what}, got {value!r}")
    return Path(path)


def replace(contents: Mapping[Path, bytes], mode: int | None = None) -> None:
    """Write files, new ones or in the place of old ones.

    Args:
        contents: What is in them.
        mode: Their permissions, if those of an old file are not to stay.

    Raises:
        OSError: One cannot be written, or is a device, of which others have need; the error names it.
    """
    for path in contents:
        if _is_device(path):
            raise OSError(errno.EINVAL, "no file takes the place of a device", str(path))
    with ExitStack() as unfinished:
        written = {path: _written(path, content, mode, unfinished) for path, content in contents.items()}
        for path, name in written.items():
            with _naming(path):
                os.replace(name, path)


def _is_device(path: Path) -> bool:
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False
    return S_ISCHR(mode) or S_ISBLK(mode)


def read(path: Path, limit: int) -> bytes:
    """Return what a file holds.

    Args:
        path: The file.
        limit: The most bytes that it may hold.

    Raises:
        CatgradError: It is a pipe, a device or a folder, or holds more; nothing of it was read.
        OSError: It cannot be read.
    """
    with opened(path) as (file, size):
        return _content(file, size, path, limit)


@contextmanager
def opened(path: Path) -> Iterator[tuple[BinaryIO, int]]:
    """Open a file to read it, and give its size.

    Raises:
        CatgradError: It is a pipe, a device or a folder.
        OSError: It cannot be read.
    """
    with _regular(os.open(path, _READING), path) as found:
        yield found


def read_head(path: Path, size: int) -> bytes:
    """Return the first bytes of a file, which is not looked for behind a symbolic link.

    Raises:
        OSError: It cannot be read.
    """
    with open(os.open(path, _READING | os.O_NOFOLLOW), "rb") as file:
        return file.read(size) or b""


def read_private(path: Path, limit: int) -> bytes:
    """Return what a file holds that nobody but this user can have written, or can read: see `read`.

    Raises:
        CatgradError: It is no regular file, or holds more than `limit` bytes.
        OSError: It cannot be read, is a symbolic link, or others have rights to it or can write its folder.
    """
    with private_folder(path.parent) as folder, _naming(path):
        descriptor = os.open(path.name, _READING | os.O_NOFOLLOW, dir_fd=folder)
    with _regular(descriptor, path, others=0o077) as (file, size):
        return _content(file, size, path, limit)


@contextmanager
def private_folder(folder: Path) -> Iterator[int]:
    """Open a folder that nobody else can write, and give its descriptor.

    Raises:
        OSError: It cannot be opened, belongs to another user, or others can write it.
    """
    with _naming(folder):
        descriptor = os.open(folder, _READING | os.O_DIRECTORY)
    try:
        _check_private(descriptor, folder, 0o022)
        yield descriptor
    finally:
        os.close(descriptor)


def permissions(path: Path) -> int | None:
    """Return what may be done with a file by whom; None if there is none, or a link in its place."""
    try:
        state = os.lstat(path)
    except OSError:
        return None
    return S_IMODE(state.st_mode) if S_ISREG(state.st_mode) else None


@contextmanager
def created(path: Path, mode: int | None) -> Iterator[BinaryIO]:
    """Make a file, and open it to write.

    Args:
        path: Where nothing is.
        mode: Its permissions; those of every new file if None.
    """
    first = _SHARED if mode is None else mode & _OWN  # nobody opens it before its permissions are right
    with open(path, "xb", opener=lambda where, flags: os.open(where, flags, first)) as file:
        if mode is not None:
            os.fchmod(file.fileno(), mode)
        yield file


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


def _check_private(descriptor: int, path: Path, others: int) -> None:
    """Raise unless a file or folder is this user's, and others have none of some rights to it."""
    state = os.fstat(descriptor)
    if state.st_uid != os.getuid():
        raise PermissionError(errno.EPERM, "it belongs to another user: choose another", str(path))
    if state.st_mode & others:
        raise PermissionError(errno.EPERM, "others have rights to it: chmod go-rwx, or choose another", str(path))


@contextmanager
def _regular(descriptor: int, path: Path, others: int = 0) -> Iterator[tuple[BinaryIO, int]]:
    """Give an open file and its size, if it is a regular one, and close it.

    With `others`, only if it is this user's, and others have none of these rights to it.
    """
    try:
        if others:
            _check_private(descriptor, path, others)
        state = os.fstat(descriptor)
        if not S_ISREG(state.st_mode):
            raise CatgradError(f"{path} is no regular file")
        with open(descriptor, "rb", closefd=False) as file:
            yield file, state.st_size
    finally:
        os.close(descriptor)


def _content(file: BinaryIO, size: int, path: Path, limit: int) -> bytes:
    """Return what an open file holds."""
    if size > limit:
        raise CatgradError(f"{path} holds {size:,} bytes, more than the {limit:,} that are read")
    return file.read(size)


def _written(path: Path, content: bytes, mode: int | None, unfinished: ExitStack) -> Path:
    """Write a file beside `path`, and return its name; what still has it in the end is removed."""
    name = path.parent / f".{path.name}-{token_hex(8)}"
    with _naming(path), created(name, permissions(path) if mode is None else mode) as file:
        unfinished.callback(name.unlink, missing_ok=True)
        file.write(content)
    return name


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Name `path` in errors of the system."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None
