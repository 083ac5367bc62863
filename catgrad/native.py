"""Critical sections of native code: importing MLIR, compiling and linking.

Two things must not happen in the middle of one:

* A signal handler that raises, as that of Ctrl-C does. C++ cannot pass the exception on: it is lost, or ends the
  process, and an import that was interrupted cannot be repeated. Handlers in Python run in the main thread alone, so
  there they wait until the section is left, or until its next `checkpoint`.
* A fork by another thread. In the child the thread that forked is all there is, and what another one had locked in the
  compiler stays locked. So a fork waits until no other thread is in a section, and there is one at a time.

Running compiled code holds no locks, and is no section.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

__all__ = ["checkpoint", "critical", "deferred_signals"]

_SIGNALS = sorted(signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP})
_lock = threading.RLock()


@dataclass
class _Deferral:
    """The signals that have come while handlers in Python wait.

    Attributes:
        handlers: The handlers that wait.
        came: The signals, with the frames that they came in.
    """

    handlers: dict[int, Callable[[int, FrameType | None], Any]] = field(default_factory=dict)
    came: dict[int, FrameType | None] = field(default_factory=dict)

    def note(self, number: int, frame: FrameType | None) -> None:
        """Handle a signal: note it, or pass it on if nothing waits any more."""
        if _current is self:
            self.came[number] = frame
        else:
            self.handlers[number](number, frame)

    def deliver(self) -> None:
        """Call the handlers of the signals that have come; one that raises keeps the others waiting."""
        while self.came:
            number, frame = self.came.popitem()
            self.handlers[number](number, frame)


_current: _Deferral | None = None


@contextmanager
def critical() -> Iterator[None]:
    """Run the body as a critical section of native code; sections may be nested."""
    with _lock, deferred_signals():
        yield


@contextmanager
def deferred_signals() -> Iterator[None]:
    """Let handlers of signals wait that are written in Python; in other threads than the main one there are none.

    Example:
        >>> import signal
        >>> try:
        ...     with deferred_signals():
        ...         signal.raise_signal(signal.SIGINT)
        ...         print("goes on")
        ... except KeyboardInterrupt:
        ...     print("interrupted")
        goes on
        interrupted
    """
    if _current is not None or threading.current_thread() is not threading.main_thread():
        yield
        return
    deferral = _Deferral()
    with ExitStack() as stack:  # which undoes everything, whatever a handler raises meanwhile
        stack.callback(deferral.deliver)
        for number in _SIGNALS:
            handler = signal.getsignal(number)
            if callable(handler):
                deferral.handlers[number] = handler
                stack.callback(signal.signal, number, handler)
                signal.signal(number, deferral.note)
        stack.callback(_set_current, None)
        _set_current(deferral)
        yield


def checkpoint() -> None:
    """Let signals that wait have their way here, where an exception does no harm."""
    if _current is not None and threading.current_thread() is threading.main_thread():
        _current.deliver()


def _set_current(deferral: _Deferral | None) -> None:
    global _current
    _current = deferral


os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)
