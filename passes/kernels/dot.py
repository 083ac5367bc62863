"""A contraction whose operands are both contiguous along the depth, with few rows or columns: vectors of partial sums.

The depth is cut into vectors; each pair (row, column) of a small block has its own partial sums, added up at the end.
This is how a matrix in row-major order is applied to a vector.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from mlir import ir

from catgrad.passes.kernels.accumulate import accumulate
from catgrad.passes.kernels.emit import Index, combine, loop, reduce_lanes, vector_of, zero
from catgrad.passes.kernels.microkernel import Axes, multiply_add
from catgrad.passes.kernels.problem import NONE, Problem
from catgrad.passes.kernels.product import for_runs, nest
from catgrad.passes.kernels.view import extend, width
from catgrad.passes.machine import Machine

__all__ = ["dot_dim", "emit_dots"]

_SIDE = 4
"""Rows and columns of the block of results that is computed at once; with more of both, packing B is cheaper."""


def dot_dim(problem: Problem) -> int | None:
    """Return the dimension to run along if this is the way to compute `problem`, else None."""
    shared = [dim for dim in problem.depth if problem.a.contiguous(dim) and problem.b.contiguous(dim)]
    few = any(_is_few([problem.extent(dim) for dim in dims]) for dims in (problem.rows, problem.columns))
    return shared[0] if shared and few else None


def emit_dots(problem: Problem, k: int, machine: Machine, fresh: bool) -> None:
    """Emit C += A · B, or C = A · B if `fresh`, running along `k`."""
    m, n = (dims[-1] if dims else NONE for dims in (problem.rows, problem.columns))
    outer = [dim for dim in (*problem.batch, *problem.rows, *problem.columns, *problem.depth) if dim not in (m, n, k)]
    with nest(problem, outer) as here:
        dots = _Dots(here, Axes(m, n, k), machine, fresh)
        for_runs(problem.extent(m), _SIDE, dots.rows)


@dataclass(frozen=True)
class _Dots:
    """The emitter of one matrix of results."""

    problem: Problem
    axes: Axes
    machine: Machine
    fresh: bool

    def rows(self, start: Index, stop: Index, height: int) -> None:
        """Emit rows start ≤ i < stop, `height` at a time."""

        def columns(first: Index, last: Index, wide: int) -> None:
            with loop(start, stop, height) as i, loop(first, last, wide) as j:
                self._block(self.problem.moved({self.axes.m: i, self.axes.n: j}), height, wide)

        for_runs(self.problem.extent(self.axes.n), _SIDE, columns)

    def _block(self, problem: Problem, height: int, wide: int) -> None:
        """Emit height × wide results."""
        element = problem.c.element
        lanes = self.machine.lanes(width(element))
        kind = vector_of(lanes, element)

        def step(k: Index, mask: ir.Value | None, sums: list[ir.Value]) -> list[ir.Value]:
            here = problem.moved({self.axes.k: k})
            left = [extend(here.a.load_vector(lanes, {self.axes.m: i}, mask), element) for i in range(height)]
            right = [extend(here.b.load_vector(lanes, {self.axes.n: j}, mask), element) for j in range(wide)]
            pairs = [(x, y) for x in left for y in right]
            return [multiply_add(x, y, total) for (x, y), total in zip(pairs, sums, strict=True)]

        unroll = -(-self.machine.multiply_adds_in_flight // (height * wide))
        neutral = [zero(kind)] * (height * wide)
        extent = problem.extent(self.axes.k)
        sums = accumulate(extent, lanes, unroll, neutral, step, lambda x, y: combine("add", x, y))
        for index, total in enumerate(sums):
            place = {self.axes.m: index // wide, self.axes.n: index % wide}
            result = reduce_lanes("add", total)
            problem.c.store(result if self.fresh else combine("add", problem.c.load(place), result), place)


def _is_few(extents: Sequence[Index]) -> bool:
    """Return whether the product of `extents` is known to be small."""
    known = [size for size in extents if isinstance(size, int)]
    return len(known) == len(extents) and prod(known) <= _SIDE
