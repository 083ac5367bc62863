"""Memory traffic of a run for each element of a row, as one kernel or as several.

Chains on rows compute little for what they move, so this is what decides how long they take.
"""

from __future__ import annotations

from catgrad.passes.gpu.registers import Element, element, needed, read_by
from catgrad.passes.gpu.values import Values

__all__ = ["moved_apart", "moved_together"]


def moved_together(values: Values, kept: bool) -> int:
    """Return the words that one kernel moves: what is kept in registers it reads once, else once in each sweep."""
    sweeps = [needed(values, sweep, ()) for sweep in range(values.sweeps)]
    reads = {(0 if kept else sweep, each) for sweep, found in enumerate(sweeps) for each in found if each.maker is None}
    return sum(each.words for _, each in reads) + sum(each.words for each in _written(values))


def moved_apart(values: Values) -> int:
    """Return the words that several kernels move: one for each fold, and one for all that is between two folds."""
    reads, writes = set(), set(_written(values))
    for i, inner in enumerate(values.run.inner):
        for each in read_by(values, i) if inner else ():
            kernel = _kernel(values, i)
            if each.maker is None:
                reads.add((kernel, each))
            elif _kernel(values, each.maker) != kernel:
                reads.add((kernel, each))
                writes.add(each)
    return sum(each.words for _, each in reads) + sum(each.words for each in writes)


def _kernel(values: Values, i: int) -> tuple[int, bool]:
    """Return what operations of one kernel have in common."""
    return values.levels[i], bool(values.run.steps[i].folded)


def _written(values: Values) -> list[Element]:
    """Return what stays in memory."""
    return [element(values, i, values.run.steps[i].inputs + result, (i, result)) for i, result in values.elements]
