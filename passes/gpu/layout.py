"""Layout of threads over rows: geometry of a launch from extents and a `GpuMachine`.

Neighbouring threads touch neighbouring elements of memory. So where the elements of a row are neighbours, the threads
of a warp have one row, or a few short ones; where those of a column are, each thread of a warp has another row.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from catgrad.passes.gpu.machine import GpuMachine
from catgrad.passes.gpu.registers import are_kept
from catgrad.passes.gpu.values import Values
from catgrad.passes.kernels.emit import Index, product
from catgrad.passes.kernels.view import width

__all__ = ["Layout", "is_along"]


@dataclass(frozen=True)
class Layout:
    """Layout of the threads of a block over rows.

    Attributes:
        threads: How many threads have a row.
        rows: How many rows a block has.
        along: Whether threads that are neighbours have the same row, if it has several.
        lanes: How many neighbouring elements a thread has at once.
        chunks: How many such chunks of a row a thread keeps in registers; None if it goes through the row chunk by
            chunk, as often as there are folds that wait for each other.
    """

    threads: int
    rows: int
    along: bool
    lanes: int = 1
    chunks: int | None = None

    @property
    def block(self) -> int:
        """The threads of a block."""
        return self.threads * self.rows

    @staticmethod
    def of(values: Values, machine: GpuMachine) -> Layout:
        """Return the layout for a run with folds, or with values for each row."""
        if None in values.folds.values():
            return Layout(1, machine.block, along=False)
        terms = product(values.inner_extents)
        count = product(values.row_extents)
        rows = _power(count) if isinstance(count, int) else machine.block
        made = _along_rows(values, terms, rows, machine) if is_along(values) else _across_rows(terms, rows, machine)
        chunks = _chunks(values, made, terms, machine)
        if chunks is None and rows >= machine.multiprocessors * made.rows:
            return replace(made, threads=min(made.threads, machine.block // made.rows))
        return replace(made, chunks=chunks)


def _along_rows(values: Values, terms: Index, rows: int, machine: GpuMachine) -> Layout:
    """Return the layout where neighbours along a row are neighbours in memory; there are up to `rows` rows."""
    lanes = _lanes(values, machine)
    threads = _threads(terms, lanes, machine) if isinstance(terms, int) else machine.warp
    return Layout(threads, max(1, machine.warp // threads, min(machine.block // threads, rows)), True, lanes)


def _threads(terms: int, lanes: int, machine: GpuMachine) -> int:
    """Return how many threads have a row: in a warp one for each access, in a block each a few elements."""
    each = _power(-(-terms // lanes))
    few = _power(-(-terms // machine.elements))
    return min(each, max(machine.warp, few), machine.largest_block)


def _across_rows(terms: Index, rows: int, machine: GpuMachine) -> Layout:
    """Return the layout where neighbours in memory belong to different rows."""
    rows = min(machine.warp, rows)
    wanted = _power(-(-terms // machine.elements)) if isinstance(terms, int) else machine.block // machine.warp
    return Layout(max(machine.warp // rows, min(wanted, machine.largest_block // rows)), rows, False)


def _power(number: int) -> int:
    """Return the least power of two that is at least a number."""
    return 1 << max(number - 1, 0).bit_length()


def is_along(values: Values) -> bool:
    """Return whether more of the arrays in memory have the elements of a row side by side than those of a column."""
    votes = 0
    for i, operand in values.in_memory():
        followed = [axis for axis in values.generics[i].maps[operand] if axis in values.run.steps[i].axes]
        if values.is_inner(i, operand):
            votes += 1 if followed[-1] in values.run.inner[i] else -1
    return votes >= 0


def _lanes(values: Values, machine: GpuMachine) -> int:
    """Return how many neighbours one access moves, where all rows begin at multiples of as many."""
    widths = [width(values.element(*place)) for place in values.in_memory() if values.is_wide(*place)]
    last = values.inner_extents[-1]
    if not widths or not isinstance(last, int):
        return 1
    return math.gcd(last, max(1, machine.access_bytes * 8 // max(widths)))


def _chunks(values: Values, layout: Layout, terms: Index, machine: GpuMachine) -> int | None:
    """Return how many chunks a thread keeps in registers, or None if they have no room or are needed once.

    A body that reads other buffers is not run for elements that are not there.
    """
    if not isinstance(terms, int) or any(step.captured for step in values.run.steps):
        return None
    chunks = -(-terms // (layout.threads * layout.lanes))
    own = chunks * layout.lanes
    if values.sweeps == 1:
        return chunks if own <= machine.elements else None
    return chunks if are_kept(values, own, layout.block, machine) else None
