"""Which runs are worth one kernel: those that leave all processors of the GPU something to do."""

from __future__ import annotations

from math import prod

from catgrad.passes.gpu.machine import GpuMachine
from catgrad.passes.gpu.values import Values
from catgrad.passes.runs import Run

__all__ = ["has_few_buffers", "is_rowwise"]

_MOST_BUFFERS = 16
"""Buffers that one kernel may work on; what it has to know of them is passed to each launch."""


def is_rowwise(run: Run, machine: GpuMachine) -> bool:
    """Return whether a run is elementwise, or its rows are many or short enough to be one kernel.

    Several blocks can share a row where it is only folded, in one pass. A fold that needs an order is done by one
    thread for each row: there is nothing to share the row with.
    """
    if any(step.op.name != "linalg.generic" for step in run.steps):
        return False
    if len(run.steps) == 1 or not any(run.inner):
        return has_few_buffers(run)
    values = Values(run)
    is_folding = not any(inner for step, inner in zip(run.steps, run.inner, strict=True) if not step.folded)
    if None in values.folds.values():
        return is_folding and len(values.folds) == 1
    is_one_pass = is_folding and max(values.levels) == 1
    return has_few_buffers(run) and (is_one_pass or _is_spread(run, machine))


def has_few_buffers(run: Run) -> bool:
    """Return whether the buffers in memory that a run touches are not too many for one kernel."""
    touched = {access.root for step in run.steps for access in (*step.reads, *step.writes)}
    return len(touched - set(run.private())) <= _MOST_BUFFERS


def _is_spread(run: Run, machine: GpuMachine) -> bool:
    """Return whether there are rows for all processors, or rows that are so short that few of them are enough."""
    rows, inner = run.extents(run.rows), run.extents(run.inner)
    is_short = -1 not in inner and prod(inner) <= machine.largest_block * machine.elements
    return is_short or -1 in rows or prod(rows) >= machine.multiprocessors
