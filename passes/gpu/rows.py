"""Runs with folds as one kernel: some threads of a block own a row, and do all that is to be done on it.

Each thread has some chunks of the row. It reads them once and keeps what it computes of them in registers, if the row
is known to be short enough; else it goes through its part of the row again after each fold that later values wait for.
The parts of a fold are joined by shuffles within a warp, and in shared memory between warps.

References: Milakov and Gimelshein, "Online normalizer calculation for softmax" (2018), on the passes over memory that a
softmax takes; Harris, "Optimizing parallel reduction in CUDA" (2007).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial, reduce
from itertools import accumulate, pairwise
from typing import TypeAlias

from mlir import ir
from mlir.dialects import arith, gpu, memref, scf

from catgrad.cached import cached_property
from catgrad.passes.gpu.elements import Chunk, Row
from catgrad.passes.gpu.exchange import Exchange
from catgrad.passes.gpu.launch import ceil_divide, guarded, launch
from catgrad.passes.gpu.layout import Layout
from catgrad.passes.gpu.machine import GpuMachine
from catgrad.passes.gpu.values import Result, Values
from catgrad.passes.kernels.emit import Index, add, minimum, multiply, product, split, value
from catgrad.passes.runs import Run

__all__ = ["RowKernel", "emit_rows", "row_kernel"]

_CHAIN = 32
"""Chunks whose values are folded one after the other, and such parts that are: long chains of sums lose digits."""

_Body: TypeAlias = "Callable[[Chunk, list[ir.Value]], list[ir.Value]]"
"""What emits the code for a chunk: it takes values, and returns those for the next chunk."""
_Join: TypeAlias = "Callable[[list[ir.Value], list[ir.Value]], list[ir.Value]]"
"""What emits the joining of the values that two chains carry."""


def emit_rows(run: Run, machine: GpuMachine) -> None:
    """Emit the kernel of a run."""
    values = Values(run)
    with row_kernel(values, Layout.of(values, machine), machine) as kernel:
        if kernel is not None:
            kernel.emit()


@contextmanager
def row_kernel(values: Values, layout: Layout, machine: GpuMachine, splits: int = 1) -> Iterator[RowKernel | None]:
    """Emit the launch of a kernel, whose code is emitted inside the `with`; there is none if there are no rows.

    Args:
        values: What flows through the run.
        layout: How the threads of a block share rows.
        machine: The GPU.
        splits: How many blocks share a row.
    """
    rows = product(values.row_extents)
    if rows == 0:
        yield None
        return
    divisors = [each if isinstance(each, int) else arith.maxui(each, value(1)) for each in values.row_extents]
    exchange = Exchange(layout, machine)
    shared = exchange.buffers([fold for fold in values.folds.values() if fold is not None])
    with launch([ceil_divide(rows, layout.rows), splits], [layout.block], shared) as here:
        thread = _place(layout, here.thread[0])
        number = arith.addi(multiply(here.block[0], layout.rows), thread[1])
        is_certain = isinstance(rows, int) and rows % layout.rows == 0
        inside = None if is_certain else arith.cmpi(arith.CmpIPredicate.ult, number, value(rows))
        row = Row(values, split(number, divisors), inside)
        yield RowKernel(row, layout, exchange, thread, iter(here.shared), here.block[1] if splits > 1 else 0, splits)


def _place(layout: Layout, thread: ir.Value) -> tuple[ir.Value, ir.Value]:
    """Return which of the threads of its row a thread is, and which of the block's rows that is."""
    if layout.threads == 1:
        return value(0), thread
    fast = value(layout.threads if layout.along else layout.rows)
    low, high = arith.remui(thread, fast), arith.divui(thread, fast)
    return (low, high) if layout.along else (high, low)


@dataclass(frozen=True)
class RowKernel:
    """The code of one thread.

    Attributes:
        row: The thread's row.
        layout: How the threads of a block share rows.
        exchange: How threads join their parts.
        thread: Which of the threads of its row it is, and which of the block's rows that is.
        shared: The shared buffers that are free.
        split: Which of the blocks of its row its block is.
        splits: How many these are.
    """

    row: Row
    layout: Layout
    exchange: Exchange
    thread: tuple[ir.Value, ir.Value]
    shared: Iterator[ir.Value]
    split: Index
    splits: int

    @property
    def _values(self) -> Values:
        return self.row.values

    @cached_property
    def _terms(self) -> Index:
        """Number of elements in a row."""
        return product(self._values.inner_extents)

    @cached_property
    def _chunks(self) -> list[Chunk]:
        """The chunks that the thread keeps."""
        return [self._chunk(k) for k in range(self.layout.chunks or 0)]

    def emit(self) -> None:
        """Emit all that is to be done on the row."""
        last = max(self._values.levels)
        self._emit_reads()
        for level in range(last):
            self._emit_rows(level)
            folds = [i for i in self._values.folds if self._values.levels[i] == level + 1]
            for i, parts in self._folded(folds, self._values.stores[level]).items():
                self.row.known[i] = self._finished(i, parts)
        self._emit_rows(last)
        if self._values.stores[last]:
            self._sweep([], partial(_store, self._values.stores[last]))
        self._emit_writes()

    def emit_parts(self, parts: Mapping[int, Sequence[ir.Value]]) -> None:
        """Emit the folds of the part of the row that the block has, into buffers for the parts of each fold."""
        self._emit_reads()
        self._emit_rows(0)
        found = self._folded(list(parts))
        with guarded(self._is_first()):
            for i, buffers in parts.items():
                for buffer, part in zip(buffers, found[i], strict=True):
                    memref.store(part, buffer, [value(place) for place in (self.split, *self.row.place)])

    def _chunk(self, k: int) -> Chunk:
        """Return the chunk number `k` of those that the thread keeps."""
        layout = self.layout
        start, own = k * layout.threads * layout.lanes, layout.threads * layout.lanes
        first = value(add(multiply(self.thread[0], layout.lanes), start))
        inside = self.row.inside
        if start + own > self._terms:
            is_there = arith.cmpi(arith.CmpIPredicate.ult, first, value(self._terms))
            inside = is_there if inside is None else arith.andi(inside, is_there)
        return Chunk(self.row, split(first, self._values.inner_extents), layout.lanes, inside)

    def _emit_reads(self) -> None:
        """Emit the reading of what the elements of a row share, before any of it is written."""
        for i, operand in self._values.reads():
            if not self._values.is_inner(i, operand):
                self.row.operand(i, operand)

    def _emit_rows(self, level: int) -> None:
        """Emit the values for each row that are known after so many folds: loops may use them then."""
        for i, step in enumerate(self._values.run.steps):
            if self._values.levels[i] == level and not step.folded and not self._values.run.inner[i]:
                self.row.results(i)

    def _folded(self, folds: Sequence[int], stores: Sequence[Result] = ()) -> dict[int, list[ir.Value]]:
        """Emit the folding of all elements by some operations, and the writing of some values, in one sweep."""
        starts = [self._start(i) for i in folds]
        ends = list(accumulate((len(each) for each in starts), initial=0))
        spans = [slice(*each) for each in pairwise(ends)]

        def fold(chunk: Chunk, parts: list[ir.Value]) -> list[ir.Value]:
            folded = [part for i, span in zip(folds, spans, strict=True) for part in chunk.fold(i, parts[span])]
            return _store(stores, chunk, folded)

        def join(x: list[ir.Value], y: list[ir.Value]) -> list[ir.Value]:
            pairs = ((self._values.folds[i], span) for i, span in zip(folds, spans, strict=True))
            return [each for known, span in pairs if known is not None for each in known.join(x[span], y[span])]

        is_free = None not in [self._values.folds[i] for i in folds]
        parts = self._sweep([part for each in starts for part in each], fold, join if is_free else None)
        return dict(zip(folds, self._joined(folds, [parts[span] for span in spans]), strict=True))

    def _joined(self, folds: Sequence[int], parts: list[list[ir.Value]]) -> list[list[ir.Value]]:
        """Emit the folding of the parts of the threads of a row."""
        if self.layout.threads == 1:
            return parts
        known = [fold for i in folds if (fold := self._values.folds[i]) is not None]
        return self.exchange.emit(known, parts, self.thread, self.shared)

    def _start(self, i: int) -> list[ir.Value]:
        """Emit what a thread folds into: what changes nothing, or the results so far if there is an order."""
        fold = self._values.folds[i]
        neutral = None if fold is None else fold.neutral()
        return self._old(i) if neutral is None else neutral

    def _finished(self, i: int, parts: list[ir.Value]) -> list[ir.Value]:
        """Emit the results of a fold, given those of all terms."""
        fold = self._values.folds[i]
        return parts if fold is None else fold.join(self._old(i), parts)

    def _old(self, i: int) -> list[ir.Value]:
        """Emit the results of a fold before its first term."""
        step = self._values.run.steps[i]
        return [self.row.operand(i, step.inputs + result) for result in range(len(step.writes))]

    def _sweep(self, starts: list[ir.Value], body: _Body, join: _Join | None = None) -> list[ir.Value]:
        """Emit code for each chunk that the thread has, that carries values from one to the next.

        If they can be joined, those of a few chunks are, and those of a few of these, so that long sums keep digits.
        """
        layout = self.layout
        if layout.chunks is not None:
            return reduce(lambda parts, chunk: body(chunk, parts), self._chunks, starts)
        inside, step = self.row.inside, layout.threads * layout.lanes
        first = value(add(multiply(self.split, step), multiply(self.thread[0], layout.lanes)))
        stop = value(self._terms) if inside is None else arith.select(inside, value(self._terms), value(0))
        step *= self.splits
        units = [step * _CHAIN**2, step * _CHAIN] if join else []
        units = [unit for unit in units if not isinstance(self._terms, int) or self._terms > unit]

        def level(units: Sequence[int], begin: ir.Value, end: ir.Value) -> list[ir.Value]:
            over = scf.ForOp(begin, end, value(units[0] if units else step), starts)
            with ir.InsertionPoint(over.body):
                at, given = over.induction_variable, list(over.inner_iter_args)
                if units and join:
                    part = level(units[1:], at, value(minimum(end, add(at, units[0]))))
                    scf.yield_(join(given, part))
                else:
                    place = split(at, self._values.inner_extents)
                    scf.yield_(body(Chunk(self.row, place, layout.lanes), given))
            return list(over.results)

        return level(units, first, stop)

    def _emit_writes(self) -> None:
        """Emit the writing of what the elements of a row share, by its first thread."""
        shared = [result for result in self._values.outputs if result not in self._values.elements]
        if not shared:
            return
        if not self._values.folds and self._updates(shared):
            # Folds make the threads of a row wait for each other after they have read.
            gpu.barrier()
        self.row.store(shared, self._is_first())

    def _is_first(self) -> ir.Value:
        """Return whether the thread is the first one of its row, if there is such a row."""
        is_first = arith.cmpi(arith.CmpIPredicate.eq, self.thread[0], value(0))
        return is_first if self.row.inside is None else arith.andi(is_first, self.row.inside)

    def _updates(self, results: Sequence[Result]) -> bool:
        """Return whether some results are written where other threads may still read."""
        steps = self._values.run.steps
        written = {steps[i].writes[result].root for i, result in results}
        read = (steps[i].accesses[operand] for i, operand in self._values.reads())
        return any(access is not None and access.root in written for access in read)


def _store(results: Sequence[Result], chunk: Chunk, parts: list[ir.Value]) -> list[ir.Value]:
    """Emit the writing of values of a chunk, if there are any; return what is carried to the next one."""
    if results:
        chunk.store(results)
    return parts
