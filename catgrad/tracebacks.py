"""Tracebacks as users read them: they end at their own line, and frames of catgrad are left out.

The variable CATGRAD_TRACEBACK, set to "full", leaves them in. An error that is nobody's intention keeps them anyway:
they are what is wrong.
"""

from __future__ import annotations

import os
import sysconfig
from collections.abc import Iterator
from types import TracebackType

from catgrad.own_code import is_own

__all__ = ["shorten"]

_VARIABLE = "CATGRAD_TRACEBACK"
_LIBRARY = os.path.join(sysconfig.get_path("stdlib"), "")


def shorten(error: BaseException, is_intended: bool) -> None:
    """Leave frames of catgrad out of the traceback of an error, and of those that led to it.

    Args:
        error: The error.
        is_intended: Whether catgrad raised it on purpose; others are left alone where they come from catgrad itself.
    """
    if os.environ.get(_VARIABLE) == "full":
        return
    for each in _chain(error):
        entries = list(_entries(each.__traceback__))
        others = _foreign(entries)
        if len(others) < len(entries) and (is_intended or others[-1:] == entries[-1:]):
            _link([entries[0], *(entry for entry in others if entry is not entries[0])])
            each.__traceback__ = others[0] if others else None


def _foreign(entries: list[TracebackType]) -> list[TracebackType]:
    """Return the entries of others: neither of catgrad, nor of Python's library on the way from catgrad to catgrad."""
    found: list[TracebackType] = []
    on_the_way: list[TracebackType] = []
    is_inside = False
    for entry in entries:
        if is_own(entry.tb_frame):
            is_inside, on_the_way = True, []
        elif is_inside and entry.tb_frame.f_code.co_filename.startswith(_LIBRARY):
            on_the_way.append(entry)
        else:
            is_inside, on_the_way, found = False, [], [*found, *on_the_way, entry]
    return [*found, *on_the_way]


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error, and those that are shown with it."""
    todo, met = [error], set()
    while todo:
        each = todo.pop()
        if id(each) not in met:
            met.add(id(each))
            yield each
            todo += [other for other in (each.__cause__, each.__context__) if other is not None]


def _entries(trace: TracebackType | None) -> Iterator[TracebackType]:
    while trace is not None:
        yield trace
        trace = trace.tb_next


def _link(entries: list[TracebackType]) -> None:
    """Let entries of a traceback follow one another; Python 3.10 goes on with the first, whatever the error has."""
    for entry, after in zip(entries, [*entries[1:], None], strict=True):
        entry.tb_next = after
