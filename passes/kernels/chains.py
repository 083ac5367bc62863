"""A contraction as chains of scalar multiply-adds, several of them at once, so that none waits for another.

The chains are those of a few rows and columns or batches, or, where there are fewer, of several blocks of the depth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mlir import ir

from catgrad.passes.kernels.columns import Columns
from catgrad.passes.kernels.emit import Index, add, carried, combine, loop, product, zero
from catgrad.passes.kernels.groups import GroupTotals
from catgrad.passes.kernels.microkernel import multiply_add
from catgrad.passes.kernels.order import BLOCK, along, in_blocks
from catgrad.passes.kernels.problem import NONE, Problem
from catgrad.passes.kernels.product import for_runs, nest
from catgrad.passes.kernels.view import View, extend

__all__ = ["emit_chains", "emit_columns", "has_few"]

_SIDE = 4
"""Rows and columns whose chains are computed at once."""
_AT_ONCE = 8
"""Chains that hide each other's latency."""


def has_few(problem: Problem) -> bool:
    """Return whether there are certainly few rows and few columns."""
    return all(_is_few(problem, dims) for dims in (problem.rows, problem.columns))


def emit_chains(problem: Problem, fresh: bool) -> None:
    """Emit C += A · B, or C = A · B if `fresh`."""
    m, n = (dims[-1] if dims else NONE for dims in (problem.rows, problem.columns))
    if m == n == NONE and problem.batch:
        m = problem.batch[-1]
    outer = [dim for dim in (*problem.batch, *problem.rows, *problem.columns) if dim not in (m, n)]
    side = _SIDE if n != NONE else _AT_ONCE
    with nest(problem, outer) as here:
        chains = _Chains(here, m, n, fresh)

        def rows(start: Index, stop: Index, height: int) -> None:
            def columns(first: Index, last: Index, wide: int) -> None:
                with loop(start, stop, height) as i, loop(first, last, wide) as j:
                    chains.emit(i, j, height, wide)

            for_runs(problem.extent(n), _SIDE, columns)

        for_runs(problem.extent(m), side, rows)


def emit_columns(problem: Problem) -> None:
    """Emit C += A · B where the last axis of C is a batch: rows of products are added to rows of C."""
    element = problem.c.element

    def fold(place: Mapping[int, Index], so_far: ir.Value) -> ir.Value:
        return multiply_add(extend(problem.a.load(place), element), extend(problem.b.load(place), element), so_far)

    Columns(problem.c, problem.extents, problem.c.axes[-1], problem.depth, fold, BLOCK, GroupTotals.of).emit()


@dataclass(frozen=True)
class _Chains:
    """The emitter of one matrix of results.

    Attributes:
        problem: The problem.
        m: The dimension of the rows.
        n: The dimension of the columns.
        fresh: Whether C starts from zero, whatever it holds.
    """

    problem: Problem
    m: int
    n: int
    fresh: bool

    def emit(self, i: Index, j: Index, height: int, wide: int) -> None:
        """Emit height × wide results."""
        problem, element = self.problem, self.problem.c.element
        places = [{self.m: add(i, row), self.n: add(j, column)} for row in range(height) for column in range(wide)]
        sizes = [problem.extent(dim) for dim in problem.depth]
        zeros = [zero(element)] * len(places)
        together = max(_AT_ONCE // len(places), 1) if len(sizes) < 2 else 1

        def blocks(starts: Sequence[Index], terms: Index) -> list[list[ir.Value]]:
            return self._blocks(places, sizes, starts, terms)

        sums = in_blocks(product(sizes), zeros, blocks, together)
        for place, total in zip(places, sums, strict=True):
            so_far = zero(element) if self.fresh else problem.c.load(place)
            problem.c.store(combine("add", so_far, total), place)

    def _blocks(
        self, places: Sequence[dict[int, Index]], sizes: Sequence[Index], starts: Sequence[Index], terms: Index
    ) -> list[list[ir.Value]]:
        """Emit the sums of the blocks that begin at some terms, for the results at some places."""
        depth, count = self.problem.depth, len(places)
        zeros = [zero(self.problem.c.element)] * count

        def step(at: list[Index], sums: list[ir.Value]) -> list[ir.Value]:
            return self._add(places, dict(zip(depth, at, strict=True)), sums)

        if len(starts) == 1:
            return [along(sizes, starts[0], add(starts[0], terms), zeros, step)]

        def several(at: Index, sums: list[ir.Value]) -> list[ir.Value]:
            parts = [sums[first : first + count] for first in range(0, len(sums), count)]
            return [x for start, part in zip(starts, parts, strict=True) for x in step([add(start, at)], part)]

        sums = carried(terms, 1, zeros * len(starts), several)
        return [sums[first : first + count] for first in range(0, len(sums), count)]

    def _add(self, places: Sequence[dict[int, Index]], depth: dict[int, Index], sums: list[ir.Value]) -> list[ir.Value]:
        """Emit one step of chains; an element of A or B is read once."""
        problem, element = self.problem, self.problem.c.element
        found: dict[tuple[int, tuple[Index, ...]], ir.Value] = {}

        def read(view: View, place: dict[int, Index]) -> ir.Value:
            key = id(view), tuple(place.get(dim, 0) for dim in view.axes)
            if key not in found:
                found[key] = extend(view.load({**place, **depth}), element)
            return found[key]

        return [multiply_add(read(problem.a, p), read(problem.b, p), x) for p, x in zip(places, sums, strict=True)]


def _is_few(problem: Problem, dims: Sequence[int]) -> bool:
    extents = [problem.extent(dim) for dim in dims]
    return all(isinstance(size, int) for size in extents) and product(extents) <= _SIDE
