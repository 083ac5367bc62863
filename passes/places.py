"""Static memory planning: buffers become places in one block of memory.

A buffer lives from where it is allocated to its last use. Buffers whose lives overlap get disjoint places, first fit in
the order of allocation, so memory that is still in the cache is used again.

Reference: Wilson et al., "Dynamic storage allocation: a survey and critical review" (1995), section 3.6 (first fit).
"""

from __future__ import annotations

import sys
from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import NamedTuple

__all__ = ["ALIGNMENT", "Buffer", "aligned", "place"]

ALIGNMENT = 64
"""Bytes: a cache line, and the widest vector register."""


@dataclass(frozen=True)
class Buffer:
    """A buffer in time.

    Attributes:
        start: When it is allocated.
        end: When it is freed.
        size: Its size in bytes.
    """

    start: int
    end: int
    size: int


def place(buffers: Sequence[Buffer]) -> list[int]:
    """Return an offset for each buffer, such that buffers whose lives overlap are disjoint.

    Args:
        buffers: In the order in which they are allocated.

    Example:
        >>> place([Buffer(0, 2, 100), Buffer(1, 3, 8), Buffer(2, 4, 64)])
        [0, 128, 0]
    """
    offsets: list[int] = []
    gaps = [_Gap(0, sys.maxsize)]
    live: list[tuple[int, _Gap]] = []
    for buffer in buffers:
        while live and live[0][0] <= buffer.start:
            _release(gaps, heappop(live)[1])
        place = _take(gaps, aligned(buffer.size))
        offsets.append(place.start)
        if place.start < place.stop:
            heappush(live, (buffer.end, place))
    return offsets


class _Gap(NamedTuple):
    """A stretch of memory."""

    start: int
    stop: int


def _take(gaps: list[_Gap], size: int) -> _Gap:
    """Cut a place of a size from the first gap that has it."""
    position, gap = next((i, gap) for i, gap in enumerate(gaps) if gap.start + size <= gap.stop)
    middle = gap.start + size
    gaps[position : position + 1] = [_Gap(middle, gap.stop)] if middle < gap.stop else []
    return _Gap(gap.start, middle)


def _release(gaps: list[_Gap], place: _Gap) -> None:
    """Add a place to the gaps, which are in order and do not touch."""
    start, stop = place
    position = after = bisect(gaps, place)
    if position and gaps[position - 1].stop == start:
        position -= 1
        start = gaps[position].start
    if after < len(gaps) and gaps[after].start == stop:
        stop = gaps[after].stop
        after += 1
    gaps[position:after] = [_Gap(start, stop)]


def aligned(size: int) -> int:
    """Return a size in whole cache lines.

    Example:
        >>> aligned(65)
        128
    """
    return -(-size // ALIGNMENT) * ALIGNMENT
