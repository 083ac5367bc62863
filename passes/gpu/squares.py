"""Products in the registers of threads: each computes a square of C, so that an element it reads serves several.

Lines of shared memory go along the rows, or columns, of a tile: a thread reads vectors of its rows and columns at one
place of the depth. Its square is in pieces as wide as a vector, which lie apart, so that a warp reads neighbours.

Reference: Volkov and Demmel, "Benchmarking GPUs to tune dense linear algebra" (2008).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from mlir import ir
from mlir.dialects import arith, math, vector

from catgrad.passes.gpu.machine import GpuMachine
from catgrad.passes.gpu.shared import CHUNKS, SharedMatrix, TileLayout
from catgrad.passes.gpu.tiles import Tile
from catgrad.passes.kernels.emit import Index, add, divide, is_float, multiply, remainder, splat, vector_of, zero
from catgrad.passes.kernels.view import width

__all__ = ["Squares"]

_WORD = 4
"""Bytes of a register."""


@dataclass(frozen=True)
class Squares:
    """SIMT multiply-accumulate of a tile by threads.

    Attributes:
        tile: The tile.
        element: The type in which they compute.
        machine: For which GPU.
    """

    tile: Tile
    element: ir.Type
    machine: GpuMachine

    @property
    def access(self) -> int:
        """Elements of an operand that a thread moves at once, at most; shorter ones may become longer on their way."""
        return self.machine.access_bytes // max(_WORD, width(self.element) // 8)

    @property
    def _lanes(self) -> int:
        """Elements of a vector: no more than a square is wide."""
        return min(self.tile.part[0], self.access)

    def layout(self, outer: int, deep: bool) -> TileLayout:
        """Return the layout of a tile of A or B.

        Accesses that turn a tile write to as many lines as they read elements; those beside them are kept apart.
        """
        chunk = self.machine.access_bytes * 8 // width(self.element)
        step = max(1, CHUNKS * self.access // self.tile.depth)
        return TileLayout(outer, self.tile.depth, False, chunk, self.access, step)

    def zeros(self) -> list[ir.Value]:
        """Emit the sums before anything is added."""
        count = self.tile.part[0] * self.tile.part[1] // self._lanes
        return [zero(vector_of(self._lanes, self.element))] * count

    def add(
        self, a: SharedMatrix, b: SharedMatrix, stage: Index, thread: ir.Value, sums: Sequence[ir.Value]
    ) -> list[ir.Value]:
        """Emit the products of a stage, added to the sums."""
        sums = list(sums)
        rows, columns = self._pieces(thread)
        for k in range(self.tile.depth):
            left = [self._load(a, stage, row, k) for row in rows]
            right = [self._load(b, stage, column, k) for column in columns]
            scalars = [vector.extract(x, [], [lane]) for x in left for lane in range(self._lanes)]
            for i, (x, y) in enumerate(product(scalars, right)):
                sums[i] = _multiply_add(splat(x, self._lanes), y, sums[i])
        return sums

    def places(self, thread: ir.Value) -> list[tuple[Index, Index]]:
        """Return the row and the first column, in the tile, of each vector of sums."""
        rows, columns = self._pieces(thread)
        return [(add(row, i), column) for row in rows for i in range(self._lanes) for column in columns]

    def vectors(self, sums: Sequence[ir.Value]) -> list[ir.Value]:
        """Return the sums as vectors of neighbours in a row."""
        return list(sums)

    def _pieces(self, thread: ir.Value) -> tuple[list[Index], list[Index]]:
        """Return where the pieces of a thread's square begin, along rows and columns."""
        tile, lanes = self.tile, self._lanes
        across = tile.columns // tile.part[1]
        own = divide(thread, across), remainder(thread, across)
        rows, columns = (
            [add(multiply(place, lanes), start) for start in range(0, extent, extent * lanes // side)]
            for place, extent, side in zip(own, (tile.rows, tile.columns), tile.part, strict=True)
        )
        return rows, columns

    def _load(self, x: SharedMatrix, stage: Index, outer: Index, k: int) -> ir.Value:
        return vector.load(vector_of(self._lanes, self.element), x.buffer, x.at(stage, outer, k))


def _multiply_add(a: ir.Value, b: ir.Value, c: ir.Value) -> ir.Value:
    is_real = is_float(ir.VectorType(c.type).element_type)
    return math.fma(a, b, c) if is_real else arith.addi(arith.muli(a, b), c)
