"""Tile sizes of a contraction: one tile for each block of threads, of the size that takes the least time.

A block of threads reads rows + columns elements for each rows · columns products, and the multiprocessors compute as
many blocks at once as there are of them. So large tiles spare reading, and small ones leave no multiprocessor idle and
compute little that is not there; which is better follows from the extents and the machine.

Reference: Williams, Waterman and Patterson, "Roofline: an insightful visual performance model" (2009).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product
from math import prod

from catgrad.passes.gpu.machine import GpuMachine
from catgrad.passes.kernels.emit import Index

__all__ = ["Extents", "Tile", "fragments", "squares"]

_SIDES = (128, 64, 32, 16)
_STAGES = 3
"""Stages in shared memory at most: one is computed with while the others arrive."""

_LARGE = 1024
"""What an extent that is not known is taken for."""

_SHARE = 3
"""The sums of a thread take at most one of so many of its registers."""

_WORD = 4
"""Bytes of a register."""

_LINE = 4
"""Accesses that neighbouring threads make to neighbours along the depth."""


@dataclass(frozen=True)
class Extents:
    """The extents of a contraction.

    Attributes:
        batch: How many contractions there are.
        rows: Rows of C.
        columns: Columns of C.
        depth: Terms of an element of C.
    """

    batch: Index
    rows: Index
    columns: Index
    depth: Index


@dataclass(frozen=True)
class Tile:
    """Tile of one block.

    Attributes:
        rows: Rows of C.
        columns: Columns of C.
        depth: How much of the depth a stage has.
        part: Rows and columns of C that one worker computes.
        worker: Threads of a worker: 1, or those of a warp.
        stages: How many stages are in shared memory.
    """

    rows: int
    columns: int
    depth: int
    part: tuple[int, int]
    worker: int
    stages: int

    @property
    def threads(self) -> int:
        """Number of threads that it takes."""
        return self.rows * self.columns // prod(self.part) * self.worker


def squares(extents: Extents, element_bytes: int, machine: GpuMachine) -> Tile:
    """Return the tile whose parts are squares, each in the registers of a thread."""
    sizes = [(m, n) for m, n in product(_SIDES, _SIDES) if max(m, n) <= 2 * min(m, n)]
    tiles = [_square_tile(m, n, extents.depth, element_bytes, machine) for m, n in sizes]
    rate = machine.multiply_adds * _WORD / max(_WORD, element_bytes)
    return _Cost(machine, element_bytes, element_bytes, rate).least(tiles, extents)


def fragments(extents: Extents, element_bytes: int, machine: GpuMachine) -> Tile:
    """Return the tile whose parts are computed by the tensor cores, each for a warp."""
    depth = _LINE * machine.access_bytes // element_bytes
    stages = _stages(extents.depth, depth)
    sizes = product(_SIDES, _SIDES)
    tiles = [Tile(m, n, depth, _warp_part(m, n, machine), machine.warp, stages) for m, n in sizes]
    return _Cost(machine, element_bytes, _WORD, machine.tensor_multiply_adds).least(tiles, extents)


def _square_tile(rows: int, columns: int, depth: Index, element_bytes: int, machine: GpuMachine) -> Tile:
    """Return the tile whose squares are the largest that leave each scheduler a warp, if there are such.

    A stage is so deep that every thread moves something.
    """
    most = machine.registers // _SHARE * _WORD // element_bytes
    least = rows * columns // (machine.schedulers * machine.warp)
    side = max((side for side in (8, 4) if side**2 <= min(most, least)), default=2)
    threads = rows * columns // side**2
    lanes = machine.access_bytes // max(_WORD, element_bytes)
    deep = max(2 * _LINE, threads * lanes // min(rows, columns))
    return Tile(rows, columns, deep, (side, side), 1, _stages(depth, deep))


def _warp_part(rows: int, columns: int, machine: GpuMachine) -> tuple[int, int]:
    """Return what each warp computes: a tile halved along its longer side until a thread has 32 sums of it, or more."""
    parts = 1
    while rows * columns > machine.warp**2 and parts < machine.block // machine.warp:
        rows, columns = (rows // 2, columns) if rows > columns else (rows, columns // 2)
        parts *= 2
    return rows, columns


def _stages(depth: Index, step: int) -> int:
    return max(2, min(_STAGES, -(-depth // step))) if isinstance(depth, int) else _STAGES


@dataclass(frozen=True)
class _Cost:
    """Cost model of tiles.

    Attributes:
        machine: For which GPU.
        element_bytes: Bytes of an element of A or B.
        sum_bytes: Bytes of a sum.
        rate: Products of a multiprocessor in one clock.
    """

    machine: GpuMachine
    element_bytes: int
    sum_bytes: int
    rate: float

    def least(self, tiles: Iterable[Tile], extents: Extents) -> Tile:
        """Return the tile that takes the least time of those that the machine has room for."""
        return min(filter(self._fits, tiles), key=lambda tile: self._clocks(tile, extents))

    def _fits(self, tile: Tile) -> bool:
        """Return whether there are the threads, registers and shared memory for a tile."""
        shared = tile.stages * (tile.rows + tile.columns) * tile.depth * self.element_bytes
        registers = prod(tile.part) // tile.worker * self.sum_bytes / _WORD
        is_small = shared <= self.machine.shared_bytes and tile.threads <= self.machine.block
        return is_small and registers <= self.machine.registers // _SHARE

    def _clocks(self, tile: Tile, extents: Extents) -> float:
        """Return about how long a step of the depth takes: the blocks of a multiprocessor run one after the other."""
        batch, m, n = (x if isinstance(x, int) else _LARGE for x in (extents.batch, extents.rows, extents.columns))
        blocks = batch * -(-m // tile.rows) * -(-n // tile.columns)
        products = tile.rows * tile.columns / self.rate
        reading = (tile.rows + tile.columns) * self.element_bytes / self.machine.load_bytes
        return -(-blocks // self.machine.multiprocessors) * (products + reading)
