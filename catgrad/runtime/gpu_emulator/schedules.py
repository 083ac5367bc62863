"""Orders in which blocks and threads take turns. A correct kernel computes the same in all of them.

forward        blocks and threads by number; a warp goes on until it waits at a barrier for the block
reverse        the same from the last to the first
round-robin    by number, but a warp hands over to the next one whenever it waits for its lanes
random:SEED    as round-robin, with blocks, warps and lanes in an order that changes from turn to turn
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from catgrad.errors import CompileError
from catgrad.runtime.gpu_emulator.layout import WARP

__all__ = ["Schedule"]

_TURNS = 16
"""Different orders of a random schedule."""


@dataclass(frozen=True)
class Schedule:
    """An order of turns.

    Args:
        name: "forward", "reverse", "round-robin" or "random:SEED", where the seed is a number.

    Raises:
        CompileError: There is no such schedule.

    Example:
        >>> Schedule("reverse").blocks(3).tolist()
        [2, 1, 0]
    """

    name: str

    def __post_init__(self) -> None:
        if not re.fullmatch(r"forward|reverse|round-robin|random:\d+", self.name):
            raise CompileError(f"expected the schedule forward, reverse, round-robin or random:SEED, got {self.name!r}")

    @property
    def is_greedy(self) -> bool:
        """Whether a warp goes on until it waits at a barrier for the block."""
        return self.name in {"forward", "reverse"}

    @property
    def _generator(self) -> np.random.Generator | None:
        kind, _, seed = self.name.partition(":")
        return np.random.default_rng(int(seed)) if kind == "random" else None

    def blocks(self, count: int) -> npt.NDArray[np.int64]:
        """Return the numbers of the blocks, in order."""
        numbers = np.arange(count, dtype=np.int64)
        generator = self._generator
        if generator is not None:
            return generator.permutation(numbers)
        return numbers[::-1].copy() if self.name == "reverse" else numbers

    def turns(self, threads: int) -> npt.NDArray[np.int32]:
        """Return the orders of the threads of a block: [turn, warp, lane] → thread, `threads` for a missing one."""
        warps = -(-threads // WARP)
        numbers = np.minimum(np.arange(warps * WARP, dtype=np.int32).reshape(1, warps, WARP), threads)
        generator = self._generator
        if generator is None:
            return np.ascontiguousarray(numbers[:, ::-1, ::-1] if self.name == "reverse" else numbers)
        turns = np.repeat(numbers, _TURNS, axis=0)
        return np.stack([generator.permuted(turn[generator.permutation(warps)], axis=1) for turn in turns])
