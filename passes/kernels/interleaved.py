"""Folds of inner dimensions along which neighbours lie apart, those of another row being nearer.

The 64 partial results of some rows are in memory, those of one number side by side, so that terms are read as they lie.
LLVM vectorises the loops over rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

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
    remainder,
    split,
)
from catgrad.passes.kernels.order import CHUNK, PARTIALS
from catgrad.passes.kernels.scratch import scratch
from catgrad.passes.kernels.terms import Terms
from catgrad.passes.kernels.totals import WideTotals
from catgrad.passes.kernels.view import View, extend

__all__ = ["Interleaved", "lies_apart"]

_ROWS = 64
"""Rows whose partial results are in the first cache at once."""
_PARTIAL = -2
"""The dimension that counts partial results."""


def lies_apart(terms: Terms) -> bool:
    """Return whether neighbours in memory are of different rows, in what is read for every term."""
    parallel, inner = terms.dims("parallel"), terms.dims("inner")
    whole = [view for view in terms.inputs if set(inner) & set(view.axes)]
    across = [view for view in whole if view.axes[-1] in parallel and view.axes[-1] == parallel[-1]]
    return bool(across) and len(across) == len(whole) and not terms.dims("outer")


@dataclass(frozen=True)
class Interleaved:
    """The emitter of a fold.

    Attributes:
        terms: What is folded.
    """

    terms: Terms

    def emit(self) -> None:
        """Emit it."""
        terms = self.terms
        *others, row = terms.dims("parallel")
        rows, length = terms.extents[row], product(terms.sizes("inner"))
        shape = {_PARTIAL: PARTIALS, row: minimum(_ROWS, rows)}
        partials = View(scratch(list(shape.values()), terms.output.element), tuple(shape))
        part = {row: shape[row]}
        totals = WideTotals.of(terms.kind, terms.neutral, CHUNK, length, part, terms.output.element)
        with ExitStack() as stack:
            place = {dim: stack.enter_context(loop(0, terms.extents[dim])) for dim in others}
            first = stack.enter_context(loop(0, rows, _ROWS))
            count = block_size(0, rows, _ROWS, first)
            result = terms.output.moved({**place, row: first})
            start, _, target = stack.enter_context(totals.parts(result, {row: count}))
            at = stack.enter_context(loop(start, length, CHUNK))
            self._chunk({**place, row: first}, at, block_size(start, length, CHUNK, at), partials, count)
            with self._rows(count) as j:
                chunk = extend(partials.load({_PARTIAL: 0, **j}), target.element)
                target.store(combine(terms.kind, target.load(j), chunk), j)

    def _chunk(self, here: Mapping[int, Index], start: Index, steps: Index, partials: View, count: Index) -> None:
        """Emit the folds of a chunk of some rows; they are the first of the partial results then."""
        neutral = constant(partials.element, self.terms.neutral)
        with loop(0, PARTIALS) as p, self._rows(count) as j:
            partials.store(neutral, {_PARTIAL: p, **j})
        dims, sizes, row = self.terms.dims("inner"), self.terms.sizes("inner"), self.terms.dims("parallel")[-1]
        with loop(0, steps) as i:
            inner = dict(zip(dims, split(add(start, i), sizes), strict=True))
            with self._rows(count) as j:
                term = self.terms.scalar({**here, **inner, row: add(here[row], j[row])})
                self._join(partials, remainder(i, PARTIALS), term, j)
        half = PARTIALS // 2
        while half:
            with loop(0, half) as p, self._rows(count) as j:
                self._join(partials, p, partials.load({_PARTIAL: add(p, half), **j}), j)
            half //= 2

    def _join(self, partials: View, p: Index, term: ir.Value, j: Mapping[int, Index]) -> None:
        place = {_PARTIAL: p, **j}
        partials.store(combine(self.terms.kind, partials.load(place), term), place)

    @contextmanager
    def _rows(self, count: Index) -> Iterator[dict[int, Index]]:
        """Emit the loop over some rows; provides the place of one among them."""
        with loop(0, count) as j:
            yield {self.terms.dims("parallel")[-1]: j}
