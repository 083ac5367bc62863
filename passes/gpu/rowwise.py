"""Fusion cost: runs that take less time as one kernel than as several, by the bytes that are moved."""

from __future__ import annotations

from math import prod

from catgrad.passes.gpu.layout import is_along
from catgrad.passes.gpu.machine import GpuMachine
from catgrad.passes.gpu.registers import are_kept
from catgrad.passes.gpu.traffic import moved_apart, moved_together
from catgrad.passes.gpu.values import Values
from catgrad.passes.runs import Run

__all__ = ["has_few_buffers", "is_rowwise"]

_MOST_BUFFERS = 16
"""Buffers that one kernel may work on; what it has to know of them is passed to each launch."""


def is_rowwise(run: Run, machine: GpuMachine) -> bool:
    """Return whether a run is elementwise, or done faster by one kernel than by several.

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
    return has_few_buffers(run) and (is_one_pass or _is_faster(run, values, machine))


def has_few_buffers(run: Run) -> bool:
    """Return whether the buffers in memory that a run touches are not too many for one kernel."""
    touched = {access.root for step in run.steps for access in (*step.reads, *step.writes)}
    return len(touched - set(run.private())) <= _MOST_BUFFERS


def _is_faster(run: Run, values: Values, machine: GpuMachine) -> bool:
    """Return whether one kernel takes less time than several: less to move, by those processors that have a block.

    Few processors are enough for rows that are short; there may be any number of rows if types do not tell. A block has
    one row, or as many columns as a warp has threads; columns of unknown length count as rows, as most go over a batch.
    """
    rows, inner = run.extents(run.rows), run.extents(run.inner)
    is_long = -1 in inner or prod(inner) > machine.largest_block * machine.elements
    if not is_long or -1 in rows:
        return True
    columns = 1 if -1 in inner or is_along(values) else machine.warp
    own = -(-prod(inner) * columns // machine.largest_block)
    kept = -1 not in inner and are_kept(values, own, machine.largest_block, machine)
    busy = min(-(-prod(rows) // columns), machine.multiprocessors)
    return busy * moved_apart(values) >= machine.multiprocessors * moved_together(values, kept)
