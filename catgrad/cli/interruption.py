"""Signals that ask a program to end, as exceptions and as a request, so that what they interrupt can end well.

They are Ctrl-C (SIGINT), a polite request (SIGTERM) and the end of the terminal (SIGHUP). One that is ignored, as
SIGHUP is under `nohup`, and SIGINT by programs in the background, stays ignored. Threads other than the main one get
none.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import Any

from catgrad.streams import forget_lost_terminals

__all__ = ["Interrupted", "StopRequest", "interruptible", "raising"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(KeyboardInterrupt):
    """A signal has asked the program to end.

    Args:
        number: The signal.
        message: What became of the program's work.
    """

    def __init__(self, number: int, message: str = "interrupted") -> None:
        super().__init__(message)
        self.number = number


class StopRequest:
    """Request to stop: a signal that has come, if one has.

    Attributes:
        number: The first that has; 0 before.
    """

    number = 0

    def __call__(self) -> bool:
        """Return whether one has."""
        return self.number > 0


@contextmanager
def raising() -> Iterator[None]:
    """Let each of the signals raise `Interrupted` in the body, or end it as it does already."""

    def end(number: int, _frame: FrameType | None) -> None:
        forget_lost_terminals()
        raise Interrupted(number)

    with _handling(end, signal.SIG_DFL, signal.default_int_handler):
        yield


@contextmanager
def interruptible() -> Iterator[StopRequest]:
    """Yield the request that one of the signals makes; in the body they do nothing else, however many come."""
    request = StopRequest()

    def note(number: int, _frame: FrameType | None) -> None:
        forget_lost_terminals()
        request.number = request.number or number

    with _handling(note):
        yield request


@contextmanager
def _handling(handler: Callable[[int, FrameType | None], Any], *instead_of: Any) -> Iterator[None]:
    """Handle the signals in the body.

    Args:
        handler: How.
        *instead_of: The handlers that give way; all but ignoring, if there are none.
    """
    with ExitStack() as stack:
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                before = signal.getsignal(number)
                if before in instead_of if instead_of else before not in (signal.SIG_IGN, None):
                    stack.callback(signal.signal, number, before)
                    signal.signal(number, handler)
        yield
