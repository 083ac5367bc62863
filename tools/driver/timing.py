"""Timing: the wall time of named phases, and the report that `--mlir-timing` prints."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

__all__ = ["Timer"]

_RULE = f"===-{'-' * 73}-==="


class Timer:
    """Adds up wall times by name, from its creation on."""

    def __init__(self) -> None:
        self._start = perf_counter()
        self._seconds: dict[str, float] = {}

    @contextmanager
    def measure(self, name: str) -> Iterator[None]:
        """Add the time that the body takes to `name`."""
        start = perf_counter()
        try:
            yield
        finally:
            self._seconds[name] = self._seconds.get(name, 0.0) + perf_counter() - start

    def report(self) -> str:
        """Return a table of all phases, in the order in which they first ran."""
        total = perf_counter() - self._start
        rest = total - sum(self._seconds.values())
        rows = {**self._seconds, "Rest": rest, "Total": total}
        return "\n".join([
            _RULE,
            "... Execution time report ...".center(len(_RULE)).rstrip(),
            _RULE,
            f"  Total Execution Time: {total:.4f} seconds",
            "",
            "  ----Wall Time----  ----Name----",
            *(f"  {seconds:8.4f} ({seconds / total:6.1%})  {name}" for name, seconds in rows.items()),
            "",
        ])
