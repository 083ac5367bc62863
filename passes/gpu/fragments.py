"""Products on tensor cores: each warp multiplies fragments of A and B, of 16 bits, into sums in f32.

D = A B + C for A of 16 × 16, B of 16 × 8. Lane 4 g + t of the warp holds pairs of neighbours along the depth:

    A, register r    row g + 8 (r mod 2), depth 2 t + 8 ⌊r/2⌋
    B, register r    column g, depth 2 t + 8 r
    C, register r    row g + 8 ⌊r/2⌋, column 2 t + r mod 2

`ldmatrix` makes such registers of four squares of 8 × 8 elements at once: of their lines, or, where lines go across the
depth, of their transposes. So each operand lies in shared memory as it did in global memory.

Reference: PTX ISA, sections "ldmatrix" and "Matrix Fragments for mma.m16n8k16 with floating point type".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from mlir import ir
from mlir.dialects import llvm, nvgpu, nvvm, vector

from catgrad.passes.gpu.machine import GpuMachine
from catgrad.passes.gpu.shared import CHUNKS, SharedMatrix, TileLayout
from catgrad.passes.gpu.tiles import Tile
from catgrad.passes.kernels.emit import Index, add, divide, multiply, remainder, vector_of, zero
from catgrad.passes.kernels.view import width

__all__ = ["Fragments"]

_ROWS, _COLUMNS, _DEPTH = 16, 8, 16
_SQUARE = 8
_SUMS = 4
"""Sums of a lane in one fragment of C."""


@dataclass(frozen=True)
class Fragments:
    """Matrix multiply-accumulate of a tile by warps.

    Attributes:
        tile: The tile.
        element: The type of the elements of A and B: f16 or bf16.
        machine: For which GPU.
    """

    tile: Tile
    element: ir.Type
    machine: GpuMachine

    @property
    def access(self) -> int:
        """Elements of an operand that a thread moves at once, at most."""
        return self.machine.access_bytes * 8 // width(self.element)

    def layout(self, outer: int, deep: bool) -> TileLayout:
        """Return the layout of a tile of A or B: eight neighbouring lines are read at once."""
        chunks = (self.tile.depth if deep else outer) // self.access
        return TileLayout(outer, self.tile.depth, deep, self.access, max(1, CHUNKS // chunks), 1)

    def zeros(self) -> list[ir.Value]:
        """Emit the sums before anything is added."""
        rows, columns = self.tile.part
        return [zero(ir.F32Type.get())] * (rows * columns // self.machine.warp)

    def add(
        self, a: SharedMatrix, b: SharedMatrix, stage: Index, thread: ir.Value, sums: Sequence[ir.Value]
    ) -> list[ir.Value]:
        """Emit the products of a stage, added to the sums."""
        sums = list(sums)
        (first_row, first_column), (rows, columns) = self._part(thread), self.tile.part
        for k in range(0, self.tile.depth, _DEPTH):
            left = [self._load(a, stage, add(first_row, i), k, thread, True) for i in range(0, rows, _ROWS)]
            pairs = [
                self._load(b, stage, add(first_column, j), k, thread, False) for j in range(0, columns, 2 * _COLUMNS)
            ]
            right = [registers[i : i + 2] for registers in pairs for i in (0, 2)]
            for i, (x, y) in enumerate(product(left, right)):
                sums[_SUMS * i : _SUMS * (i + 1)] = self._multiply(x, y, sums[_SUMS * i : _SUMS * (i + 1)])
        return sums

    def places(self, thread: ir.Value) -> list[tuple[Index, Index]]:
        """Return the row and the first column, in the tile, of each pair of sums."""
        (first_row, first_column), (rows, columns) = self._part(thread), self.tile.part
        lane = remainder(thread, self.machine.warp)
        row, column = add(first_row, divide(lane, 4)), add(first_column, multiply(remainder(lane, 4), 2))
        return [
            (add(row, i + half), add(column, j))
            for i in range(0, rows, _ROWS)
            for j in range(0, columns, _COLUMNS)
            for half in (0, _SQUARE)
        ]

    def vectors(self, sums: Sequence[ir.Value]) -> list[ir.Value]:
        """Return the sums as vectors of neighbours in a row."""
        pair = vector_of(2, ir.F32Type.get())
        return [vector.from_elements(pair, sums[i : i + 2]) for i in range(0, len(sums), 2)]

    def _part(self, thread: ir.Value) -> tuple[Index, Index]:
        """Return where the part of a thread's warp begins in the tile."""
        rows, columns = self.tile.part
        across = self.tile.columns // columns
        warp = divide(thread, self.machine.warp)
        return multiply(divide(warp, across), rows), multiply(remainder(warp, across), columns)

    def _load(
        self, x: SharedMatrix, stage: Index, outer: Index, k: int, thread: ir.Value, outer_first: bool
    ) -> list[ir.Value]:
        """Emit the reading of 16 × 16 elements: four squares, the first two of which are neighbours along one side.

        Lane 8 i + r says where line r of square i begins.
        """
        lane = remainder(thread, self.machine.warp)
        line, square = remainder(lane, _SQUARE), divide(lane, _SQUARE)
        sides = remainder(square, 2), divide(square, 2)
        aside, below = (multiply(side, _SQUARE) for side in (sides if outer_first else sides[::-1]))
        place = [add(outer, aside), add(k, below)]
        along = 0 if x.layout.deep else 1
        place[along] = add(place[along], line)
        kind = ir.VectorType.get([4, 2], self.element)
        loaded = nvgpu.LdMatrixOp(kind, x.buffer, x.at(stage, *place), not x.layout.deep, 4).res
        return [self._register(vector.extract(loaded, [], [i])) for i in range(4)]

    def _register(self, pair: ir.Value) -> ir.Value:
        """Return two elements as the instruction takes them: those of bf16 as bits."""
        if not isinstance(self.element, ir.BF16Type):
            return pair
        i32 = ir.IntegerType.get_signless(32)
        return vector.extract(vector.bitcast(vector_of(1, i32), pair), [], [0])

    def _multiply(self, a: Sequence[ir.Value], b: Sequence[ir.Value], c: Sequence[ir.Value]) -> list[ir.Value]:
        kind = "bf16" if isinstance(self.element, ir.BF16Type) else "f16"
        factor = ir.Attribute.parse(f"#nvvm.mma_type<{kind}>")
        shape = ir.Attribute.parse(f"#nvvm.shape<m = {_ROWS}, n = {_COLUMNS}, k = {_DEPTH}>")
        row, column = (ir.Attribute.parse(f"#nvvm.mma_layout<{name}>") for name in ("row", "col"))
        f32 = ir.F32Type.get()
        result = llvm.StructType.get_literal([f32] * _SUMS)
        given = {"multiplicandAPtxType": factor, "multiplicandBPtxType": factor}
        product = nvvm.MmaOp(result, shape, row, column, a, b, c, **given).result
        return [llvm.extractvalue(f32, product, ir.DenseI64ArrayAttr.get([i])) for i in range(_SUMS)]
