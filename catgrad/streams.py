"""Standard streams that can be written, whatever the terminal shows and whether they are there at all."""

from __future__ import annotations

import codecs
import errno
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from io import TextIOWrapper
from unicodedata import combining, normalize

__all__ = ["forget_lost_terminals", "forget_output", "usable_streams"]

_HANDLER = "catgrad.plain"
"""Name of the error handler of encodings; see `codecs.register_error`."""
_PLAIN = {"✓": "+", "✗": "x", "–": "-", "×": "x", "→": "->", "↦": "|->", "µ": "u", "≤": "<=", "≥": ">="}
"""What stands for characters that an encoding lacks, where decomposing them does not say it."""
_ABSENT = {"stdin": "r", "stdout": "w", "stderr": "w"}
"""The streams that a process may lack, as `>&-` leaves it, and how they are opened in their place."""


@contextmanager
def usable_streams() -> Iterator[None]:
    """Let the body print what it likes.

    Characters that the encoding of standard output lacks are written in a plain form. A stream that is closed takes
    everything and has nothing, as the null device.

    Example:
        >>> with usable_streams():
        ...     print("any character")
        any character
    """
    with ExitStack() as stack:
        for name, mode in _ABSENT.items():
            if getattr(sys, name) is None:
                stack.callback(setattr, sys, name, None)
                setattr(sys, name, stack.enter_context(open(os.devnull, mode, encoding="utf-8")))
        if isinstance(sys.stdout, TextIOWrapper):
            stack.callback(sys.stdout.reconfigure, errors=sys.stdout.errors)
            sys.stdout.reconfigure(errors=_HANDLER)
        yield


def forget_lost_terminals() -> None:
    """Let what is written to terminals that have hung up go nowhere: writing there would fail."""
    for descriptor in (1, 2):
        if _has_hung_up(descriptor):
            forget_output(descriptor)


def forget_output(descriptor: int) -> None:
    """Let what is written to a descriptor go nowhere from now on."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)


def _has_hung_up(descriptor: int) -> bool:
    """Return whether a terminal is gone; writing nothing to it tells."""
    try:
        os.write(descriptor, b"")
    except OSError as error:
        return error.errno == errno.EIO
    return False


def _plain(error: UnicodeError) -> tuple[str, int]:
    """Return what is written instead of characters that have no encoding, and where the text goes on."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_plain_form, error.object[error.start : error.end])), error.end


def _plain_form(character: str) -> str:
    """Return a character in ASCII.

    Example:
        >>> "".join(map(_plain_form, "✓ x Wᵀ, größer: λ"))
        '+ x WT, gro?er: ?'
    """
    parts = normalize("NFKD", _PLAIN.get(character, character))
    return "".join(part if part.isascii() else "?" for part in parts if not combining(part))


codecs.register_error(_HANDLER, _plain)
