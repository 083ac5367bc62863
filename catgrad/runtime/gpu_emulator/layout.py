"""The records that generated code and Python share, as structured types of numpy."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import numpy as np

__all__ = ["BARRIERS", "COPY", "LAUNCH", "SCRATCH", "THREAD", "WARP", "Fault", "State"]

WARP = 32
"""Threads of a warp."""

BARRIERS = 16
"""Barriers of a block."""

SCRATCH = 4096
"""Bytes that take the place of a faulty access; no single instruction touches more."""


class State(IntEnum):
    """State of a thread; up to READY it can run."""

    NEW = 0
    READY = 1
    AT_COLLECTIVE = 2
    AT_BARRIER = 3
    EXITED = 4


class Fault(IntEnum):
    """Cause of a launch's failure."""

    NONE = 0
    GLOBAL = 1
    SHARED = 2
    UNWRITTEN = 3
    PENDING = 4
    LOCAL = 5
    MISALIGNED = 6
    NOT_IN_MASK = 7
    LANES_MISSING = 8
    LANE_ABSENT = 9
    BARRIER = 10
    UNREACHABLE = 11
    STUCK = 12


THREAD: np.dtype[Any] = np.dtype(
    [
        ("index", "i4", 3),
        ("linear", "i4"),
        ("state", "i4"),
        ("site", "i4"),
        ("mask", "u4"),
        ("barrier", "i4"),
        ("expected", "i4"),
        ("groups", "i4"),
        ("handle", "u8"),
        ("frame", "u8"),
        ("collective", "u8"),
        ("first_copy", "u8"),
        ("last_copy", "u8"),
        ("inputs", "u4", 10),
        ("outputs", "u4", 4),
    ],
    align=True,
)
"""A thread: where it is, what it waits for, its coroutine, its copies under way, and what it gives to its warp."""

LAUNCH: np.dtype[Any] = np.dtype(
    [
        ("block_size", "i4", 3),
        ("block_index", "i4", 3),
        ("grid_size", "i4", 3),
        ("threads_count", "i4"),
        ("warps", "i4"),
        ("greedy", "i4"),
        ("orders_count", "i4"),
        ("turn", "i4"),
        ("moved", "i4"),
        ("resumed", "i4"),
        ("waiting", "u4"),
        ("fault", "i4"),
        ("fault_site", "i4"),
        ("fault_address", "u8"),
        ("fault_size", "u8"),
        ("fault_thread", "u8"),
        ("current", "u8"),
        ("parameters", "u8"),
        ("threads", "u8"),
        ("orders", "u8"),
        ("blocks", "u8"),
        ("blocks_count", "u8"),
        ("allocations", "u8"),
        ("allocations_count", "u8"),
        ("found", "u8"),
        ("shared", "u8"),
        ("shared_size", "u8"),
        ("shadow", "u8"),
        ("scratch", "u8"),
        ("read_bytes", "u8"),
        ("written_bytes", "u8"),
    ],
    align=True,
)
"""A launch: its sizes, the tables it uses, the block that runs, the first fault, and what goes to and from memory."""

COPY: np.dtype[Any] = np.dtype(
    [
        ("next", "u8"),
        ("target", "u8"),
        ("source", "u8"),
        ("size", "u8"),
        ("source_size", "u8"),
        ("group", "i4"),
    ],
    align=True,
)
"""A copy under way, in the list of its thread."""
