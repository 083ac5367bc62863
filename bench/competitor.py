"""One competitor of a case: bound, checked, and timed block by block, in the process that runs it."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.case import Case, Entry
from bench.cases import CASES
from bench.libraries import LIBRARIES, Call
from bench.messages import Prepared, Task

__all__ = ["Competitor", "calibrate", "enter", "relative_error"]


class Competitor:
    """An entry with its library opened and its inputs drawn.

    Args:
        case: The case.
        entry: One of its entries.
        threads: How many threads the library may use.
        block: Seconds that one block of calls should take.
        target: What the library runs on.
    """

    def __init__(self, case: Case, entry: Entry, threads: int, block: float, target: str = "cpu") -> None:
        self.case, self.entry, self.block_seconds = case, entry, block
        self.library = LIBRARIES[entry.library](threads, target)
        self.inputs = case.inputs(np.random.default_rng(0))

    def prepare(self) -> Prepared:
        """Binds the program, calls it once and checks the result, then finds how many calls fill a block."""
        before = reset_peak_memory()
        start = time.perf_counter()
        self.call: Call = self.library.waited(self.entry.program(self.library, self.inputs))
        result = self.call()
        first_call = time.perf_counter() - start
        memory = max(0, peak_memory() - before)
        error = self.check(result)
        self.repeats = calibrate(self.call, self.block_seconds)
        return Prepared(first_call, memory, error)

    def check(self, result: Any) -> float:
        """The relative error of a result; the machine's own loops compute nothing."""
        if self.entry.library == "machine":
            return 0.0
        inputs = self.case.inputs(np.random.default_rng(0))
        expected = self.case.reference(*(array.astype("f8") if array.dtype.kind == "f" else array for array in inputs))
        fetched = result() if callable(result) else result
        return relative_error(as_arrays(fetched, self.library.fetch), as_arrays(expected))

    def block(self) -> float:
        """Seconds per unit of the case's work, over one block; a first call, where it is short, warms the caches."""
        if self.repeats > 1:
            self.call()
        return timed(self.call, self.repeats) / (self.repeats * self.entry.repeats)


def timed(call: Call, repeats: int) -> float:
    """Seconds for that many calls, garbage collection put off."""
    gc.disable()
    start = time.perf_counter()
    for _ in repeat(None, repeats):
        call()
    elapsed = time.perf_counter() - start
    gc.enable()
    return elapsed


def calibrate(call: Call, seconds: float, timer: Callable[[Call, int], float] = timed) -> int:
    """Number of calls that fill `seconds`, judged by a run of at least a fifth of it.

    Example:
        >>> calibrate(abs, 1.0, timer=lambda call, repeats: repeats * 0.125)
        8
    """
    repeats = 1
    while (elapsed := timer(call, repeats)) < seconds / 5:
        repeats *= 2
    return max(1, round(repeats * seconds / elapsed))


def as_arrays(result: Any, fetch: Callable[[Any], NDArray[Any]] = np.asarray) -> list[NDArray[Any]]:
    """A result, or each of several, as a numpy array; what a program wrote that was started is one already."""
    several = result if isinstance(result, tuple | list) else (result,)
    return [array if isinstance(array, np.ndarray) else fetch(array) for array in several]


def relative_error(result: list[NDArray[Any]], expected: list[NDArray[Any]]) -> float:
    """The largest difference relative to the largest magnitude expected, over all results; infinite if shapes differ.

    Example:
        >>> relative_error([np.array([1.0, 2.5])], [np.array([1.0, 2.0])])
        0.25
    """
    if [array.shape for array in result] != [array.shape for array in expected]:
        return float("inf")
    return max(float(np.abs(x - y).max() / (np.abs(y).max() or 1.0)) for x, y in zip(result, expected, strict=True))


def reset_peak_memory() -> int:
    """Makes the kernel forget the peak; gives the resident bytes now (0 where there is no /proc)."""
    if not Path("/proc/self/clear_refs").exists():
        return 0
    Path("/proc/self/clear_refs").write_text("5")
    return peak_memory()


def peak_memory() -> int:
    """The most bytes that were resident since the last reset (0 where there is no /proc)."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def enter(task: Task) -> Competitor:
    """Opens the competitor that the task names."""
    case = next(case for case in CASES if case.name == task.case)
    return Competitor(case, case.entry(task.entry), len(task.cores), task.block, task.target)
