"""The order of sums, which extents alone fix: bits depend neither on the machine nor on what was tiled or fused.

    contractions   blocks of 256 terms, each one chain that begins with 0; blocks are added in order, 256 of them are a
                   group whose sum begins with 0, and the sums of groups are added in order
    inner axes     chunks of 4096 terms, each 64 interleaved partial sums that a binary tree adds up
    outer axes     blocks of 64 terms, each one chain that begins with 0

The sums of chunks, and of blocks of outer axes, are added in order in f64, and the total is rounded once. Several axes
are one, in row-major order; where inner and outer axes are summed, a chunk ends where its row ends.

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

__all__ = ["BLOCK", "CHAIN", "CHUNK", "GROUP", "PARTIALS", "along", "in_blocks"]

BLOCK = 256
"""Terms in one chain of a contraction."""
GROUP = 256
"""Blocks whose sums are added before they meet those of other groups."""
CHAIN = 64
"""Terms in one chain of a sum: a block of outer axes, or a partial sum of a chunk."""
PARTIALS = 64
"""Partial sums in a chunk: term i goes to partial sum i mod 64."""
CHUNK = PARTIALS * CHAIN
"""Terms that share partial sums."""

_Values: TypeAlias = "list[ir.Value]"


def in_blocks(
    depth: Index,
    neutral: _Values,
    emit: Callable[[Sequence[Index], Index], Sequence[_Values]],
    together: int = 1,
) -> _Values:
    """Emit sums of contractions, whose blocks and groups are added in order.

    Args:
        depth: How many terms there are.
        neutral: Zero for each of the sums.
        emit: Emits the sums of the blocks that begin at some terms, with as many terms each.
        together: Blocks that are computed at once where there are as many, a divisor of 256.
    """

    def blocks(starts: Sequence[Index], terms: Index, sums: _Values) -> _Values:
        for own in emit(starts, terms):
            sums = [combine("add", x, y) for x, y in zip(sums, own, strict=True)]
        return sums

    def group(start: Index, terms: Index) -> _Values:
        whole = round_down(terms, BLOCK * together) if together > 1 else 0
        offsets = range(0, BLOCK * together, BLOCK)
        rest = subtract(terms, whole)

        def several(at: Index, sums: _Values) -> _Values:
            return blocks([_sum(start, at, x) for x in offsets], BLOCK, sums)

        def one(at: Index, sums: _Values) -> _Values:
            return blocks([_sum(start, whole, at)], block_size(0, rest, BLOCK, at), sums)

        return carried(rest, BLOCK, carried(whole, BLOCK * together, neutral, several), one)

    if isinstance(depth, int) and depth <= BLOCK * GROUP:
        return group(0, depth)

    def groups(at: Index, sums: _Values) -> _Values:
        own = group(at, block_size(0, depth, BLOCK * GROUP, at))
        return [combine("add", x, y) for x, y in zip(sums, own, strict=True)]

    return carried(depth, BLOCK * GROUP, neutral, groups)


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
