"""The process of one competitor: `python -m bench.worker FD` answers the coordinator over that pipe.

The first message is a `Task`; the answer is the library's version or a `Failure`. Every later message is the name of a
method of `Competitor`; the answer is its result, or a `Failure` if it raised.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

from bench.messages import Failure, Task

if TYPE_CHECKING:
    from bench.competitor import Competitor

__all__ = ["attempt", "main"]


def main() -> None:
    """Answers messages until the coordinator hangs up."""
    connection: Connection[Any, Any] = Connection(int(sys.argv[1]))
    competitor = attempt(enter, connection.recv())
    connection.send(competitor if isinstance(competitor, Failure) else competitor.library.version)
    while True:
        try:
            method = connection.recv()
        except EOFError:
            return
        connection.send(attempt(getattr(competitor, method)))


def enter(task: Task) -> Competitor:
    """Pins this process, then opens the competitor: threads that a library starts on import are pinned with it."""
    os.sched_setaffinity(0, task.cores)
    from bench import competitor

    return competitor.enter(task)


def attempt(action: Callable[..., Any], *arguments: Any) -> Any:
    """The action's result, or the `Failure` that says how it raised: a competitor may fail in any way."""
    try:
        return action(*arguments)
    except Exception as error:
        lines = str(error).strip().splitlines() or [""]
        return Failure(f"{type(error).__name__}: {lines[0]}")


if __name__ == "__main__":
    main()
