"""The innermost kernel: a tile of C in registers, C[i, j] += Σ_k A[i, k] · B[k, j]."""

from __future__ import annotations

from dataclasses import dataclass

from mlir import ir
from mlir.dialects import arith, scf, vector

from catgrad.passes.kernels.emit import Index, carried, is_float, lanes_mask, subtract, vector_of, zero
from catgrad.passes.kernels.view import View, extend

__all__ = ["Axes", "RegisterTile", "Strip", "multiply_add", "strips"]


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


@dataclass(frozen=True)
class RegisterTile:
    """The emitter of one tile.

    Attributes:
        axes: What m, n and k are called.
        lanes: Width of a vector.
        rows: Height of the tile.
        row: The vectors of one row.
        depth: How many steps k takes.
        fresh: Whether C starts from zero, whatever it holds.
        padded: Whether B may be read where the masks of `row` say no.
    """

    axes: Axes
    lanes: int
    rows: int
    row: tuple[Strip, ...]
    depth: Index
    fresh: bool | ir.Value
    padded: bool

    @property
    def _places(self) -> list[tuple[dict[int, Index], ir.Value | None]]:
        """Where each vector of the tile lies in C, and its mask."""
        axes = self.axes
        return [({axes.m: i, axes.n: strip.offset}, strip.mask) for i in range(self.rows) for strip in self.row]

    def emit(self, a: View, b: View, c: View) -> None:
        """Emit C[i, j] += Σ_k A[i, k] · B[k, j], the views beginning at the tile; B and C are contiguous along n."""

        def step(k: Index, sums: list[ir.Value]) -> list[ir.Value]:
            right = [self._right(b, k, strip, c.element) for strip in self.row]
            left = [a.broadcast(self.lanes, {self.axes.m: i, self.axes.k: k}, c.element) for i in range(self.rows)]
            pairs = [(x, y) for x in left for y in right]
            return [multiply_add(x, y, total) for (x, y), total in zip(pairs, sums, strict=True)]

        sums = carried(self.depth, 1, self._initial(c), step)
        for (place, mask), total in zip(self._places, sums, strict=True):
            c.store_vector(total, place, mask)

    def _right(self, b: View, k: Index, strip: Strip, element: ir.Type) -> ir.Value:
        """Return one vector of row `k` of B."""
        mask = None if self.padded else strip.mask
        return extend(b.load_vector(self.lanes, {self.axes.k: k, self.axes.n: strip.offset}, mask), element)

    def _initial(self, c: View) -> list[ir.Value]:
        """Return the accumulators before the first step: zero if fresh, else what C holds."""
        kind = vector_of(self.lanes, c.element)
        zeros = [zero(kind)] * len(self._places)
        if isinstance(self.fresh, bool):
            return zeros if self.fresh else self._held(c)
        choice = scf.IfOp(self.fresh, [kind] * len(zeros), has_else=True)
        with ir.InsertionPoint(choice.then_block):
            scf.yield_(zeros)
        with ir.InsertionPoint(choice.else_block):
            scf.yield_(self._held(c))
        return list(choice.results)

    def _held(self, c: View) -> list[ir.Value]:
        """Return what C holds."""
        return [c.load_vector(self.lanes, place, mask) for place, mask in self._places]
