"""Folds of inner dimensions: a chunk of a row becomes 64 interleaved partial results in vectors, joined by a tree.

Where terms are computed by few operations on neighbours in memory, they are computed on vectors as they are needed.
Else those of a chunk are written to memory first, by loops that LLVM vectorises if it can.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TypeAlias

from mlir import ir
from mlir.dialects import arith

from catgrad.passes.kernels.emit import (
    Index,
    add,
    block_size,
    carried,
    combine,
    constant,
    lanes_mask,
    loop,
    minimum,
    multiply,
    product,
    reduce_lanes,
    round_down,
    round_up,
    splat,
    subtract,
)
from catgrad.passes.kernels.order import CHUNK, PARTIALS, along
from catgrad.passes.kernels.scratch import scratch
from catgrad.passes.kernels.terms import Terms
from catgrad.passes.kernels.totals import narrowed, total_type
from catgrad.passes.kernels.view import View, extend, width
from catgrad.passes.machine import Machine

__all__ = ["emit_rows"]

_MOST_STEPS = 12
"""Operations of a term that are worth being repeated for each vector of partial results."""
_TERM = 0
"""The dimension that counts terms in memory."""

_Load: TypeAlias = "Callable[[Index, ir.Value | None], ir.Value]"
"""Emits the vector of terms from some number on, of which a mask may say which are needed."""


def emit_rows(terms: Terms, machine: Machine) -> None:
    """Emit a fold that has inner dimensions."""
    rows = _Rows(terms, machine.lanes(width(terms.output.element)), _room(terms, machine))
    parallel = terms.dims("parallel")
    with ExitStack() as stack:
        place = {dim: stack.enter_context(loop(0, terms.extents[dim])) for dim in parallel}
        so_far = terms.output.load(place)
        terms.output.store(combine(terms.kind, so_far, rows.total(place)), place)


def _room(terms: Terms, machine: Machine) -> View | None:
    """Emit room for a chunk of terms, in whole vectors; there is none if they are computed when they are needed."""
    if _is_vector(terms) and len(terms.steps) <= _MOST_STEPS:
        return None
    element = terms.output.element
    size = round_up(minimum(product(terms.sizes("inner")), CHUNK), machine.lanes(width(element)))
    return View(scratch([size], element), (_TERM,))


def _is_vector(terms: Terms) -> bool:
    """Return whether terms can be computed as vectors."""
    dims = terms.dims("inner")
    views = [view for view in terms.inputs if set(dims) & set(view.axes)]
    return len(dims) == 1 and all(view.contiguous(dims[0]) for view in views) and terms.is_lanewise


@dataclass(frozen=True)
class _Rows:
    """The emitter of rows.

    Attributes:
        terms: What is folded.
        lanes: Elements of a vector.
        room: Where the terms of a chunk are stored first, if they are.
    """

    terms: Terms
    lanes: int
    room: View | None

    @property
    def _scalar(self) -> ir.Value:
        return constant(self.terms.output.element, self.terms.neutral)

    def total(self, place: dict[int, Index]) -> ir.Value:
        """Emit the fold of all rows at a place of the parallel dimensions: those of chunks are combined in order."""
        terms, dims, sizes = self.terms, self.terms.dims("outer"), self.terms.sizes("outer")
        length, element = product(terms.sizes("inner")), terms.output.element
        wide = total_type(element, terms.kind, multiply(product(sizes), length), 1 if dims else CHUNK)

        def row(outer: list[Index], so_far: list[ir.Value]) -> list[ir.Value]:
            here = {**place, **dict(zip(dims, outer, strict=True))}

            def chunk(start: Index, so_far: list[ir.Value]) -> list[ir.Value]:
                found = self._chunk(here, start, block_size(0, length, CHUNK, start))
                return [combine(terms.kind, so_far[0], extend(found, wide))]

            return carried(length, CHUNK, so_far, chunk)

        return narrowed(along(sizes, 0, product(sizes), [constant(wide, terms.neutral)], row)[0], element)

    def _chunk(self, place: dict[int, Index], start: Index, length: Index) -> ir.Value:
        """Emit the fold of a chunk of a row."""
        room = self.room
        if room is None:
            return self._joined(self._partials(length, lambda at, mask: self._vector(place, add(start, at), mask)))
        store = self._store_vectors if _is_vector(self.terms) else self._store
        store(place, start, length, room)
        return self._joined(self._partials(length, lambda at, mask: room.load_vector(self.lanes, {_TERM: at}, mask)))

    def _vector(self, place: dict[int, Index], at: Index, mask: ir.Value | None) -> ir.Value:
        (inner,) = self.terms.dims("inner")
        return self.terms.vector({**place, inner: at}, inner, self.lanes, mask)

    def _store_vectors(self, place: dict[int, Index], start: Index, count: Index, room: View) -> None:
        """Emit the writing of some terms, vector by vector; the last may be one of more than there are."""
        whole = round_down(count, self.lanes)
        with loop(0, whole, self.lanes) as at:
            room.store_vector(self._vector(place, add(start, at), None), {_TERM: at})
        with loop(0, subtract(count, whole), self.lanes) as rest:
            at = add(whole, rest)
            mask = lanes_mask(self.lanes, subtract(count, at))
            room.store_vector(self._vector(place, add(start, at), mask), {_TERM: at})

    def _store(self, place: dict[int, Index], start: Index, count: Index, room: View) -> None:
        """Emit the writing of some terms, one by one."""
        dims, sizes = self.terms.dims("inner"), self.terms.sizes("inner")

        def write(inner: list[Index], _: list[ir.Value]) -> list[ir.Value]:
            number: Index = 0
            for at, size in zip(inner, sizes, strict=True):
                number = add(multiply(number, size), at)
            term = self.terms.scalar({**place, **dict(zip(dims, inner, strict=True))})
            room.store(term, {_TERM: subtract(number, start)})
            return []

        along(sizes, start, add(start, count), [], write)

    @property
    def _neutral(self) -> list[ir.Value]:
        return [splat(self._scalar, self.lanes)] * max(PARTIALS // self.lanes, 1)

    def _partials(self, length: Index, load: _Load) -> list[ir.Value]:
        """Emit the partial results of `length` terms; those that certainly have none are left out."""
        kind, offsets = self.terms.kind, range(0, PARTIALS, self.lanes)
        main = round_down(length, PARTIALS)

        def whole(at: Index, given: list[ir.Value]) -> list[ir.Value]:
            return [combine(kind, x, load(add(at, i), None)) for x, i in zip(given, offsets, strict=True)]

        def rest(_: Index, given: list[ir.Value]) -> list[ir.Value]:
            count = subtract(length, main)
            return [self._with_rest(x, i, main, count, load) for x, i in zip(given, offsets, strict=True)]

        if isinstance(length, int) and length < PARTIALS:
            present = range(0, length, self.lanes)
            return [self._with_rest(None, i, 0, length, load) for i in present] or self._neutral[:1]
        partials = carried(main, PARTIALS, self._neutral, whole)
        return carried(subtract(length, main), PARTIALS, partials, rest)

    def _with_rest(self, partial: ir.Value | None, offset: int, main: Index, rest: Index, load: _Load) -> ir.Value:
        """Emit a vector of partial results with those terms of the rest that belong to it."""
        active = subtract(rest, offset)
        if partial is not None and isinstance(active, int) and active <= 0:
            return partial
        mask = lanes_mask(self.lanes, active)
        term = load(add(main, offset), mask)
        term = term if mask is None else arith.select(mask, term, self._neutral[0])
        return term if partial is None else combine(self.terms.kind, partial, term)

    def _joined(self, partials: list[ir.Value]) -> ir.Value:
        """Emit the tree: what is half of the partial results apart is joined, then what is a quarter apart, ..."""
        half = max(PARTIALS // self.lanes, 1) // 2
        while half:
            low, high = partials[:half], partials[half : 2 * half]
            joined = [combine(self.terms.kind, x, y) for x, y in zip(low, high, strict=False)]
            partials = [*joined, *low[len(joined) :]]
            half //= 2
        return reduce_lanes(self.terms.kind, partials[0])
