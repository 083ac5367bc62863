"""The order of sums, which extents alone fix: bits depend neither on the machine nor on what was tiled or fused.

    contractions, outer axes   blocks of 256 terms in increasing order, each one chain that begins with 0
    inner axes                 chunks of 2¹⁶ terms, each 64 interleaved partial sums that a binary tree adds up

Blocks and chunks are *units*. Their sums are added in order; 256 units make a group whose sum begins with 0, and the
sums of groups are added in order. Several summed axes are one, in row-major order.

Reference: Higham, "The accuracy of floating point summation" (1993), on blocked and pairwise sums.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from mlir import ir

from catgrad.passes.kernels.emit import (
    Index,
    add,
    block_size,
    carried,
    combine,
    divide,
    maximum,
    minimum,
    multiply,
    product,
    round_down,
    subtract,
)

__all__ = ["BLOCK", "CHUNK", "GROUP", "PARTIALS", "along", "in_units"]

BLOCK = 256
"""Terms in one chain."""
PARTIALS = 64
"""Partial sums in a chunk: term i goes to partial sum i mod 64."""
CHUNK = 1 << 16
"""Terms that share partial sums."""
GROUP = 256
"""Units whose sums are added before they meet those of other groups."""

_Values: TypeAlias = "list[ir.Value]"


def in_units(
    extent: Index,
    unit: int,
    neutral: _Values,
    emit: Callable[[Sequence[Index], Index], Sequence[_Values]],
    *,
    kind: str = "add",
    together: int = 1,
) -> _Values:
    """Emit sums of `extent` terms, whose units are added in order.

    Args:
        extent: How many terms there are.
        unit: How many of them a unit has; the last one may have fewer.
        neutral: Zero for each of the sums.
        emit: Emits the sums of the units that begin at some terms, with as many terms each.
        kind: The operation that is meant by adding.
        together: Units that are computed at once where there are as many, a divisor of 256.
    """

    def units(starts: Sequence[Index], terms: Index, sums: _Values) -> _Values:
        for own in emit(starts, terms):
            sums = [combine(kind, x, y) for x, y in zip(sums, own, strict=True)]
        return sums

    def group(start: Index, terms: Index) -> _Values:
        whole = round_down(terms, unit * together) if together > 1 else 0
        offsets = range(0, unit * together, unit)
        sums = carried(
            whole, unit * together, neutral, lambda at, sums: units([_sum(start, at, x) for x in offsets], unit, sums)
        )
        rest = subtract(terms, whole)
        return carried(
            rest, unit, sums, lambda at, sums: units([_sum(start, whole, at)], block_size(0, rest, unit, at), sums)
        )

    if isinstance(extent, int) and extent <= unit * GROUP:
        return group(0, extent)

    def groups(at: Index, sums: _Values) -> _Values:
        own = group(at, block_size(0, extent, unit * GROUP, at))
        return [combine(kind, x, y) for x, y in zip(sums, own, strict=True)]

    return carried(extent, unit * GROUP, neutral, groups)


def along(
    extents: Sequence[Index],
    start: Index,
    stop: Index,
    inits: _Values,
    body: Callable[[list[Index], _Values], _Values],
) -> _Values:
    """Emit loops over the places number start ≤ i < stop of an array, row by row; they carry values.

    `body` gets a place and the values so far, and returns the next ones.
    """
    if len(extents) < 2:
        return carried(subtract(stop, start), 1, inits, lambda at, given: body([add(start, at)][: len(extents)], given))
    row = product(extents[1:])
    first, last = divide(start, row), divide(add(stop, subtract(row, 1)), row)

    def step(at: Index, given: _Values) -> _Values:
        here = add(first, at)
        origin = multiply(here, row)
        low, high = maximum(subtract(start, origin), 0), minimum(subtract(stop, origin), row)
        return along(extents[1:], low, high, given, lambda place, values: body([here, *place], values))

    return carried(subtract(last, first), 1, inits, step)


def _sum(*terms: Index) -> Index:
    total: Index = 0
    for term in terms:
        total = add(total, term)
    return total
