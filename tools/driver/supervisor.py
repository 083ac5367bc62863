"""Work in a child process, so that what kills it still ends in a message and an ordinary exit code.

MLIR here checks its assertions, and a failed one aborts the process; so does running out of stack on deeply nested
input. No handler inside the process can recover from either.
"""

from __future__ import annotations

import mmap
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

__all__ = ["supervise"]

_QUIET = {signal.SIGINT, signal.SIGTERM, signal.SIGPIPE}
"""The user ended it, or the reader of its output did: nothing to report."""


class _Board:
    """A line of text that two processes share."""

    def __init__(self, size: int = 256) -> None:
        self._memory = mmap.mmap(-1, size)
        self._size = size

    def write(self, text: str) -> None:
        """Replace the text."""
        self._memory[:] = text.encode()[: self._size].ljust(self._size, b"\0")

    def read(self) -> str:
        """Return the text."""
        return self._memory[:].rstrip(b"\0").decode(errors="replace")


def supervise(work: Callable[[Callable[[str], None]], int]) -> int:
    """Run `work` in a child process and return its exit code.

    Args:
        work: Returns its exit code, and tells the function it is given what it is about to do.

    Returns:
        What `work` returned; 1, after a message, if a signal killed it; 128 + N, without one, if the signal N is the
        user's doing.
    """
    board = _Board()
    child = os.fork()
    if child == 0:
        _run(work, board)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: _end(child))
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status):
        return os.waitstatus_to_exitcode(status)
    killer = signal.Signals(os.WTERMSIG(status))
    if killer in _QUIET:
        return 128 + killer
    print(f"catgrad-opt: internal error: {killer.name} while {board.read()}", file=sys.stderr)
    return 1


def _end(child: int) -> None:
    """Ask the child to end, unless it has ended: a signal to the whole group reaches it first."""
    with suppress(ProcessLookupError):
        os.kill(child, signal.SIGTERM)


def _run(work: Callable[[Callable[[str], None]], int], board: _Board) -> NoReturn:
    """Run `work` in this process and end it, without the clean-up that is the parent's to do."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    code = 1
    try:
        code = work(board.write)
        sys.stdout.flush()
    finally:
        os._exit(code)
