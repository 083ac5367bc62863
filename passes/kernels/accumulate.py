"""Reduction of a contiguous row into vectors of partial results: unrolled for latency, the tail masked."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from mlir import ir

from catgrad.passes.kernels.emit import Index, add, carried, lanes_mask, round_down, subtract

__all__ = ["Step", "accumulate"]

Step: TypeAlias = Callable[[Index, "ir.Value | None", list[ir.Value]], list[ir.Value]]
"""`step(place, mask, partials)` returns the partial results with the elements at `place` and after added."""


def accumulate(
    extent: Index,
    lanes: int,
    unroll: int,
    neutral: list[ir.Value],
    step: Step,
    combine: Callable[[ir.Value, ir.Value], ir.Value],
) -> list[ir.Value]:
    """Return one vector of partial results for each entry of `neutral`.

    Args:
        extent: Length of the row.
        lanes: Elements in a vector.
        unroll: How many vectors of the row are in flight at once, each with its own partial results.
        neutral: What each kind of partial result begins with: it changes nothing.
        step: Adds one vector of elements.
        combine: Joins two partial results.
    """
    count = len(neutral)
    main = round_down(extent, unroll * lanes)
    partials = neutral
    if main != 0:
        wide = carried(main, unroll * lanes, neutral * unroll, _unrolled(step, count, lanes))
        partials = [_joined(wide[i::count], combine) for i in range(count)]
    if main == extent:
        return partials

    def tail(i: Index, values: list[ir.Value]) -> list[ir.Value]:
        place = add(main, i)
        return step(place, lanes_mask(lanes, subtract(extent, place)), values)

    return carried(subtract(extent, main), lanes, partials, tail)


def _unrolled(step: Step, count: int, lanes: int) -> Callable[[Index, list[ir.Value]], list[ir.Value]]:
    """Return a loop body that takes one step for each `count` of the values it carries."""

    def body(i: Index, values: list[ir.Value]) -> list[ir.Value]:
        groups = [values[start : start + count] for start in range(0, len(values), count)]
        return [value for u, group in enumerate(groups) for value in step(add(i, u * lanes), None, group)]

    return body


def _joined(values: list[ir.Value], combine: Callable[[ir.Value, ir.Value], ir.Value]) -> ir.Value:
    """Join values pairwise, as a balanced tree."""
    while len(values) > 1:
        pairs = [combine(x, y) for x, y in zip(values[::2], values[1::2], strict=False)]
        values = pairs + values[len(values) // 2 * 2 :]
    return values[0]
