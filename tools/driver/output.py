"""Output of results: a file, or standard output."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from catgrad.tools.driver.errors import UsageError

__all__ = ["write"]

_SEPARATOR = b"// -----\n"


def write(path: str, parts: Sequence[str | bytes | None]) -> None:
    """Write the results of the chunks, with separators between them; "-" is standard output.

    Raises:
        UsageError: The system refuses.
    """
    data = _SEPARATOR.join(_encoded(part) for part in parts)
    try:
        if path != "-":
            Path(path).write_bytes(data)
        else:
            sys.stdout.flush()
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
    except OSError as error:
        target = "standard output" if path == "-" else f"'{path}'"
        raise UsageError(f"cannot write {target}: {error.strerror}") from error


def _encoded(part: str | bytes | None) -> bytes:
    """Return a result as bytes: none for a chunk that failed."""
    return part.encode() if isinstance(part, str) else part or b""
