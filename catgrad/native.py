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
from _thread import interrupt_main
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
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

    def start(self) -> None:
        """Let the handlers wait; what a handler raises meanwhile leaves the rest to another call."""
        for number in _SIGNALS:
            handler = signal.getsignal(number)
            if callable(handler) and handler != self.note:
                self.handlers[number] = handler
                signal.signal(number, self.note)
        _set_current(self)

    def stop(self) -> None:
        """Put the handlers back, whatever one of them raises meanwhile."""
        with ExitStack() as stack:
            for number, handler in self.handlers.items():
                stack.callback(signal.signal, number, handler)
            _set_current(None)

    def note(self, number: int, frame: FrameType | None) -> None:
        """Handle a signal: note it, or have it handled if nothing waits any more."""
        self.came[number] = frame
        if _current is not self:
            self.stop()
            self.deliver()

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
    if _current is not None or not _handles_signals():
        yield
        return
    deferral = _Deferral()
    with ExitStack() as stack:  # which undoes everything, whatever a handler raises meanwhile
        stack.callback(deferral.deliver)
        stack.callback(deferral.stop)
        deferral.start()
        yield


def checkpoint() -> None:
    """Let signals that wait have their way here, where an exception does no harm."""
    if _current is not None and _handles_signals():
        _current.deliver()


def _set_current(deferral: _Deferral | None) -> None:
    global _current
    _current = deferral


def _handles_signals() -> bool:
    return threading.current_thread() is threading.main_thread()


_forks: list[_Deferral | None] = []
"""The fork that has the lock, by the signals that wait for it alone; forks inside of it would be nested."""
_due: list[int] = []
"""A signal that came while the last fork waited, and is to be handled when `os.fork` has returned."""


def _before_fork() -> None:
    """Enter a section; signals wait from before it is free, as Python drops what hooks raise and forks nevertheless."""
    deferral = _Deferral() if _current is None and _handles_signals() else None
    while deferral and _current is not deferral:
        try:
            deferral.start()
        except KeyboardInterrupt:
            deferral.came[signal.SIGINT] = None
    _lock.acquire()
    _forks.append(deferral)
    _due.clear()
    if deferral and deferral.came:
        _raise_after_fork(next(iter(deferral.came)))


def _raise_after_fork(number: int) -> None:
    """Have a signal raised after all hooks, without a frame in Python in which it would be handled.

    A hook that is registered now is the last one. It sorts a list of one element, whose key raises the signal; the next
    fork empties the list.
    """
    global _due
    _due = [number]
    os.register_at_fork(after_in_parent=partial(_due.sort, key=interrupt_main))


def _after_fork_in_parent() -> None:
    """Leave the section; the first signal that is handled after the hooks lets those that have come be handled."""
    if not _forks:  # a signal came before the first line of the hook before
        return
    deferral = _forks.pop()
    _lock.release()
    if deferral and _due:
        _set_current(None)  # by when the handlers still note, and the first to do so puts them back
    elif deferral:
        deferral.stop()
        deferral.deliver()


def _after_fork_in_child() -> None:
    """Leave the section; the signals that wait came to the parent."""
    if _current:
        _current.came.clear()
    if not _forks:
        return
    deferral = _forks.pop()
    _lock.release()
    if deferral:
        deferral.stop()


os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)
