"""Packing: a block of an operand copied to where the kernel reads it fast, converted to the accumulator's type.

Three ways, by what is contiguous: both along the same dimension (vector copies), each along another (square blocks
transposed in registers), or anything else (element by element).
"""

from __future__ import annotations

from mlir import ir
from mlir.dialects import vector

from catgrad.passes.kernels.emit import Index, add, lanes_mask, loop, round_down, subtract
from catgrad.passes.kernels.view import View, extend, width

__all__ = ["pack", "transposed"]

_SQUARE_BITS = 128
"""Bits of a part of a vector within which processors shuffle fast."""


def pack(source: View, target: View, outer: tuple[int, Index], inner: tuple[int, Index], lanes: int) -> None:
    """Copy a block from `source` to `target`.

    Args:
        source: Where from; read within the block only.
        target: Where to; contiguous along the inner dimension, which has room for whole vectors.
        outer: A dimension and how far the block extends along it.
        inner: Another.
        lanes: Elements in a vector.
    """
    if source.contiguous(inner[0]):
        _copy_rows(source, target, outer, inner, lanes)
    elif source.contiguous(outer[0]) and lanes > 1:
        _copy_transposed(source, target, outer, inner, lanes)
    else:
        _copy_elements(source, target, outer, inner)


def _copy_rows(source: View, target: View, outer: tuple[int, Index], inner: tuple[int, Index], lanes: int) -> None:
    """Copy row by row; the last vector of a row is masked, and padded with zeros."""
    (o, height), (i, width) = outer, inner
    whole = round_down(width, lanes)
    with loop(0, height) as row:
        with loop(0, whole, lanes) as column:
            _copy_vector(source, target, {o: row, i: column}, lanes, None)
        if whole == width:
            return
        with loop(whole, width, lanes) as column:
            _copy_vector(source, target, {o: row, i: column}, lanes, lanes_mask(lanes, subtract(width, column)))


def _copy_vector(source: View, target: View, place: dict[int, Index], lanes: int, mask: ir.Value | None) -> None:
    """Copy one vector."""
    target.store_vector(extend(source.load_vector(lanes, place, mask), target.element), place)


def _copy_transposed(
    source: View, target: View, outer: tuple[int, Index], inner: tuple[int, Index], lanes: int
) -> None:
    """Copy whole squares of lanes × lanes through registers, and what is left over element by element."""
    (o, height), (i, size) = outer, inner
    whole_height, whole_width = round_down(height, lanes), round_down(size, lanes)
    with loop(0, whole_width, lanes) as column, loop(0, whole_height, lanes) as row:
        square = [source.load_vector(lanes, {o: row, i: add(column, n)}) for n in range(lanes)]
        for n, line in enumerate(transposed([extend(x, target.element) for x in square])):
            target.store_vector(line, {o: add(row, n), i: column})
    corner = {o: whole_height}
    _copy_elements(source.moved(corner), target.moved(corner), (o, subtract(height, whole_height)), (i, whole_width))
    rest = {i: whole_width}
    _copy_elements(source.moved(rest), target.moved(rest), outer, (i, subtract(size, whole_width)))


def _copy_elements(source: View, target: View, outer: tuple[int, Index], inner: tuple[int, Index]) -> None:
    """Copy element by element."""
    (o, height), (i, width) = outer, inner
    if height == 0 or width == 0:
        return
    with loop(0, height) as row, loop(0, width) as column:
        place = {o: row, i: column}
        target.store(extend(source.load(place), target.element), place)


def transposed(rows: list[ir.Value]) -> list[ir.Value]:
    """Return the columns of a square of 2ⁿ vectors.

    Squares of 128 bits off the diagonal change places, of half the size and down; each row of such squares is then
    transposed in rounds of perfect shuffles of their lines. A processor does each of that in one instruction.
    """
    rows, lanes = list(rows), len(rows)
    side = min(_SQUARE_BITS // width(ir.VectorType(rows[0].type).element_type), lanes)
    distance = lanes // 2
    while distance >= side:
        low = [at if not at & distance else lanes + at - distance for at in range(lanes)]
        high = [at + distance if not at & distance else lanes + at for at in range(lanes)]
        for i in (i for i in range(lanes) if not i & distance):
            pair = rows[i], rows[i + distance]
            rows[i], rows[i + distance] = vector.shuffle(*pair, low), vector.shuffle(*pair, high)
        distance //= 2
    return [row for first in range(0, lanes, side) for row in _shuffled(rows[first : first + side], lanes)]


def _shuffled(rows: list[ir.Value], lanes: int) -> list[ir.Value]:
    """Return n vectors of squares of n × n, each square transposed."""
    side, half = len(rows), len(rows) // 2
    low = [at for square in range(0, lanes, side) for i in range(square, square + half) for at in (i, lanes + i)]
    high = [at + half for at in low]
    for _ in range(side.bit_length() - 1):
        pairs = zip(rows[:half], rows[half:], strict=True)
        rows = [vector.shuffle(x, y, order) for x, y in pairs for order in (low, high)]
    return rows
