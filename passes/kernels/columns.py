"""Folds of outer dimensions: rows of terms are added to a row of results, in blocks.

A block is summed in a row of its own, if there can be several. A few rows of terms are added at once, so that this row
is read and written less often. Long rows are cut into parts, whose sums stay in the first cache. LLVM vectorises the
loops along rows.
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
    minimum,
    product,
    round_down,
    split,
)
from catgrad.passes.kernels.groups import GroupTotals
from catgrad.passes.kernels.scratch import scratch
from catgrad.passes.kernels.totals import WideTotals
from catgrad.passes.kernels.view import View, extend

__all__ = ["Columns", "Fold"]

Fold: TypeAlias = "Callable[[Mapping[int, Index], ir.Value], ir.Value]"
"""Emits the fold of the term at a place into what was folded so far."""

Sums: TypeAlias = "Callable[[Index, Mapping[int, Index], ir.Type], GroupTotals | WideTotals]"
"""Emits the room for the sums of blocks, given the depth, the extents of a part of the results, and their type."""

_AT_ONCE = 4
"""Rows of terms that are added at once."""
_PART = 4096
"""Results that are computed at once."""


@dataclass(frozen=True)
class Columns:
    """The emitter of a fold.

    Attributes:
        output: What is folded into.
        extents: The extent of each dimension.
        column: The dimension along which rows run.
        outer: The dimensions that are folded.
        fold: Folds one term.
        unit: Terms of a block.
        totals: Emits what the sums of blocks are added to.
        kind: The operation by which.
        neutral: What it leaves unchanged.
    """

    output: View
    extents: Mapping[int, Index]
    column: int
    outer: Sequence[int]
    fold: Fold
    unit: int
    totals: Sums
    kind: str = "add"
    neutral: float = 0

    def emit(self) -> None:
        """Emit it."""
        depth, columns = product([self.extents[dim] for dim in self.outer]), self.extents.get(self.column, 1)
        row, element = {self.column: minimum(_PART, columns)}, self.output.element
        parallel = [dim for dim in self.extents if dim not in (*self.outer, self.column)]
        totals = self.totals(depth, row, element)
        is_block = isinstance(depth, int) and depth <= self.unit
        block = None if is_block else View(scratch(list(row.values()), element), (self.column,))
        with ExitStack() as stack:
            place = {dim: stack.enter_context(loop(0, self.extents[dim])) for dim in parallel}
            place[self.column] = stack.enter_context(loop(0, columns, _PART))
            count = block_size(0, columns, _PART, place[self.column])
            result = self.output.moved(place)
            start, terms, target = stack.enter_context(totals.parts(result, {self.column: count}))
            if block is None:
                self._add(place, 0, terms, result, count)
            else:
                self._blocks(place, start, terms, block, target, count)

    def _blocks(
        self, place: Mapping[int, Index], start: Index, terms: Index, block: View, target: View, columns: Index
    ) -> None:
        """Emit the sums of blocks, which are added to a row of totals."""
        with loop(0, terms, self.unit) as at:
            with self._columns(columns) as j:
                block.store(constant(block.element, self.neutral), j)
            self._add(place, add(start, at), block_size(0, terms, self.unit, at), block, columns)
            with self._columns(columns) as j:
                total = combine(self.kind, target.load(j), extend(block.load(j), target.element))
                target.store(total, j)

    def _add(self, place: Mapping[int, Index], start: Index, count: Index, target: View, columns: Index) -> None:
        """Emit the adding of `count` rows of terms to a row."""
        whole = round_down(count, _AT_ONCE)
        for first, last, rows in ((0, whole, _AT_ONCE), (whole, count, 1)):
            with loop(first, last, rows) as at:
                outer = [self._outer(add(start, add(at, row))) for row in range(rows)]
                with self._columns(columns) as j:
                    here = {**place, self.column: add(place[self.column], j[self.column])}
                    places = [{**here, **each} for each in outer]
                    target.store(reduce(lambda so_far, each: self.fold(each, so_far), places, target.load(j)), j)

    def _outer(self, number: Index) -> dict[int, Index]:
        """Return the place of a row of terms."""
        return dict(zip(self.outer, split(number, [self.extents[dim] for dim in self.outer]), strict=True))

    @contextmanager
    def _columns(self, count: Index) -> Iterator[dict[int, Index]]:
        """Emit the loop along a part of a row; provides the place in it."""
        with loop(0, count) as j:
            yield {self.column: j}
