"""Stores of a contraction: the places of its sums in C, as it was before its axes were collapsed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd

from mlir import ir
from mlir.dialects import vector

from catgrad.passes.gpu.epilogue import Epilogue
from catgrad.passes.gpu.launch import all_of, guarded, less
from catgrad.passes.gpu.staging import Axis
from catgrad.passes.gpu.tiles import Tile
from catgrad.passes.kernels.emit import Index, add, extent, split
from catgrad.passes.kernels.view import View

__all__ = ["Output", "axes_of"]

Axes = Sequence[Sequence[Index]]
"""For each axis of a view, the extents of the buffer's axes that were collapsed to it."""


def axes_of(view: View, buffer: ir.Value) -> Axes:
    """Return the axes of a buffer, by those of its view; emits the extents that are not known."""
    if view.buffer == buffer:
        return [[extent(buffer, axis)] for axis in range(len(view.axes))]
    parts = view.buffer.owner.operation.attributes["reassociation"]
    return [[extent(buffer, ir.IntegerAttr(axis).value) for axis in part] for part in parts]


@dataclass(frozen=True)
class Output:
    """The places of C that a thread has sums for.

    Attributes:
        c: The view of C.
        axes: Its axes.
        rows: The rows of C.
        columns: Its columns.
        tile: How it is cut.
        epilogue: What is done with the sums.
    """

    c: View
    axes: Axes
    rows: Axis
    columns: Axis
    tile: Tile
    epilogue: Epilogue

    def emit(self, row: Index, column: Index, sums: ir.Value) -> None:
        """Emit what becomes of neighbouring sums of a row: of as many at once as divide the length of a row of C."""
        count = ir.VectorType(sums.type).shape[0]
        scalars = [vector.extract(sums, [], [lane]) for lane in range(count)]
        step = gcd(self._row_length, count)
        for start in range(0, count, step):
            self._emit_part(row, add(column, start), scalars[start : start + step])

    @property
    def _row_length(self) -> int:
        """Number of columns that are neighbours along the last axis of C, or a divisor of that: 1 if not known."""
        last = self.axes[-1][-1] if self.axes else 1
        is_column = bool(self.columns.dims) and self.c.axes[-1] == self.columns.dims[-1]
        return last if is_column and isinstance(last, int) else 1

    def _emit_part(self, row: Index, column: Index, scalars: Sequence[ir.Value]) -> None:
        inside = less(row, self.rows.count, self.tile.rows), less(column, self.columns.count, self.tile.columns)
        with guarded(all_of(inside)):
            c = self.c.moved(self.rows.positions(row)).moved(self.columns.positions(column))
            parts = zip(c.indices({}), self.axes, strict=True)
            self.epilogue.emit([position for at, extents in parts for position in split(at, extents)], scalars)
