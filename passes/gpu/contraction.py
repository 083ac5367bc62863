"""Contractions as one kernel: a block of threads computes a tile of C from tiles of A and B in shared memory.

Each thread keeps a small square of C in registers, so that an element read from shared memory serves several products.
Rows, columns and depth may each be several dimensions; their elements are counted row by row.

Reference: Volkov and Demmel, "Benchmarking GPUs to tune dense linear algebra" (2008).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from mlir import ir
from mlir.dialects import arith, gpu, math, memref, scf, vector

from catgrad.passes.gpu.launch import Thread, ceil_divide, guarded, launch, product, shared_buffer, split
from catgrad.passes.kernels.emit import Index, add, combine, is_float, multiply, value, vector_of, zero
from catgrad.passes.kernels.problem import Problem
from catgrad.passes.kernels.view import View, extend

__all__ = ["emit_contraction"]


@dataclass(frozen=True)
class _Tile:
    """What one block computes.

    Attributes:
        rows: Rows of C.
        columns: Columns of C.
        depth: How much of the depth is in shared memory at once.
        square: Rows, and columns, of C that one thread computes.
    """

    rows: int = 64
    columns: int = 64
    depth: int = 16
    square: int = 4

    @property
    def threads(self) -> int:
        """How many threads that takes."""
        return self.rows * self.columns // self.square**2


def emit_contraction(problem: Problem, fresh: bool) -> None:
    """Emit the kernel of C += A · B, or of C = A · B if `fresh`."""
    tile = _Tile()
    kernel = _Kernel(problem, tile, fresh)
    if 0 in (kernel.rows, kernel.columns, kernel.batch):
        return
    grid = ceil_divide(kernel.columns, tile.columns), ceil_divide(kernel.rows, tile.rows), kernel.batch
    shared = [shared_buffer([tile.depth, extent], problem.c.element) for extent in (tile.rows, tile.columns)]
    with launch(grid, [tile.threads], shared) as here:
        kernel.emit(here)


@dataclass(frozen=True)
class _Kernel:
    """The code of one thread.

    Attributes:
        problem: The contraction.
        tile: How it is cut.
        fresh: Whether C is written, not added to.
    """

    problem: Problem
    tile: _Tile
    fresh: bool

    @cached_property
    def rows(self) -> Index:
        """The rows of C."""
        return self._count(self.problem.rows)

    @cached_property
    def columns(self) -> Index:
        """The columns of C."""
        return self._count(self.problem.columns)

    @cached_property
    def depth(self) -> Index:
        """The terms of an element of C."""
        return self._count(self.problem.depth)

    @cached_property
    def batch(self) -> Index:
        """How many problems there are."""
        return self._count(self.problem.batch)

    def _count(self, dims: Sequence[int]) -> Index:
        return product([self.problem.extent(dim) for dim in dims])

    def emit(self, here: Thread) -> None:
        """Emit it."""
        tile, thread = self.tile, here.thread[0]
        own = self._moved(self.problem, self.problem.batch, here.block[2])
        first_row, first_column = multiply(here.block[1], tile.rows), multiply(here.block[0], tile.columns)
        width = tile.columns // tile.square
        row = multiply(arith.divui(thread, value(width)), tile.square)
        column = multiply(arith.remui(thread, value(width)), tile.square)
        sums = self._emit_sums(own, here, (first_row, first_column), (row, column))
        for i in range(tile.square):
            for j in range(tile.square):
                at = add(add(first_row, row), i), add(add(first_column, column), j)
                self._emit_store(own, at, sums[i * tile.square + j])

    def _emit_sums(
        self, own: Problem, here: Thread, first: tuple[Index, Index], place: tuple[Index, Index]
    ) -> list[ir.Value]:
        """Emit the loop over the depth, a tile at a time; return the thread's square of C."""
        tile, (tile_a, tile_b) = self.tile, here.shared
        zeros = [zero(own.c.element)] * tile.square**2
        over = scf.ForOp(value(0), value(self.depth), value(tile.depth), zeros)
        with ir.InsertionPoint(over.body):
            start = over.induction_variable
            self._emit_load(tile_a, own.a, (own.rows, first[0], self.rows), (own.depth, start), here.thread[0])
            self._emit_load(tile_b, own.b, (own.columns, first[1], self.columns), (own.depth, start), here.thread[0])
            gpu.barrier()
            sums = list(over.inner_iter_args)
            for k in range(tile.depth):
                sums = self._emit_products(tile_a, tile_b, k, place, sums)
            gpu.barrier()
            scf.yield_(sums)
        return list(over.results)

    def _emit_products(
        self, tile_a: ir.Value, tile_b: ir.Value, k: int, place: tuple[Index, Index], sums: Sequence[ir.Value]
    ) -> list[ir.Value]:
        """Emit the products of one place of the depth, added to the thread's square."""
        square = self.tile.square
        kind = vector_of(square, self.problem.c.element)
        lanes = [vector.load(kind, x, [value(k), value(at)]) for x, at in zip((tile_a, tile_b), place, strict=True)]
        a, b = ([vector.extract(x, [], [lane]) for lane in range(square)] for x in lanes)
        return [_multiply_add(a[n // square], b[n % square], total) for n, total in enumerate(sums)]

    def _emit_load(
        self,
        shared: ir.Value,
        operand: View,
        outer: tuple[Sequence[int], Index, Index],
        depth: tuple[Sequence[int], Index],
        thread: ir.Value,
    ) -> None:
        """Emit the copying of a tile, zeros where nothing is; neighbouring threads read neighbours if they can."""
        dims, first, extent = outer
        along = [self.tile.depth, self._height(shared)]
        is_deep = bool(depth[0]) and operand.contiguous(depth[0][-1])
        for start in range(0, along[0] * along[1], self.tile.threads):
            number = add(thread, start)
            fast = along[0] if is_deep else along[1]
            high, low = arith.divui(value(number), value(fast)), arith.remui(value(number), value(fast))
            k, own = (low, high) if is_deep else (high, low)
            at, deep = add(first, own), add(depth[1], k)
            scalar = self._emit_guarded_load(operand, [(dims, at, extent), (depth[0], deep, self.depth)])
            memref.store(scalar, shared, [value(k), value(own)])

    def _height(self, shared: ir.Value) -> int:
        return int(ir.MemRefType(shared.type).shape[1])

    def _emit_guarded_load(self, operand: View, places: Sequence[tuple[Sequence[int], Index, Index]]) -> ir.Value:
        """Emit an element of an operand, or zero behind its end."""
        element = self.problem.c.element
        inside = [arith.cmpi(arith.CmpIPredicate.ult, value(at), value(extent)) for _, at, extent in places]
        choice = scf.IfOp(arith.andi(*inside), [element], has_else=True)
        with ir.InsertionPoint(choice.then_block):
            for dims, at, _ in places:
                operand = operand.moved(self._positions(dims, at))
            scf.yield_([extend(operand.load({}), element)])
        with ir.InsertionPoint(choice.else_block):
            scf.yield_([zero(element)])
        return choice.results[0]

    def _emit_store(self, own: Problem, at: tuple[Index, Index], total: ir.Value) -> None:
        row, column = at
        inside = [
            arith.cmpi(arith.CmpIPredicate.ult, value(place), value(extent))
            for place, extent in ((row, self.rows), (column, self.columns))
        ]
        with guarded(arith.andi(*inside)):
            c = own.c.moved(self._positions(own.rows, row)).moved(self._positions(own.columns, column))
            c.store(total if self.fresh else combine("add", c.load({}), total), {})

    def _moved(self, problem: Problem, dims: Sequence[int], at: Index) -> Problem:
        return problem.moved(self._positions(dims, at))

    def _positions(self, dims: Sequence[int], at: Index) -> dict[int, Index]:
        """Return the position in each of several dimensions, whose elements are counted row by row."""
        return dict(zip(dims, split(value(at), [self.problem.extent(dim) for dim in dims]), strict=True))


def _multiply_add(a: ir.Value, b: ir.Value, c: ir.Value) -> ir.Value:
    return math.fma(a, b, c) if is_float(c.type) else arith.addi(arith.muli(a, b), c)
