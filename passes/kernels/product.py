"""A contraction with columns as blocked matrix products: loops, packing, and a register tile inside.

The loops, from the outside:

1. the dimensions that are neither m, n nor k: batches, further rows, columns and depths
2. jc over blocks of columns, pc over blocks of depth: pack B[pc.., jc..] by panels if that pays
3. ic over blocks of rows: pack A[ic.., pc..] by rows if that pays
4. j over panels, i over tiles: C[i.., j..] += A[i.., pc..] · B[pc.., j..] in registers
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from mlir import ir
from mlir.dialects import linalg, scf

from catgrad.passes.kernels.emit import (
    Index,
    add,
    block_size,
    divide,
    equal_zero,
    loop,
    minimum,
    round_down,
    subtract,
    value,
    zero,
)
from catgrad.passes.kernels.microkernel import RegisterTile, strips
from catgrad.passes.kernels.pack import pack
from catgrad.passes.kernels.plan import Plan, make_plan
from catgrad.passes.kernels.problem import Problem
from catgrad.passes.kernels.scratch import scratch
from catgrad.passes.kernels.tiles import balanced
from catgrad.passes.kernels.view import View
from catgrad.passes.machine import Machine

__all__ = ["emit_product", "for_runs", "nest"]

_PANEL = -2
"""The dimension that counts the panels of a packed B."""


@dataclass(frozen=True)
class _Part:
    """Columns start ≤ j < stop in panels `width` wide; if `ragged`, the last may be narrower."""

    start: Index
    stop: Index
    width: int
    ragged: bool


@dataclass(frozen=True)
class _Block:
    """One block of depth and columns, while its loops are being emitted.

    Attributes:
        problem: The problem, from the first step and the first column of the block.
        columns: Columns in the block.
        depth: Steps in the block.
        fresh: Whether C starts from zero, whatever it holds.
    """

    problem: Problem
    columns: Index
    depth: Index
    fresh: bool | ir.Value


@dataclass(frozen=True)
class _Kernel:
    """The emitter of one part of the columns.

    Attributes:
        plan: The decisions.
        part: The columns.
        packed_a: Where blocks of A are copied to, if they are.
        packed_b: Where blocks of B are copied to, if they are.
    """

    plan: Plan
    part: _Part
    packed_a: View | None
    packed_b: View | None

    def emit(self, problem: Problem, fresh: bool) -> None:
        """Emit the loops around the blocks."""
        axes, plan = self.plan.axes, self.plan
        inner = (axes.m, axes.n, axes.k)
        outer = [dim for dim in (*problem.batch, *problem.rows, *problem.columns) if dim not in inner]
        further = [dim for dim in problem.depth if dim not in inner]
        depth = problem.extent(axes.k)
        with ExitStack() as stack:
            here = stack.enter_context(nest(problem, outer))
            j = stack.enter_context(loop(self.part.start, self.part.stop, plan.column_block))
            here = stack.enter_context(nest(here, further))
            k = stack.enter_context(loop(0, depth, plan.depth_block))
            columns = block_size(self.part.start, self.part.stop, plan.column_block, j)
            steps = block_size(0, depth, plan.depth_block, k)
            self._block(_Block(here.moved({axes.n: j, axes.k: k}), columns, steps, fresh and equal_zero(k)))

    def _block(self, block: _Block) -> None:
        """Pack B if planned, then emit the rows in runs of equal tiles."""
        b = self._panels(block)
        rows = block.problem.extent(self.plan.axes.m)

        def run(start: Index, stop: Index, height: int) -> None:
            self._rows(block, b, start, stop, height)

        for_runs(rows, self.plan.height(rows, self.part.width), run)

    def _rows(self, block: _Block, b: View, start: Index, stop: Index, height: int) -> None:
        """Emit rows start ≤ i < stop in tiles of `height`, as many at a time as stay in the cache."""
        m = self.plan.axes.m
        most = max(self.plan.row_block // height, 1) * height
        with loop(start, stop, most) as i:
            rows = block_size(start, stop, most, i)
            here = block.problem.moved({m: i})
            a = self._packed_rows(here.a, rows, block.depth)
            with loop(0, block.columns, self.part.width) as j, loop(0, rows, height) as r:
                self._tile(block, a.moved({m: r}), b, here.c.moved({m: r}), j, height)

    def _tile(self, block: _Block, a: View, b: View, c: View, j: Index, height: int) -> None:
        """Emit the register tile at column `j` of the block."""
        axes, lanes, width = self.plan.axes, self.plan.lanes, self.part.width
        active = subtract(block.columns, j) if self.part.ragged else width
        place = {axes.n: j} if self.packed_b is None else {_PANEL: divide(j, width)}
        tile = RegisterTile(
            axes=axes,
            lanes=lanes,
            rows=height,
            row=tuple(strips(lanes, width, active)),
            depth=block.depth,
            fresh=block.fresh,
            padded=self.packed_b is not None,
        )
        tile.emit(a, b.moved(place), c.moved({axes.n: j}))

    def _panels(self, block: _Block) -> View:
        """Return B, packed if planned."""
        if self.packed_b is None:
            return block.problem.b
        axes, width = self.plan.axes, self.part.width
        with loop(0, block.columns, width) as j:
            columns = block_size(0, block.columns, width, j) if self.part.ragged else width
            panel = self.packed_b.moved({_PANEL: divide(j, width)})
            source = block.problem.b.moved({axes.n: j})
            pack(source, panel, (axes.k, block.depth), (axes.n, columns), self.plan.lanes)
        return self.packed_b

    def _packed_rows(self, a: View, rows: Index, depth: Index) -> View:
        """Return A, packed if planned; its own contiguous dimension stays so."""
        if self.packed_a is None:
            return a
        axes = self.plan.axes
        sizes = {axes.m: rows, axes.k: depth}
        outer, inner = self.packed_a.axes
        pack(a, self.packed_a, (outer, sizes[outer]), (inner, sizes[inner]), self.plan.lanes)
        return self.packed_a


def emit_product(problem: Problem, machine: Machine, fresh: bool) -> None:
    """Emit C += A · B, or C = A · B if `fresh`, for a problem whose C is contiguous along one of its columns."""
    plan = make_plan(problem, machine)
    for part in _parts(problem.extent(plan.axes.n), plan):
        packed_a, packed_b = _scratch_a(problem, plan, part), _scratch_b(problem, plan, part)
        _Kernel(plan, part, packed_a, packed_b).emit(problem, fresh)


@contextmanager
def nest(problem: Problem, dims: Sequence[int]) -> Iterator[Problem]:
    """Emit loops over `dims`; provides the problem at the current place."""
    with ExitStack() as stack:
        yield problem.moved({dim: stack.enter_context(loop(0, problem.extent(dim))) for dim in dims})


def for_runs(total: Index, most: int, body: Callable[[Index, Index, int], None]) -> None:
    """Call `body(start, stop, size)` for runs of equal tiles of at most `most` that cover `total`.

    If `total` is known, the sizes are balanced. Else full tiles come first, and a switch selects the remainder.
    """
    if isinstance(total, int):
        for run in balanced(total, most):
            body(run.start, run.stop, run.size)
        return
    full = round_down(total, most)
    body(0, full, most)
    if most == 1:
        return
    switch = scf.IndexSwitchOp([], value(subtract(total, full)), range(1, most))
    with ir.InsertionPoint(switch.default_block):
        scf.yield_([])
    for size in range(1, most):
        with ir.InsertionPoint(switch.case_block(size - 1)):
            body(full, add(full, size), size)
            scf.yield_([])


def _parts(columns: Index, plan: Plan) -> list[_Part]:
    """Cut the columns into full panels and a narrower rest; one vector wide and masked if the extent is not known."""
    full = round_down(columns, plan.width)
    whole = _Part(0, full, plan.width, ragged=False)
    if not isinstance(columns, int) or not isinstance(full, int):
        return [whole, _Part(full, columns, plan.lanes, ragged=True)]
    parts = [whole, _Part(full, columns, columns - full, ragged=False)]
    return [part for part in parts if part.width > 0 and part.start != part.stop]


def _scratch_b(problem: Problem, plan: Plan, part: _Part) -> View | None:
    """Emit room for the panels of one block of B: panels × depth × width, the width rounded up to whole vectors."""
    if not plan.pack_b:
        return None
    width = -(-part.width // plan.lanes) * plan.lanes
    columns = minimum(plan.column_block, subtract(part.stop, part.start))
    panels = divide(add(columns, part.width - 1), part.width)
    depth = minimum(plan.depth_block, problem.extent(plan.axes.k))
    buffer = scratch([panels, depth, width], problem.c.element)
    if part.ragged or part.width < width:
        # Lanes beyond the last column are computed with, though never stored: they must not hold slow numbers.
        linalg.fill(zero(problem.c.element), outs=[buffer])
    return View(buffer, (_PANEL, plan.axes.k, plan.axes.n))


def _scratch_a(problem: Problem, plan: Plan, part: _Part) -> View | None:
    """Emit room for one block of A: rows × depth, or depth × rows where A is contiguous along its rows."""
    if not plan.pack_a:
        return None
    axes = plan.axes
    rows = problem.extent(axes.m)
    rows = minimum(max(plan.row_block, plan.height(rows, part.width)), rows)
    depth = minimum(plan.depth_block, problem.extent(axes.k))
    order = [(axes.k, depth), (axes.m, rows)] if problem.a.contiguous(axes.m) else [(axes.m, rows), (axes.k, depth)]
    (outer, height), (inner, width) = order
    return View(scratch([height, add(width, 2 * plan.lanes)], problem.c.element), (outer, inner))
