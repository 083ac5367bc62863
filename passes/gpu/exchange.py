"""Block reduction: the threads of a row join their parts of folds, so that all of them have the results.

Neighbours in a warp exchange parts by shuffles. What is left, one part for each warp or for each thread, goes through
shared memory, where each fold has a place of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce

from mlir import ir
from mlir.dialects import arith, gpu, memref

from catgrad.passes.gpu.folds import Fold, fold_lanes
from catgrad.passes.gpu.launch import guarded, shared_buffer
from catgrad.passes.gpu.layout import Layout
from catgrad.passes.gpu.machine import GpuMachine
from catgrad.passes.kernels.emit import add, value

__all__ = ["Exchange"]

_FEW = 8
"""Parts in shared memory that one thread folds."""


@dataclass(frozen=True)
class Exchange:
    """The exchange of parts in a block.

    Attributes:
        layout: How the threads share rows.
        machine: The GPU.
    """

    layout: Layout
    machine: GpuMachine

    @property
    def width(self) -> int:
        """Number of neighbouring threads of a warp that have one row."""
        return min(self.layout.threads, self.machine.warp) if self.layout.along else 1

    @property
    def parts(self) -> int:
        """Number of parts of a row that are left then."""
        return self.layout.threads // self.width

    def buffers(self, folds: Sequence[Fold]) -> list[ir.MemRefType]:
        """Return the types of the shared buffers that some folds need."""
        kinds = [kind for fold in folds for kind in fold.kinds] if self.parts > 1 else []
        return [shared_buffer([self.parts, self.layout.rows], kind) for kind in kinds]

    def emit(
        self,
        folds: Sequence[Fold],
        parts: Sequence[Sequence[ir.Value]],
        thread: tuple[ir.Value, ir.Value],
        shared: Iterator[ir.Value],
    ) -> list[list[ir.Value]]:
        """Emit the joining of the parts of some folds.

        Args:
            folds: The folds.
            parts: A thread's parts, of each fold.
            thread: Which of the threads of its row it is, and which of the block's rows that is.
            shared: Shared buffers that are free.
        """
        found = [fold_lanes(*each, self.width, self.machine.warp) for each in zip(folds, parts, strict=True)]
        if self.parts == 1:
            return found
        buffers = [[next(shared) for _ in fold.kinds] for fold in folds]
        self._emit_stores(buffers, found, thread)
        gpu.barrier()
        left = self.parts if self.layout.along else self._emit_halving(folds, buffers, thread)
        return [self._emit_fold(*each, left, thread) for each in zip(folds, buffers, strict=True)]

    def _emit_stores(
        self,
        buffers: Sequence[Sequence[ir.Value]],
        parts: Sequence[Sequence[ir.Value]],
        thread: tuple[ir.Value, ir.Value],
    ) -> None:
        """Emit the writing of parts, by the first of the threads that have the same."""
        lane, row = thread
        own, rest = arith.divui(lane, value(self.width)), arith.remui(lane, value(self.width))
        with guarded(arith.cmpi(arith.CmpIPredicate.eq, rest, value(0))):
            for own_buffers, part in zip(buffers, parts, strict=True):
                _store(part, own_buffers, [own, row])

    def _emit_halving(
        self, folds: Sequence[Fold], buffers: Sequence[Sequence[ir.Value]], thread: tuple[ir.Value, ir.Value]
    ) -> int:
        """Emit the folding of one half of the parts into the other, until few are left; return how many these are."""
        (lane, row), left = thread, self.parts
        while left > _FEW:
            left //= 2
            with guarded(arith.cmpi(arith.CmpIPredicate.ult, lane, value(left))):
                for fold, own_buffers in zip(folds, buffers, strict=True):
                    own, other = (_load(own_buffers, [value(at), row]) for at in (lane, add(lane, left)))
                    _store(fold.join(own, other), own_buffers, [lane, row])
            gpu.barrier()
        return left

    def _emit_fold(
        self, fold: Fold, buffers: Sequence[ir.Value], left: int, thread: tuple[ir.Value, ir.Value]
    ) -> list[ir.Value]:
        """Emit the folding of the parts that are left: in each warp once more, or in the order of the threads."""
        lane, row = thread
        if self.layout.along:
            part = _load(buffers, [arith.remui(lane, value(left)), row])
            return fold_lanes(fold, part, left, self.machine.warp)
        return reduce(fold.join, [_load(buffers, [value(part), row]) for part in range(left)])


def _load(buffers: Sequence[ir.Value], place: Sequence[ir.Value]) -> list[ir.Value]:
    return [memref.load(buffer, place) for buffer in buffers]


def _store(part: Sequence[ir.Value], buffers: Sequence[ir.Value], place: Sequence[ir.Value]) -> None:
    for scalar, buffer in zip(part, buffers, strict=True):
        memref.store(scalar, buffer, place)
