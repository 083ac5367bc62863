"""Message authentication codes (HMAC-SHA256, RFC 2104) of files that only this user's programs may have written.

The key is random, and lies where the user's data is: `cache.key` in a folder that nobody else can write. Who can write
into a folder of sealed files, or has one with the right owner moved there, still cannot make one that is opened.
"""

from __future__ import annotations

import errno
import hashlib
import hmac
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from platformdirs import user_data_path

from catgrad.errors import CatgradError
from catgrad.files import read_private

__all__ = ["MAGIC", "KeyFileError", "key_path", "open_sealed", "seal"]

MAGIC = b"catgrad sealed 1"
"""How a sealed file begins."""

_BYTES = hashlib.sha256().digest_size
_HEADER = len(MAGIC) + _BYTES


class KeyFileError(OSError):
    """The user's key cannot be made or read, or is none; the message names it, and says what to do."""


def key_path() -> Path:
    """Return where the user's key is."""
    return user_data_path("catgrad") / "cache.key"


def seal(content: bytes, name: str) -> bytes:
    """Return the sealed file of some content; the user's key is made where there is none.

    Args:
        content: What is to be read again.
        name: What it is of: under another name it is not opened.

    Raises:
        KeyFileError: The key cannot be written or read, or others can do so.
    """
    with _blaming_key():
        if not key_path().exists():
            _make_key()
    return MAGIC + _code(_key(), content, name) + content


def open_sealed(path: Path, name: str, limit: int) -> bytes | None:
    """Return what a sealed file holds; None if this user's programs have not written it under this name.

    Nothing is made of its bytes before their code is known to be right.

    Raises:
        CatgradError: It holds more than `limit` bytes.
        OSError: It or the key cannot be read, or others can write one of them.
    """
    sealed = read_private(path, limit + _HEADER)
    content = sealed[_HEADER:]
    is_ours = hmac.compare_digest(sealed[:_HEADER], MAGIC + _code(_key(), content, name))
    return content if is_ours else None


def _code(key: bytes, content: bytes, name: str) -> bytes:
    code = hmac.new(key, hashlib.sha256(name.encode()).digest(), "sha256")
    code.update(content)
    return code.digest()


def _key() -> bytes:
    path = key_path()
    with _blaming_key():
        key = read_private(path, _BYTES)
        if len(key) != _BYTES:
            raise CatgradError(f"{path} holds {len(key)} bytes, not {_BYTES}")
    return key


@contextmanager
def _blaming_key() -> Iterator[None]:
    """Raise `KeyFileError` for what goes wrong with the key."""
    path = key_path()
    try:
        yield
    except CatgradError as error:
        raise KeyFileError(errno.EINVAL, f"{error.message}: remove it, and a new one is made", str(path)) from error
    except OSError as error:
        reason = f"{error.strerror}: make its folder and it yours alone, or remove it, and a new one is made"
        if path.is_symlink():
            reason = "it is a symbolic link: put a file in its place, or remove it, and a new one is made"
        raise KeyFileError(error.errno, reason, error.filename or str(path)) from error


def _make_key() -> None:
    """Write a new key; of several processes that do so at once, one is the first."""
    path = key_path()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        with open(descriptor, "wb") as file:
            file.write(secrets.token_bytes(_BYTES))
        with suppress(FileExistsError):
            os.link(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
