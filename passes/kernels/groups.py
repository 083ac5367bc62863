"""Sums of groups of blocks, where the result itself holds the sum of the group that is being computed.

Few sums have so many terms. Where their number is not known, the room for this has extent 0 unless it is needed, and
the loops here do nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

from mlir import ir
from mlir.dialects import arith

from catgrad.passes.kernels.emit import Index, block_size, combine, loop, value, zero
from catgrad.passes.kernels.order import BLOCK, GROUP
from catgrad.passes.kernels.scratch import scratch
from catgrad.passes.kernels.view import View

__all__ = ["GroupTotals"]


@dataclass(frozen=True)
class GroupTotals:
    """The totals of groups, for a part of the result.

    Attributes:
        depth: How many terms there are.
        terms: How many a group has.
        room: Where the totals are; None if there is but one group.
    """

    depth: Index
    terms: int
    room: View | None

    @staticmethod
    def of(depth: Index, extents: Mapping[int, Index], element: ir.Type) -> GroupTotals:
        """Emit the room for totals of sums of `depth` terms, for parts of the result of at most `extents`."""
        totals = GroupTotals(depth, BLOCK * GROUP, None)
        if isinstance(depth, int) and depth <= totals.terms:
            return totals
        first, *others = extents.values()
        return replace(totals, room=View(scratch([totals._if_long(first), *others], element), tuple(extents)))

    @contextmanager
    def parts(self, result: View, extents: Mapping[int, Index]) -> Iterator[tuple[Index, Index, View]]:
        """Emit the loop over groups, the code for one inside the `with`.

        Yields its first term, how many it has, and what the code adds its blocks to: a part of the `result` of some
        extents, which is zero but for the first group.
        """
        nothing = zero(result.element)
        self._each(extents, lambda room, place: room.store(nothing, place))
        with loop(0, self.depth, self.terms) as start:
            yield start, block_size(0, self.depth, self.terms, start), result
            self._each(extents, lambda room, place: self._move(room, result, place, nothing))
        self._each(extents, lambda room, place: result.store(room.load(place), place))

    def _move(self, room: View, result: View, place: Mapping[int, Index], nothing: ir.Value) -> None:
        """Add an element of the result to its total."""
        room.store(combine("add", room.load(place), result.load(place)), place)
        result.store(nothing, place)

    def _each(self, extents: Mapping[int, Index], emit: Callable[[View, Mapping[int, Index]], None]) -> None:
        """Emit something for each total, if there are such."""
        if self.room is not None:
            first, *others = extents
            sizes = {first: self._if_long(extents[first]), **{dim: extents[dim] for dim in others}}
            with ExitStack() as stack:
                emit(self.room, {dim: stack.enter_context(loop(0, size)) for dim, size in sizes.items()})

    def _if_long(self, size: Index) -> Index:
        """Return `size` if there is more than one group, else 0."""
        if isinstance(self.depth, int):
            return size
        is_long = arith.cmpi(arith.CmpIPredicate.ugt, self.depth, value(self.terms))
        return arith.select(is_long, value(size), value(0))
