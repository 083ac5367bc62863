"""Tile sizes of a contraction: register tiles, cache blocks, and what is worth packing. Arithmetic only, no IR.

The scheme is Goto and van de Geijn's (ACM TOMS 34(3), 2008): a tile of C stays in registers while a panel of B streams
from the level 1 or 2 cache. What differs is that A is packed, if at all, by rows, so that any tile height fits it, and
that remainders are balanced: 16 rows in tiles of at most 6 are 6 + 5 + 5, not 6 + 6 + 4.

Example:
    >>> balanced(16, 6)
    [Run(start=0, stop=6, size=6), Run(start=6, stop=16, size=5)]
    >>> choose_tile(128, 128, lanes=16, registers=32, in_flight=8)
    Tile(rows=6, vectors=4)
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Run", "Tile", "balanced", "choose_tile", "tile_rows"]

_WIDEST = 4
"""More vectors in a row of a tile leave too few rows to share a load of B."""


@dataclass(frozen=True)
class Tile:
    """A register tile: `rows` rows of `vectors` vectors each are accumulated at once."""

    rows: int
    vectors: int


@dataclass(frozen=True)
class Run:
    """Tiles of equal size that cover start ≤ i < stop."""

    start: int
    stop: int
    size: int


def balanced(total: int, most: int) -> list[Run]:
    """Cut `total` into the fewest tiles of at most `most`, whose sizes differ by at most 1: one or two runs."""
    if total == 0:
        return []
    count = -(-total // most)
    small, larger = divmod(total, count)
    middle = larger * (small + 1)
    runs = [Run(0, middle, small + 1), Run(middle, total, small)]
    return [run for run in runs if run.stop > run.start]


def tile_rows(rows: int, vectors: int, registers: int, in_flight: int) -> int:
    """Return the height of the cheapest tile `vectors` wide, for `rows` rows (negative: not known).

    All accumulators, one row of B and one broadcast element of A must fit the registers.
    """
    most = min((registers - 1) // vectors - 1, _rows_worth(vectors, in_flight))
    if rows < 0:
        return most
    candidates = range(1, min(most, rows) + 1)
    return min(reversed(candidates), key=lambda height: _rows_cost(rows, height, vectors, in_flight))


def choose_tile(rows: int, columns: int, lanes: int, registers: int, in_flight: int) -> Tile:
    """Return the tile that covers rows × columns in the least time; negative extents are not known, taken large."""
    widest = _WIDEST if columns < 0 else min(_WIDEST, -(-columns // lanes))
    tiles = [Tile(tile_rows(rows, vectors, registers, in_flight), vectors) for vectors in range(widest, 0, -1)]
    return min(tiles, key=lambda tile: _cost(tile, rows, columns, lanes, in_flight))


def _rows_worth(vectors: int, in_flight: int) -> int:
    """Return the height beyond which a tile `vectors` wide gains nothing: loads and latency are hidden long before."""
    return max(-(-2 * in_flight // vectors), 6)


def _step_cost(height: int, vectors: int, in_flight: int) -> float:
    """Return the cost of one step of depth in multiply-add slots: arithmetic or latency bounds it, loads disturb it.

    A tile has to begin and to end, which costs a little of each step.
    """
    return max(height * vectors, in_flight) + (height + vectors) / 4 + 1 / 2


def _rows_cost(rows: int, height: int, vectors: int, in_flight: int) -> float:
    """Return the cost of `rows` rows in tiles of `height`, each variant of the tile adding a little."""
    runs = balanced(rows, height)
    steps = sum((run.stop - run.start) // run.size * _step_cost(run.size, vectors, in_flight) for run in runs)
    return steps * (1 + 0.02 * len(runs))


def _cost(tile: Tile, rows: int, columns: int, lanes: int, in_flight: int) -> float:
    """Return the cost of rows × columns in tiles of one width, the last of them narrower where it can be."""
    rows = 8 * tile.rows if rows < 0 else rows
    columns = 8 * tile.vectors * lanes if columns < 0 else columns
    full, rest = divmod(columns, tile.vectors * lanes)
    cost = full * _rows_cost(rows, tile.rows, tile.vectors, in_flight)
    if rest:
        cost += _rows_cost(rows, tile.rows, -(-rest // lanes), in_flight)
    return cost / columns
