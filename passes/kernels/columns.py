"""Folds of outer dimensions: rows of terms are added to a row of results, in blocks.

A block is summed in a row of its own, if there can be several. A few rows of terms are added at once, so that this row
is read and written less often. LLVM vectorises the loops along rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import reduce
from typing import TypeAlias

from mlir import ir

from catgrad.passes.kernels.emit import (
    Index,
    add,
    block_size,
    combine,
    constant,
    loop,
    product,
    round_down,
    split,
)
from catgrad.passes.kernels.groups import GroupTotals
from catgrad.passes.kernels.order import BLOCK
from catgrad.passes.kernels.scratch import scratch
from catgrad.passes.kernels.view import View

__all__ = ["Columns", "Fold"]

Fold: TypeAlias = "Callable[[Mapping[int, Index], ir.Value], ir.Value]"
"""Emits the fold of the term at a place into what was folded so far."""

_AT_ONCE = 4
"""Rows of terms that are added at once."""


@dataclass(frozen=True)
class Columns:
    """The emitter of a fold.

    Attributes:
        output: What is folded into.
        extents: The extent of each dimension.
        column: The dimension along which rows run.
        outer: The dimensions that are folded.
        fold: Folds one term.
        kind: The operation by which.
        neutral: What it leaves unchanged.
    """

    output: View
    extents: Mapping[int, Index]
    column: int
    outer: Sequence[int]
    fold: Fold
    kind: str = "add"
    neutral: float = 0

    def emit(self) -> None:
        """Emit it."""
        depth, row = product([self.extents[dim] for dim in self.outer]), {self.column: self.extents.get(self.column, 1)}
        parallel = [dim for dim in self.extents if dim not in (*self.outer, self.column)]
        totals = GroupTotals.of(depth, row, self.output.element, self.kind, self.neutral)
        is_block = isinstance(depth, int) and depth <= BLOCK
        block = None if is_block else View(scratch(list(row.values()), self.output.element), (self.column,))
        with ExitStack() as stack:
            place = {dim: stack.enter_context(loop(0, self.extents[dim])) for dim in parallel}
            result = self.output.moved(place)
            start, terms = stack.enter_context(totals.groups(result, row))
            if block is None:
                self._add(place, 0, terms, result)
            else:
                self._blocks(place, start, terms, block, result)

    def _blocks(self, place: Mapping[int, Index], start: Index, terms: Index, block: View, result: View) -> None:
        """Emit the sums of blocks, which are added to the result."""
        with loop(0, terms, BLOCK) as at:
            with self._columns() as j:
                block.store(constant(block.element, self.neutral), j)
            self._add(place, add(start, at), block_size(0, terms, BLOCK, at), block)
            with self._columns() as j:
                result.store(combine(self.kind, result.load(j), block.load(j)), j)

    def _add(self, place: Mapping[int, Index], start: Index, count: Index, target: View) -> None:
        """Emit the adding of `count` rows of terms to a row."""
        whole = round_down(count, _AT_ONCE)
        for first, last, rows in ((0, whole, _AT_ONCE), (whole, count, 1)):
            with loop(first, last, rows) as at:
                outer = [self._outer(add(start, add(at, row))) for row in range(rows)]
                with self._columns() as j:
                    places = [{**place, **each, **j} for each in outer]
                    target.store(reduce(lambda so_far, each: self.fold(each, so_far), places, target.load(j)), j)

    def _outer(self, number: Index) -> dict[int, Index]:
        """Return the place of a row of terms."""
        return dict(zip(self.outer, split(number, [self.extents[dim] for dim in self.outer]), strict=True))

    @contextmanager
    def _columns(self) -> Iterator[dict[int, Index]]:
        """Emit the loop along a row; provides the place in it."""
        with loop(0, self.extents.get(self.column, 1)) as j:
            yield {self.column: j}
