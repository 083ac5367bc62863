"""Sums of units in f64: what keeps the digits of long sums."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from mlir import ir
from mlir.dialects import arith

from catgrad.passes.kernels.emit import Index, combine, constant, loop
from catgrad.passes.kernels.scratch import scratch
from catgrad.passes.kernels.terms import ROUNDED
from catgrad.passes.kernels.view import View

__all__ = ["WideTotals", "narrowed", "total_type"]


def total_type(element: ir.Type, kind: str, extent: Index, unit: int) -> ir.Type:
    """Return the type in which the folds of units are combined: f64 for f32, if there can be several."""
    is_unit = isinstance(extent, int) and extent <= unit
    return ir.F64Type.get() if isinstance(element, ir.F32Type) and kind in ROUNDED and not is_unit else element


def narrowed(total: ir.Value, element: ir.Type) -> ir.Value:
    """Round a total to the type of the result."""
    return total if total.type == element else arith.truncf(element, total)


@dataclass(frozen=True)
class WideTotals:
    """The totals for a part of the result.

    Attributes:
        depth: How many terms there are.
        room: Where the totals are; None if it is the result that holds them.
        kind: The operation that combines.
        neutral: What it leaves unchanged.
    """

    depth: Index
    room: View | None
    kind: str
    neutral: float

    @staticmethod
    def of(
        kind: str, neutral: float, unit: int, depth: Index, extents: Mapping[int, Index], element: ir.Type
    ) -> WideTotals:
        """Emit the room for totals of folds of `depth` terms, for parts of the result of at most `extents`."""
        wide = total_type(element, kind, depth, unit)
        room = None if wide == element else View(scratch(list(extents.values()), wide), tuple(extents))
        return WideTotals(depth, room, kind, neutral)

    @contextmanager
    def parts(self, result: View, extents: Mapping[int, Index]) -> Iterator[tuple[Index, Index, View]]:
        """Emit what prepares and rounds the totals, the code for the terms inside the `with`.

        Yields the first term, how many there are, and what the code combines the folds of units with, in order.
        """
        room = self.room
        if room is None:
            yield 0, self.depth, result
            return
        neutral = constant(room.element, self.neutral)
        with _each(extents) as place:
            room.store(neutral, place)
        yield 0, self.depth, room
        with _each(extents) as place:
            total = narrowed(room.load(place), result.element)
            result.store(combine(self.kind, result.load(place), total), place)


@contextmanager
def _each(extents: Mapping[int, Index]) -> Iterator[dict[int, Index]]:
    """Emit the loops over a part of the result; provides the place in it."""
    with ExitStack() as stack:
        yield {dim: stack.enter_context(loop(0, size)) for dim, size in extents.items()}
