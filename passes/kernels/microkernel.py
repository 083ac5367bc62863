"""The innermost kernel: a tile of C in registers, C[i, j] += Σ_k A[i, k] · B[k, j]."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from catgrad.passes.kernels.emit import Index, carried, is_float, lanes_mask, subtract, vector_of, zero
from catgrad.passes.kernels.view import View, extend
from mlir import ir
from mlir.dialects import arith, scf, vector

__all__ = ["Axes", "Strip", "multiply_add", "register_tile", "strips"]


@dataclass(frozen=True)
class Axes:
    """The dimensions that a matrix product runs over: C[m, n] += A[m, k] · B[k, n]."""

    m: int
    n: int
    k: int


@dataclass(frozen=True)
class Strip:
    """One vector of a tile's row: where it begins, and which lanes count (None: all)."""

    offset: int
    mask: ir.Value | None


def strips(lanes: int, width: int, active: Index) -> list[Strip]:
    """Return the vectors that cover a row `width` wide, of which the first `active` columns count."""
    offsets = range(0, width, lanes)
    return [Strip(offset, lanes_mask(lanes, subtract(active, offset))) for offset in offsets]


def multiply_add(a: ir.Value, b: ir.Value, c: ir.Value) -> ir.Value:
    """Return a · b + c on vectors, fused for floats."""
    if is_float(ir.VectorType(a.type).element_type):
        return vector.fma(a, b, c)
    return arith.addi(arith.muli(a, b), c)


def register_tile(
    a: View,
    b: View,
    c: View,
    axes: Axes,
    rows: int,
    row: Sequence[Strip],
    lanes: int,
    depth: Index,
    fresh: bool | ir.Value,
    padded: bool,
) -> None:
    """Emit one tile: `rows` rows of the vectors in `row`, summed over `depth` steps.

    Args:
        a: A, from the first row of the tile; read element by element.
        b: B, from the first column of the tile; contiguous along n.
        c: C, from the first element of the tile; contiguous along n.
        axes: What m, n and k are called.
        rows: Height of the tile.
        row: The vectors of one row.
        lanes: Width of a vector.
        depth: How many steps k takes.
        fresh: Whether C starts from zero, whatever it holds.
        padded: Whether B may be read where the strips' masks say no.
    """
    element = c.element
    places = [(i, strip) for i in range(rows) for strip in row]

    def step(k: Index, sums: list[ir.Value]) -> list[ir.Value]:
        right = [
            extend(b.load_vector(lanes, {axes.k: k, axes.n: s.offset}, None if padded else s.mask), element)
            for s in row
        ]
        left = [a.broadcast(lanes, {axes.m: i, axes.k: k}, element) for i in range(rows)]
        pairs = [(x, y) for x in left for y in right]
        return [multiply_add(x, y, total) for (x, y), total in zip(pairs, sums, strict=True)]

    sums = carried(depth, 1, _initial(c, axes, places, lanes, fresh), step)
    for (i, strip), total in zip(places, sums, strict=True):
        c.store_vector(total, {axes.m: i, axes.n: strip.offset}, strip.mask)


def _initial(
    c: View, axes: Axes, places: Sequence[tuple[int, Strip]], lanes: int, fresh: bool | ir.Value
) -> list[ir.Value]:
    """Return the accumulators before the first step: zero if `fresh`, else what C holds."""
    kind = vector_of(lanes, c.element)

    def held() -> list[ir.Value]:
        return [c.load_vector(lanes, {axes.m: i, axes.n: strip.offset}, strip.mask) for i, strip in places]

    if isinstance(fresh, bool):
        return [zero(kind)] * len(places) if fresh else held()
    choice = scf.IfOp(fresh, [kind] * len(places), has_else=True)
    with ir.InsertionPoint(choice.then_block):
        scf.yield_([zero(kind)] * len(places))
    with ir.InsertionPoint(choice.else_block):
        scf.yield_(held())
    return list(choice.results)
