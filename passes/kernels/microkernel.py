"""The innermost kernel: a tile of C in registers, C[i, j] += Σ_k A[i, k] · B[k, j]."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mlir import ir
from mlir.dialects import arith, math, scf, vector

from catgrad.passes.kernels.emit import (
    Index,
    add,
    carried,
    combine,
    is_float,
    lanes_mask,
    minimum,
    round_down,
    subtract,
    vector_of,
    zero,
)
from catgrad.passes.kernels.pack import transposed
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
    """One vector of a tile's row: where it begins, and which lanes count (None: all).

    Attributes:
        offset: The first column.
        mask: Which lanes count; None if all do.
        last: The last column of the tile that counts.
    """

    offset: int
    mask: ir.Value | None
    last: Index


def strips(lanes: int, width: int, active: Index) -> list[Strip]:
    """Return the vectors that cover a row `width` wide, of which the first `active` columns count."""
    offsets = range(0, width, lanes)
    return [Strip(offset, lanes_mask(lanes, subtract(active, offset)), subtract(active, 1)) for offset in offsets]


def multiply_add(a: ir.Value, b: ir.Value, c: ir.Value) -> ir.Value:
    """Return a · b + c on scalars or vectors, fused for floats."""
    is_vector = isinstance(a.type, ir.VectorType)
    if not is_float(ir.VectorType(a.type).element_type if is_vector else a.type):
        return arith.addi(arith.muli(a, b), c)
    return vector.fma(a, b, c) if is_vector else math.fma(a, b, c)


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
        begins: Whether the sums begin with zero, and not with what was stored of them.
        ends: Whether the sums are complete, and go to C.
        padded: Whether B may be read where the masks of `row` say no.
        turned: Whether B is contiguous along k, and not along n: squares of it are transposed in registers.
    """

    axes: Axes
    lanes: int
    rows: int
    row: tuple[Strip, ...]
    depth: Index
    fresh: bool | ir.Value
    begins: bool | ir.Value
    ends: bool | ir.Value
    padded: bool
    turned: bool

    @property
    def _places(self) -> list[tuple[dict[int, Index], ir.Value | None]]:
        """Position in C of each vector of the tile, and its mask."""
        axes = self.axes
        return [({axes.m: i, axes.n: strip.offset}, strip.mask) for i in range(self.rows) for strip in self.row]

    def emit(self, a: View, b: View, c: View, stored: View | None) -> None:
        """Emit C[i, j] += Σ_k A[i, k] · B[k, j], the views beginning at the tile; C is contiguous along n.

        Sums that do not begin or end here are in `stored` meanwhile.
        """
        whole = round_down(self.depth, self.lanes) if self.turned else 0

        def square(k: Index, sums: list[ir.Value]) -> list[ir.Value]:
            columns = zip(*(self._square(b, k, strip, c.element) for strip in self.row), strict=True)
            for step, right in enumerate(columns):
                sums = self._add(a, add(k, step), right, sums)
            return sums

        def step(k: Index, sums: list[ir.Value]) -> list[ir.Value]:
            here = add(whole, k)
            return self._add(a, here, [self._right(b, here, strip, c.element) for strip in self.row], sums)

        sums = self._begin(stored or c)
        sums = carried(whole, self.lanes, sums, square) if self.turned else sums
        rest = subtract(self.depth, whole)
        sums = carried(rest, 1, sums, step, rolled=not isinstance(rest, int))
        _either(self.ends, lambda: self._finish(sums, c), lambda: self._store(sums, stored or c))

    def _add(self, a: View, k: Index, right: Sequence[ir.Value], sums: list[ir.Value]) -> list[ir.Value]:
        """Emit one step of depth, given a row of B."""
        element = ir.VectorType(right[0].type).element_type
        left = [a.broadcast(self.lanes, {self.axes.m: i, self.axes.k: k}, element) for i in range(self.rows)]
        pairs = [(x, y) for x in left for y in right]
        return [multiply_add(x, y, total) for (x, y), total in zip(pairs, sums, strict=True)]

    def _square(self, b: View, k: Index, strip: Strip, element: ir.Type) -> list[ir.Value]:
        """Return vectors of as many rows of B as a vector has lanes; columns that do not count repeat the last."""
        columns = [self._column(strip, lane) for lane in range(self.lanes)]
        lines = [b.load_vector(self.lanes, {self.axes.n: column, self.axes.k: k}) for column in columns]
        return transposed([extend(line, element) for line in lines])

    def _column(self, strip: Strip, lane: int) -> Index:
        column = strip.offset + lane
        return column if strip.mask is None else minimum(column, strip.last)

    def _begin(self, stored: View) -> list[ir.Value]:
        """Return the sums before the first step."""
        kind = vector_of(self.lanes, stored.element)
        zeros = [zero(kind)] * len(self._places)
        if isinstance(self.begins, bool):
            return zeros
        choice = scf.IfOp(self.begins, [kind] * len(zeros), has_else=True)
        with ir.InsertionPoint(choice.then_block):
            scf.yield_(zeros)
        with ir.InsertionPoint(choice.else_block):
            scf.yield_([stored.load_vector(self.lanes, place, mask) for place, mask in self._places])
        return list(choice.results)

    def _finish(self, sums: list[ir.Value], c: View) -> None:
        """Add the sums to C. What C holds is not read before, as registers are for the sums."""

        def add_to(held: Callable[[dict[int, Index], ir.Value | None], ir.Value]) -> None:
            self._store([combine("add", held(*at), x) for at, x in zip(self._places, sums, strict=True)], c)

        nothing = zero(vector_of(self.lanes, c.element))
        _either(
            self.fresh,
            lambda: add_to(lambda place, mask: nothing),
            lambda: add_to(lambda place, mask: c.load_vector(self.lanes, place, mask)),
        )

    def _store(self, sums: list[ir.Value], target: View) -> None:
        for (place, mask), total in zip(self._places, sums, strict=True):
            target.store_vector(total, place, mask)

    def _right(self, b: View, k: Index, strip: Strip, element: ir.Type) -> ir.Value:
        """Return one vector of row `k` of B."""
        if self.turned:
            scalars = [b.load({self.axes.n: self._column(strip, n), self.axes.k: k}) for n in range(self.lanes)]
            return extend(vector.from_elements(vector_of(self.lanes, b.element), scalars), element)
        mask = None if self.padded else strip.mask
        return extend(b.load_vector(self.lanes, {self.axes.k: k, self.axes.n: strip.offset}, mask), element)


def _either(condition: bool | ir.Value, then: Callable[[], None], otherwise: Callable[[], None]) -> None:
    """Emit one of two things, or a branch to both."""
    if isinstance(condition, bool):
        (then if condition else otherwise)()
        return
    choice = scf.IfOp(condition, [], has_else=True)
    for block, emit in ((choice.then_block, then), (choice.else_block, otherwise)):
        with ir.InsertionPoint(block):
            emit()
            scf.yield_([])
