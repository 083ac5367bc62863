"""Contractions as one kernel: a block of threads computes a tile of C from tiles of A and B in shared memory.

Of the depth there are a few stages in shared memory: while one is computed with, the next ones arrive. What computes is
the tensor cores where the factors have 16 bits (`fragments.py`), else the threads themselves (`squares.py`). Rows,
columns and depth may each be several dimensions; their elements are counted row by row. Threads add in the order that
contractions have on all machines (`catgrad.passes.kernels.order`); tensor cores in one of their own in each block.

Reference: Thakkar et al., CUTLASS, "Efficient GEMM in CUDA" (software pipelining of a tiled product).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mlir import ir
from mlir.dialects import arith, gpu, nvvm

from catgrad.cached import cached_property
from catgrad.passes.gpu.epilogue import Epilogue, accumulator
from catgrad.passes.gpu.fragments import Fragments
from catgrad.passes.gpu.launch import Thread, ceil_divide, launch, shared_buffer
from catgrad.passes.gpu.machine import GpuMachine
from catgrad.passes.gpu.output import Output, axes_of
from catgrad.passes.gpu.shared import SharedMatrix, TileLayout
from catgrad.passes.gpu.squares import Squares
from catgrad.passes.gpu.staging import Axis, Staging, is_deep, lanes_of
from catgrad.passes.gpu.tiles import Extents, fragments, squares
from catgrad.passes.kernels.emit import Index, add, block_size, carried, combine, loop, multiply, product, split, value
from catgrad.passes.kernels.order import BLOCK, GROUP
from catgrad.passes.kernels.problem import Problem, read
from catgrad.passes.kernels.view import View, width

__all__ = ["emit_contraction"]


def emit_contraction(epilogue: Epilogue, machine: GpuMachine) -> None:
    """Emit the kernel of C += A · B and of the operations on elements of C before and behind it."""
    problem = read(epilogue.contraction).oriented()
    kernel = _Kernel(problem, axes_of(problem.c, epilogue.contraction.operands[2]), epilogue, machine)
    if 0 in (kernel.rows.count, kernel.columns.count, kernel.batch.count):
        return
    tile = kernel.products.tile
    with launch([product(kernel.blocks)], [tile.threads], kernel.buffers) as here:
        kernel.emit(here)


@dataclass(frozen=True)
class _Kernel:
    """The code of one thread.

    Attributes:
        problem: The contraction.
        axes: The axes of C that its view has collapsed.
        epilogue: What is done with the sums.
        machine: For which GPU.
    """

    problem: Problem
    axes: Sequence[Sequence[Index]]
    epilogue: Epilogue
    machine: GpuMachine

    @cached_property
    def rows(self) -> Axis:
        """The rows of C."""
        return self._axis(self.problem.rows)

    @cached_property
    def columns(self) -> Axis:
        """The columns of C."""
        return self._axis(self.problem.columns)

    @cached_property
    def depth(self) -> Axis:
        """The terms of an element of C."""
        return self._axis(self.problem.depth)

    @cached_property
    def batch(self) -> Axis:
        """The contractions, if there are many."""
        return self._axis(self.problem.batch)

    @cached_property
    def products(self) -> Fragments | Squares:
        """Emitter of a tile."""
        a, b, c = (x.element for x in (self.problem.a, self.problem.b, self.problem.c))
        extents = Extents(*(axis.count for axis in (self.batch, self.rows, self.columns, self.depth)))
        total = accumulator(c)
        if a == b and isinstance(a, ir.F16Type | ir.BF16Type) and total == ir.F32Type.get():
            return Fragments(fragments(extents, width(a) // 8, self.machine), a, self.machine)
        return Squares(squares(extents, width(total) // 8, self.machine), total, self.machine)

    @cached_property
    def blocks(self) -> list[Index]:
        """The numbers of contractions, and of tiles down and across C: a block for each."""
        tile = self.products.tile
        return [
            self.batch.count,
            ceil_divide(self.rows.count, tile.rows),
            ceil_divide(self.columns.count, tile.columns),
        ]

    @cached_property
    def _layouts(self) -> list[TileLayout]:
        """Layout of tiles of A and B in shared memory."""
        tile = self.products.tile
        sides = (self.problem.a, tile.rows), (self.problem.b, tile.columns)
        return [self.products.layout(extent, is_deep(x, self.depth.dims)) for x, extent in sides]

    @property
    def buffers(self) -> list[ir.MemRefType]:
        """The types of the stages in shared memory."""
        stages = self.products.tile.stages
        return [shared_buffer([stages, *layout.shape], self.products.element) for layout in self._layouts]

    def _axis(self, dims: Sequence[int]) -> Axis:
        extents = [self.problem.extent(dim) for dim in dims]
        return Axis(dims, extents, product(extents))

    def emit(self, here: Thread) -> None:
        """Emit it."""
        tile, thread = self.products.tile, here.thread[0]
        one, down, across = split(here.block[0], self.blocks)
        own = self.problem.moved(self.batch.positions(one))
        first = multiply(down, tile.rows), multiply(across, tile.columns)
        sums = self._emit_sums(own, first, here)
        output = Output(own.c, self.axes, self.rows, self.columns, tile, self.epilogue)
        for (row, column), vector in zip(self.products.places(thread), self.products.vectors(sums), strict=True):
            output.emit(add(first[0], row), add(first[1], column), vector)

    def _emit_sums(self, own: Problem, first: tuple[Index, Index], here: Thread) -> list[ir.Value]:
        """Emit the loop over the depth, a stage at a time; return the thread's sums.

        Behind the barrier, all threads have computed with the stage before: its place is free for the next to arrive.
        """
        tile, thread = self.products.tile, here.thread[0]
        a, b = (SharedMatrix(*each) for each in zip(here.shared, self._layouts, strict=True))
        stagings = self._stagings(own, first, (a, b), thread)
        ahead = tile.stages - 1
        with loop(0, ahead) as stage:
            for staging in stagings:
                staging.finish(stage, staging.begin(multiply(stage, tile.depth), stage))
            nvvm.CpAsyncCommitGroupOp()

        def step(start: Index, given: list[ir.Value]) -> list[ir.Value]:
            stage, free, *sums = given
            nvvm.CpAsyncWaitGroupOp(ahead - 1)
            gpu.barrier()
            begun = [staging.begin(add(start, ahead * tile.depth), free) for staging in stagings]
            nvvm.CpAsyncCommitGroupOp()
            sums = self.products.add(a, b, stage, thread, sums)
            for staging, elements in zip(stagings, begun, strict=True):
                staging.finish(free, elements)
            return [_next(stage, tile.stages), stage, *sums]

        def summed(units: Sequence[int], start: Index, terms: Index, stages: list[ir.Value]) -> list[ir.Value]:
            """Emit the sum of some terms from those of units, which have smaller ones; return the stages before it."""
            begin = [*stages, *self.products.zeros()]
            if not units:
                return carried(terms, tile.depth, begin, lambda at, given: step(add(start, at), given), rolled=True)

            def unit(at: Index, given: list[ir.Value]) -> list[ir.Value]:
                part = summed(units[1:], add(start, at), block_size(0, terms, units[0], at), given[:2])
                return [*part[:2], *(combine("add", x, y) for x, y in zip(given[2:], part[2:], strict=True))]

            return carried(terms, units[0], begin, unit)

        _, _, *sums = summed(self._units, 0, self.depth.count, [value(0), value(ahead)])
        return sums

    @property
    def _units(self) -> list[int]:
        """The terms of groups and of blocks, as far as there may be several."""
        depth = self.depth.count
        return [unit for unit in (BLOCK * GROUP, BLOCK) if not isinstance(depth, int) or depth > unit]

    def _stagings(
        self, own: Problem, first: tuple[Index, Index], targets: Sequence[SharedMatrix], thread: ir.Value
    ) -> list[Staging]:
        sides = (own.a, self.rows), (own.b, self.columns)
        stagings = [
            Staging(x, outer, self.depth, start, target, self._widest(x, outer), thread, self.products.tile.threads)
            for (x, outer), start, target in zip(sides, first, targets, strict=True)
        ]
        for staging in stagings:
            staging.prepare()
        return stagings

    def _widest(self, operand: View, outer: Axis) -> int:
        dims = self.depth.dims if is_deep(operand, self.depth.dims) else outer.dims
        return lanes_of(operand, dims, self.products.access)


def _next(stage: ir.Value, stages: int) -> ir.Value:
    """Emit (stage + 1) mod stages."""
    is_last = arith.cmpi(arith.CmpIPredicate.eq, stage, value(stages - 1))
    return arith.select(is_last, value(0), value(add(stage, 1)))
