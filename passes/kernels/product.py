"""A contraction with columns as blocked matrix products: loops, packing, and a register tile inside.

The loops, from the outside:

1. the dimensions that are neither m, n nor k: batches, further rows and columns
2. jc over blocks of columns, pc over blocks of depth: pack B[pc.., jc..] by panels if that pays
3. ic over blocks of rows: pack A[ic.., pc..] by rows if that pays
4. j over panels, i over tiles: C[i.., j..] += A[i.., pc..] · B[pc.., j..] in registers

A block of depth is one of the blocks of `order.py`. Where B is streamed from memory, a block is cut into parts, between
which its sums are in memory. A depth of several dimensions is one, k, after packing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

from mlir import ir
from mlir.dialects import linalg, scf

from catgrad.passes.kernels.emit import (
    Index,
    add,
    block_size,
    divide,
    is_equal,
    loop,
    minimum,
    product,
    round_down,
    split,
    subtract,
    value,
    zero,
)
from catgrad.passes.kernels.groups import GroupTotals
from catgrad.passes.kernels.microkernel import RegisterTile, strips
from catgrad.passes.kernels.order import BLOCK
from catgrad.passes.kernels.pack import pack
from catgrad.passes.kernels.plan import Plan, make_plan
from catgrad.passes.kernels.problem import NONE, Problem
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
    """One block of depth and columns, or a part of it, while its loops are being emitted.

    Attributes:
        problem: The problem, from the first column of the block.
        columns: Columns in the block.
        start: The first step of depth.
        depth: Steps in the block.
        fresh: Whether C starts from zero, whatever it holds.
        begins: Whether the sums begin with zero, and not with what was stored of them.
        ends: Whether the sums are complete, and go to C.
    """

    problem: Problem
    columns: Index
    start: Index
    depth: Index
    fresh: bool | ir.Value
    begins: bool | ir.Value = True
    ends: bool | ir.Value = True


@dataclass(frozen=True)
class _Kernel:
    """The emitter of one part of the columns.

    Attributes:
        plan: The decisions.
        part: The columns.
        packed_a: Where blocks of A are copied to, if they are.
        packed_b: Where blocks of B are copied to, if they are.
        sums: Where the sums of a block are kept between its parts, if it has parts.
    """

    plan: Plan
    part: _Part
    packed_a: View | None
    packed_b: View | None
    sums: View | None

    def emit(self, problem: Problem, fresh: bool) -> None:
        """Emit the loops around the blocks."""
        m, n = self.plan.axes.m, self.plan.axes.n
        outer = [dim for dim in (*problem.batch, *problem.rows, *problem.columns) if dim not in (m, n)]
        depth = product([problem.extent(dim) for dim in problem.depth])
        size = {m: problem.extent(m), n: _most_columns(self.plan, self.part)}
        totals = GroupTotals.of(depth, size, problem.c.element)
        with ExitStack() as stack:
            here = stack.enter_context(nest(problem, outer))
            j = stack.enter_context(loop(self.part.start, self.part.stop, self.plan.column_block))
            here = here.moved({n: j})
            columns = block_size(self.part.start, self.part.stop, self.plan.column_block, j)
            group, steps, _ = stack.enter_context(totals.parts(here.c, {m: size[m], n: columns}))
            k = stack.enter_context(loop(0, steps, BLOCK))
            start, depth = add(group, k), block_size(0, steps, BLOCK, k)
            self._parts(_Block(here, columns, start, depth, fresh and is_equal(start, 0)))

    def _parts(self, block: _Block) -> None:
        """Emit a block, part by part if it has parts."""
        most = self.plan.depth_part
        if self.sums is None:
            self._block(block)
            return
        with loop(0, block.depth, most) as k:
            steps = block_size(0, block.depth, most, k)
            begins, ends = is_equal(k, 0), is_equal(add(k, steps), block.depth)
            self._block(replace(block, start=add(block.start, k), depth=steps, begins=begins, ends=ends))

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
            a = self._packed_rows(block, i, rows)
            with loop(0, block.columns, self.part.width) as j, loop(0, rows, height) as r:
                self._tile(block, a.moved({m: r}), b, {m: add(i, r), self.plan.axes.n: j}, height)

    def _tile(self, block: _Block, a: View, b: View, place: dict[int, Index], height: int) -> None:
        """Emit the register tile at a place of the block."""
        axes, lanes, width = self.plan.axes, self.plan.lanes, self.part.width
        j = place[axes.n]
        active = subtract(block.columns, j) if self.part.ragged else width
        tile = RegisterTile(
            axes=axes,
            lanes=lanes,
            rows=height,
            row=tuple(strips(lanes, width, active)),
            depth=block.depth,
            fresh=block.fresh,
            begins=block.begins,
            ends=block.ends,
            padded=self.packed_b is not None,
            turned=self.plan.turned,
        )
        b = b.moved({axes.n: j} if self.packed_b is None else {_PANEL: divide(j, width)})
        tile.emit(a, b, block.problem.c.moved(place), self.sums and self.sums.moved(place))

    def _panels(self, block: _Block) -> View:
        """Return B from the first step of the block on, packed if planned."""
        axes, width = self.plan.axes, self.part.width
        if self.packed_b is None:
            return block.problem.b.moved({axes.k: block.start})
        with loop(0, block.columns, width) as j:
            columns = block_size(0, block.columns, width, j) if self.part.ragged else width
            panel = self.packed_b.moved({_PANEL: divide(j, width)})
            self._pack(block, block.problem.b.moved({axes.n: j}), panel, (axes.n, columns))
        return self.packed_b

    def _packed_rows(self, block: _Block, i: Index, rows: Index) -> View:
        """Return A from row `i` and the first step of the block on, packed if planned."""
        axes, a = self.plan.axes, block.problem.a.moved({self.plan.axes.m: i})
        if self.packed_a is None:
            return a.moved({axes.k: block.start})
        self._pack(block, a, self.packed_a, (axes.m, rows))
        return self.packed_a

    def _pack(self, block: _Block, source: View, target: View, other: tuple[int, Index]) -> None:
        """Emit the copying of the depth of a block: where it has several dimensions, step by step."""
        depth, k, lanes = block.problem.depth, self.plan.axes.k, self.plan.lanes
        if len(depth) < 2:
            sides = (k, block.depth), other
            outer, inner = sides if target.contiguous(other[0]) else sides[::-1]
            pack(source.moved({k: block.start}), target, outer, inner, lanes)
            return
        sizes = [block.problem.extent(dim) for dim in depth]
        with loop(0, block.depth) as step:
            place = dict(zip(depth, split(add(block.start, step), sizes), strict=True))
            pack(source.moved(place), target.moved({k: step}), (NONE, 1), other, lanes)


def emit_product(problem: Problem, machine: Machine, fresh: bool) -> None:
    """Emit C += A · B, or C = A · B if `fresh`, for a problem whose C is contiguous along one of its columns."""
    plan = make_plan(problem, machine)
    for part in _parts(problem.extent(plan.axes.n), plan):
        room = _scratch_a(problem, plan, part), _scratch_b(problem, plan, part), _scratch_sums(problem, plan, part)
        _Kernel(plan, part, *room).emit(problem, fresh)


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


def _most_columns(plan: Plan, part: _Part) -> Index:
    """Return how many columns a block has at most."""
    return minimum(plan.column_block, subtract(part.stop, part.start))


def _steps(problem: Problem) -> Index:
    """Return how many steps of depth a block has at most."""
    return minimum(BLOCK, product([problem.extent(dim) for dim in problem.depth]))


def _scratch_b(problem: Problem, plan: Plan, part: _Part) -> View | None:
    """Emit room for the panels of one block of B: panels × depth × width, the width rounded up to whole vectors."""
    if not plan.pack_b:
        return None
    width = -(-part.width // plan.lanes) * plan.lanes
    panels = divide(add(_most_columns(plan, part), part.width - 1), part.width)
    buffer = scratch([panels, _steps(problem), width], problem.c.element)
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
    order = [(axes.k, _steps(problem)), (axes.m, rows)]
    is_along_rows = problem.a.contiguous(axes.m) or len(problem.depth) > 1
    (outer, height), (inner, width) = order if is_along_rows else order[::-1]
    return View(scratch([height, add(width, 2 * plan.lanes)], problem.c.element), (outer, inner))


def _scratch_sums(problem: Problem, plan: Plan, part: _Part) -> View | None:
    """Emit room for the sums of a block that is cut into parts: rows × columns."""
    if plan.depth_part == BLOCK:
        return None
    axes = plan.axes
    return View(scratch([problem.extent(axes.m), _most_columns(plan, part)], problem.c.element), (axes.m, axes.n))
