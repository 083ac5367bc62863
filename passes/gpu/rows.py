"""Runs with folds as one kernel: some threads of a block own a row, and do all that is to be done on it.

Each thread has some chunks of the row. It reads them once and keeps what it computes of them in registers, if the row
is known to be short enough; else it goes through its part of the row again after each fold that later values wait for.
The parts of a fold are joined by shuffles within a warp, and in shared memory between warps.

References: Milakov and Gimelshein, "Online normalizer calculation for softmax" (2018), on the passes over memory that a
softmax takes; Harris, "Optimizing parallel reduction in CUDA" (2007).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial, reduce
from itertools import accumulate, pairwise
from typing import TypeAlias

from mlir import ir
from mlir.dialects import arith, gpu, memref, scf

from catgrad.passes.gpu.folds import Fold, fold_lanes, folds_of
from catgrad.passes.gpu.launch import Thread, ceil_divide, guarded, launch, product, shared_buffer, split
from catgrad.passes.gpu.layout import Layout
from catgrad.passes.gpu.machine import GpuMachine
from catgrad.passes.gpu.values import Chunk, Result, Row, Values
from catgrad.passes.kernels.emit import Index, add, multiply, value
from catgrad.passes.runs import Run

__all__ = ["emit_rows"]

_Body: TypeAlias = "Callable[[Chunk, list[ir.Value]], list[ir.Value]]"
"""What emits the code for a chunk: it takes values, and returns those for the next chunk."""


def emit_rows(run: Run, machine: GpuMachine) -> None:
    """Emit the kernel of a run."""
    values = Values(run)
    rows = product(values.row_extents)
    if rows == 0:
        return
    layout = Layout.of(values, machine)
    kernel = _Kernel(values, layout, machine)
    divisors = [each if isinstance(each, int) else arith.maxui(each, value(1)) for each in values.row_extents]
    with launch([ceil_divide(rows, layout.rows)], [layout.block], kernel.shared_types) as here:
        kernel.emit(here, rows, divisors)


class _Kernel:
    """The code of one thread.

    Args:
        values: What flows through the run.
        layout: How the threads of a block share rows.
        machine: The GPU.
    """

    def __init__(self, values: Values, layout: Layout, machine: GpuMachine) -> None:
        self._values, self._layout, self._machine = values, layout, machine
        self._terms = product(values.inner_extents)
        self._folds = {i: folds_of(values.generics[i]) for i, step in enumerate(values.run.steps) if step.folded}
        self._width = min(layout.threads, machine.warp) if layout.along else 1
        self._parts = layout.threads // self._width

    @property
    def shared_types(self) -> list[ir.MemRefType]:
        """The buffers in which the threads of a row that are not in one warp leave their parts of each result."""
        folds = [fold for each in self._folds.values() for fold in each or ()]
        return [shared_buffer([self._parts, self._layout.rows], fold.type) for fold in folds if self._parts > 1]

    def emit(self, here: Thread, rows: Index, divisors: Sequence[Index]) -> None:
        """Emit it.

        Args:
            here: Where the thread is.
            rows: How many rows there are.
            divisors: Their extents, of which none is 0.
        """
        self._shared = iter(here.shared)
        self._lane, self._column = self._place(here.thread[0])
        number = arith.addi(multiply(here.block[0], self._layout.rows), self._column)
        is_certain = isinstance(rows, int) and rows % self._layout.rows == 0
        inside = None if is_certain else arith.cmpi(arith.CmpIPredicate.ult, number, value(rows))
        self._row = Row(self._values, split(number, divisors), inside)
        self._chunks = [self._chunk(k) for k in range(self._layout.chunks or 0)]
        self._emit_reads()
        for level in range(max(self._values.levels)):
            self._emit_rows(level)
            self._emit_folds([i for i in self._folds if self._values.levels[i] == level + 1])
        self._emit_rows(max(self._values.levels))
        self._emit_writes()

    def _place(self, thread: ir.Value) -> tuple[ir.Value, ir.Value]:
        """Return which of the threads of its row a thread is, and which of the block's rows that is."""
        layout = self._layout
        if layout.threads == 1:
            return value(0), thread
        fast = value(layout.threads if layout.along else layout.rows)
        low, high = arith.remui(thread, fast), arith.divui(thread, fast)
        return (low, high) if layout.along else (high, low)

    def _chunk(self, k: int) -> Chunk:
        """Return the chunk number `k` of those that the thread keeps."""
        layout = self._layout
        start, own = k * layout.threads * layout.lanes, layout.threads * layout.lanes
        first = value(add(multiply(self._lane, layout.lanes), start))
        inside = self._row.inside
        if start + own > self._terms:
            is_there = arith.cmpi(arith.CmpIPredicate.ult, first, value(self._terms))
            inside = is_there if inside is None else arith.andi(inside, is_there)
        return Chunk(self._row, split(first, self._values.inner_extents), layout.lanes, inside)

    def _emit_reads(self) -> None:
        """Emit the reading of what the elements of a row share, before any of it is written."""
        for i, operand in self._values.reads():
            if not self._values.is_inner(i, operand):
                self._row.operand(i, operand)

    def _emit_rows(self, level: int) -> None:
        """Emit the values for each row that are known after so many folds: loops may use them then."""
        for i, step in enumerate(self._values.run.steps):
            if self._values.levels[i] == level and not step.folded and not self._values.run.inner[i]:
                self._row.results(i)

    def _emit_folds(self, folds: Sequence[int]) -> None:
        """Emit the folds of some operations, for which the row is gone through once."""
        starts = [self._start(i) for i in folds]
        ends = list(accumulate((len(each) for each in starts), initial=0))
        spans = list(zip(folds, pairwise(ends), strict=False))

        def fold(chunk: Chunk, parts: list[ir.Value]) -> list[ir.Value]:
            return [part for i, (start, end) in spans for part in chunk.fold(i, parts[start:end])]

        parts = self._sweep([part for each in starts for part in each], fold)
        joined = self._joined([each for i in folds for each in self._folds[i] or ()], parts)
        for i, (start, end) in spans:
            self._row.known[i] = self._finished(i, joined[start:end])

    def _start(self, i: int) -> list[ir.Value]:
        """Emit what a thread folds into: what changes nothing, or the results so far if there is an order."""
        folds = self._folds[i]
        return self._old(i) if folds is None else [fold.neutral() for fold in folds]

    def _finished(self, i: int, parts: list[ir.Value]) -> list[ir.Value]:
        """Emit the results of a fold, given those of all terms."""
        folds = self._folds[i]
        return (
            parts
            if folds is None
            else [fold.join(*each) for fold, *each in zip(folds, self._old(i), parts, strict=True)]
        )

    def _old(self, i: int) -> list[ir.Value]:
        """Emit the results of a fold before its first term."""
        step = self._values.run.steps[i]
        return [self._row.operand(i, step.inputs + result) for result in range(len(step.writes))]

    def _sweep(self, starts: list[ir.Value], body: _Body) -> list[ir.Value]:
        """Emit code for each chunk that the thread has, that carries values from one to the next."""
        layout = self._layout
        if layout.chunks is not None:
            return reduce(lambda parts, chunk: body(chunk, parts), self._chunks, starts)
        inside, first = self._row.inside, value(multiply(self._lane, layout.lanes))
        stop = value(self._terms) if inside is None else arith.select(inside, value(self._terms), value(0))
        over = scf.ForOp(first, stop, value(layout.threads * layout.lanes), starts)
        with ir.InsertionPoint(over.body):
            place = split(over.induction_variable, self._values.inner_extents)
            scf.yield_(body(Chunk(self._row, place, layout.lanes), list(over.inner_iter_args)))
        return list(over.results)

    def _joined(self, folds: Sequence[Fold], parts: list[ir.Value]) -> list[ir.Value]:
        """Emit the folding of the parts of the threads of a row, which all of them get."""
        warp = self._machine.warp
        if self._layout.threads == 1:
            return parts
        parts = [fold_lanes(fold, part, self._width, warp) for fold, part in zip(folds, parts, strict=True)]
        if self._parts == 1:
            return parts
        buffers = [next(self._shared) for _ in folds]
        self._emit_exchange(buffers, parts)
        if self._layout.along:
            own = arith.remui(self._lane, value(self._parts))
            found = [memref.load(buffer, [own, self._column]) for buffer in buffers]
            return [fold_lanes(fold, part, self._parts, warp) for fold, part in zip(folds, found, strict=True)]
        return [self._column_folded(*each) for each in zip(folds, buffers, strict=True)]

    def _emit_exchange(self, buffers: Sequence[ir.Value], parts: Sequence[ir.Value]) -> None:
        """Emit the writing of parts to shared memory, by one of the threads that have the same."""
        own, rest = arith.divui(self._lane, value(self._width)), arith.remui(self._lane, value(self._width))
        is_first = arith.cmpi(arith.CmpIPredicate.eq, rest, value(0))
        with guarded(is_first):
            for buffer, part in zip(buffers, parts, strict=True):
                memref.store(part, buffer, [own, self._column])
        gpu.barrier()

    def _column_folded(self, fold: Fold, buffer: ir.Value) -> ir.Value:
        """Emit the folding of all parts of a row by each of its threads, in the order of the threads."""
        return reduce(fold.join, [memref.load(buffer, [value(k), self._column]) for k in range(self._parts)])

    def _emit_writes(self) -> None:
        """Emit the writing of what stays: elements by who has them, what they share by the first thread of the row."""
        elements = self._values.elements
        if elements:
            self._sweep([], partial(_store, elements))
        shared = [result for result in self._values.outputs if result not in elements]
        if not shared:
            return
        if not self._folds and self._updates(shared):
            # Folds make the threads of a row wait for each other after they have read.
            gpu.barrier()
        is_first = arith.cmpi(arith.CmpIPredicate.eq, self._lane, value(0))
        self._row.store(shared, is_first if self._row.inside is None else arith.andi(is_first, self._row.inside))

    def _updates(self, results: Sequence[Result]) -> bool:
        """Return whether some results are written where other threads may still read."""
        steps = self._values.run.steps
        written = {steps[i].writes[result].root for i, result in results}
        read = (steps[i].accesses[operand] for i, operand in self._values.reads())
        return any(access is not None and access.root in written for access in read)


def _store(results: Sequence[Result], chunk: Chunk, _: list[ir.Value]) -> list[ir.Value]:
    chunk.store(results)
    return []
