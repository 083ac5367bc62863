"""Messages between the coordinator and its workers."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Failure", "Prepared", "Task"]


@dataclass(frozen=True)
class Task:
    """The job of a worker: what it runs, and where.

    Args:
        case: Name of the case.
        entry: Name of the entry.
        cores: The cores it is pinned to.
        block: Seconds that one block of calls should take.
        target: What it is measured on.
    """

    case: str
    entry: str
    cores: tuple[int, ...]
    block: float
    target: str


@dataclass(frozen=True)
class Failure:
    """Reason, as a line of text, for which a competitor has no figures."""

    message: str


@dataclass(frozen=True)
class Prepared:
    """Figures of the first call.

    Args:
        first_call: Seconds from the function and its arrays to the first result.
        memory: Bytes by which the process's memory grew at most meanwhile.
        error: Largest error of the result, relative to the largest magnitude in the reference.
    """

    first_call: float
    memory: int
    error: float
