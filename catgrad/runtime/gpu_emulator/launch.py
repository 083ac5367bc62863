"""One launch: the records that generated code works on, and the memory that they point to."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

from catgrad.runtime.gpu_emulator.layout import LAUNCH, SCRATCH, THREAD, WARP, State
from catgrad.runtime.gpu_emulator.schedules import Schedule

__all__ = ["Launch"]

_ALIGNMENT = 1024
_Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Launch:
    """A launch that is ready to run.

    Attributes:
        record: What generated code knows of it.
        threads: The records of the threads of a block.
        owned: Memory that the record points to, by field.
    """

    record: Any
    threads: _Array
    owned: dict[str, _Array] = field(default_factory=dict, repr=False)

    @classmethod
    def prepare(cls, grid: tuple[int, ...], block: tuple[int, ...], shared_size: int, schedule: Schedule) -> Launch:
        """Return a launch of a grid of blocks, whose threads take turns by a schedule.

        Args:
            grid: Blocks by axis.
            block: Threads of a block by axis.
            shared_size: Bytes of shared memory.
            schedule: The order of turns.
        """
        count, turns = prod(block), schedule.turns(prod(block))
        threads = _threads(block)
        launch = cls(np.zeros(1, LAUNCH), threads[:count])
        for name, number in {
            "block_size": block,
            "grid_size": grid,
            "threads_count": count,
            "warps": -(-count // WARP),
            "greedy": schedule.is_greedy,
            "orders_count": len(turns),
            "blocks_count": prod(grid),
            "shared_size": shared_size,
        }.items():
            launch.record[name] = number
        launch.use("threads", threads)
        launch.use("orders", turns)
        launch.use("blocks", schedule.blocks(prod(grid)))
        launch.use("shared", _aligned(shared_size))
        launch.use("shadow", _aligned(shared_size))
        launch.use("scratch", _aligned(SCRATCH))
        return launch

    def use(self, name: str, value: int | _Array) -> None:
        """Set a field of the record: to a number, or to the address of an array, which is kept."""
        if isinstance(value, int):
            self.record[name] = value
        else:
            self.owned[name] = value
            self.record[name] = value.ctypes.data

    @property
    def address(self) -> int:
        """Address of the record."""
        return int(self.record.ctypes.data)


def _threads(block: tuple[int, ...]) -> _Array:
    """Return a record for each thread, and one that stands for those that a warp lacks."""
    count = prod(block)
    threads = np.zeros(count + 1, THREAD)
    numbers = np.arange(count)
    threads["linear"][:count] = numbers
    for axis, size in enumerate(block):
        threads["index"][:count, axis] = numbers % size
        numbers //= size
    threads["state"][count] = State.EXITED
    return threads


def _aligned(size: int) -> _Array:
    """Return zeros that begin at a multiple of what any access expects."""
    memory = np.zeros(size + _ALIGNMENT, np.uint8)
    begin = -memory.ctypes.data % _ALIGNMENT
    return memory[begin : begin + size]
