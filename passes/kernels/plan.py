"""Configuration of a contraction's kernel: its main axes, register tile, cache blocks, and what it packs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from catgrad.passes.kernels.emit import Index
from catgrad.passes.kernels.microkernel import Axes
from catgrad.passes.kernels.order import BLOCK
from catgrad.passes.kernels.problem import NONE, Problem
from catgrad.passes.kernels.tiles import Tile, choose_tile, tile_rows
from catgrad.passes.kernels.view import View, width
from catgrad.passes.machine import Machine

__all__ = ["Plan", "make_plan"]

_REUSE = 4
"""A packed block must be read this many times to be worth the copy."""
_FEW_ROWS = 8
"""With fewer rows, reading B from memory takes longer than the arithmetic."""
_SHARE_OF_A = 16
"""A block of A takes this part of the level 2 cache: the rows of C that go with it lie far apart, and compete there."""
_STREAM_DEPTH = 8
"""Rows of B that are read side by side when B is streamed from memory."""


@dataclass(frozen=True)
class Plan:
    """The decisions of one kernel.

    Attributes:
        axes: The dimensions of the inner matrix product.
        lanes: Elements in a vector.
        tile: The register tile.
        depth_part: Steps of k between reading and writing sums: a block, or a part of it.
        row_block: Rows of A that stay in the level 2 cache.
        column_block: Columns that are computed block by block of the depth: whole tiles.
        pack_a: Whether blocks of A are copied.
        pack_b: Whether blocks of B are copied.
        turned: Whether B is contiguous along k and read but once: squares of it are transposed in registers.
        machine: The processor.
    """

    axes: Axes
    lanes: int
    tile: Tile
    depth_part: int
    row_block: int
    column_block: int
    pack_a: bool
    pack_b: bool
    turned: bool
    machine: Machine

    @property
    def width(self) -> int:
        """The number of columns in a register tile."""
        return self.tile.vectors * self.lanes

    @property
    def padding(self) -> int:
        """Elements to leave between packed rows, so that they do not compete for the same cache lines."""
        return self.lanes

    def height(self, rows: Index, width: int) -> int:
        """Return the height of the tile for a part of the columns that is `width` wide.

        With an unknown number of rows every remainder needs code of its own: a taller tile is not worth that.
        """
        if not isinstance(rows, int):
            return self.tile.rows
        vectors = -(-width // self.lanes)
        return tile_rows(rows, vectors, self.machine.vector_registers, self.machine.multiply_adds_in_flight)


def make_plan(problem: Problem, machine: Machine) -> Plan:
    """Decide how to compute `problem` on `machine`."""
    axes = _main_axes(problem)
    bits = width(problem.c.element)
    rows, columns, depth = (_known(problem.extent(dim)) for dim in (axes.m, axes.n, axes.k))
    lanes = machine.lanes(bits)
    tile = choose_tile(rows, columns, lanes, machine.vector_registers, machine.multiply_adds_in_flight)
    is_deep = problem.b.contiguous(axes.k) and not problem.b.contiguous(axes.n) and len(problem.depth) == 1
    turned = is_deep and lanes > 1 and 0 <= rows <= tile.rows
    tile = Tile(tile.rows, 1) if turned else tile
    wide = tile.vectors * lanes
    reused = _many(rows, _REUSE * tile.rows)
    several = len(problem.depth) > 1
    streamed = 0 <= rows < _FEW_ROWS and _bytes(columns, depth, bits) > machine.l2_bytes and not (turned or several)
    part = _STREAM_DEPTH if streamed else BLOCK
    steps = min(depth, part) if depth > 0 and not several else part
    panels = 1 if turned else max(2 * machine.l2_bytes // (steps * wide * bits // 8), 1)
    # A panel of a packed B is read line by line, and begins at one wherever B itself may begin.
    large = not 0 < _bytes(columns, depth, bits) <= machine.l1_bytes
    converted = problem.b.element != problem.c.element
    return Plan(
        axes=axes,
        lanes=lanes,
        tile=tile,
        depth_part=part,
        row_block=max(machine.l2_bytes // _SHARE_OF_A // (steps * bits // 8), tile.rows),
        column_block=panels * wide,
        pack_a=several or (_pack_a(problem, axes, machine) and _many(columns, _REUSE * wide)),
        pack_b=several
        or not (problem.b.contiguous(axes.n) or turned)
        or (reused and (converted or large or _far(problem.b, axes.k, machine))),
        turned=turned,
        machine=machine,
    )


def _main_axes(problem: Problem) -> Axes:
    """Return the dimensions of the inner matrix product; the others become loops around it."""
    k = problem.depth[-1] if problem.depth else NONE
    return Axes(m=_longest(problem, problem.rows), n=problem.c.axes[-1], k=k)


def _longest(problem: Problem, dims: Sequence[int]) -> int:
    """Return the dimension of the largest extent, a dynamic one counting as largest; `NONE` if there is none."""
    return max(dims, key=lambda dim: _known(problem.extent(dim)) % (1 << 62), default=NONE)


def _known(size: Index) -> int:
    """Return a static extent, or -1."""
    return size if isinstance(size, int) else -1


def _many(extent: int, least: int) -> bool:
    """Return whether an extent is, or may be, at least `least`."""
    return extent < 0 or extent >= least


def _bytes(columns: int, depth: int, bits: int) -> int:
    """Return the size of a matrix, 0 where that is not known."""
    return columns * depth * bits // 8 if columns > 0 and depth > 0 else 0


def _far(view: View, dim: int, machine: Machine) -> bool:
    """Return whether neighbours along `dim` lie, or may lie, so far apart that they crowd each other out of the cache.

    At half the aliasing distance every other row competes for the same lines, which is as good as all of them.
    """
    stride = view.stride_bytes(dim)
    return stride is None or stride >= machine.alias_bytes // 2


def _pack_a(problem: Problem, axes: Axes, machine: Machine) -> bool:
    """Return whether A as it lies is slow to read: converted, not along k, or with rows that crowd each other out."""
    a = problem.a
    if a.element != problem.c.element:
        return True
    return not a.contiguous(axes.k) or _far(a, axes.m, machine)
