"""Results: the figures of each competitor of a case, and how they compare."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

__all__ = ["OURS", "CaseResult", "Figures"]

OURS = "catgrad"


@dataclass(frozen=True)
class Figures:
    """One competitor's figures.

    Args:
        name: The entry's name.
        version: The library's version; empty if it could not be opened.
        failure: Why the competitor dropped out; empty if it did not.
        first_call: Seconds from the function and its arrays to the first result.
        memory: Bytes by which the process grew at most meanwhile.
        error: Largest error relative to the largest magnitude of the reference.
        blocks: Seconds a call, for each block.
    """

    name: str
    version: str = ""
    failure: str = ""
    first_call: float = 0.0
    memory: int = 0
    error: float = 0.0
    blocks: tuple[float, ...] = ()

    @property
    def seconds(self) -> float:
        """Median seconds a call."""
        return self.percentile(50)

    def percentile(self, percent: float) -> float:
        """Seconds a call that this percentage of the blocks do not exceed."""
        return float(np.percentile(self.blocks, percent))


def is_ours(figures: Figures) -> bool:
    """Whether these are catgrad's, in whatever variant."""
    return figures.name.partition(" (")[0] == OURS


@dataclass(frozen=True)
class CaseResult:
    """All competitors of a case.

    Args:
        case: Name of the case.
        flops: Floating-point operations of one call.
        bytes: Bytes that one call must move.
        competitors: Figures of every competitor, failed ones included; not the machine.
        machine: Figures of the machine's own loops, seconds for `flops` or `bytes`.
        compared_to: Name of the case that this one is a larger version of; empty if there is none.
    """

    case: str
    flops: float
    bytes: float
    competitors: tuple[Figures, ...]
    machine: tuple[Figures, ...] = ()
    compared_to: str = ""

    @property
    def measured(self) -> tuple[Figures, ...]:
        """The competitors that have figures, fastest first."""
        return tuple(sorted((c for c in self.competitors if not c.failure), key=lambda figures: figures.seconds))

    @property
    def ours(self) -> Figures | None:
        """Our figures, if we have any."""
        return next(filter(is_ours, self.measured), None)

    @property
    def best_peer(self) -> Figures | None:
        """The fastest of the others."""
        return next((figures for figures in self.measured if not is_ours(figures)), None)

    @property
    def ratio(self) -> float | None:
        """The best peer's time over ours: above one, we are faster."""
        return None if self.ours is None else self.ratio_of(self.ours)

    def ratio_of(self, figures: Figures) -> float | None:
        """The best peer's time over this competitor's."""
        return None if self.best_peer is None else self.best_peer.seconds / figures.seconds

    @property
    def limit(self) -> Figures | None:
        """The machine's loop that takes longest: no competitor could be faster."""
        return max((m for m in self.machine if not m.failure), key=lambda figures: figures.seconds, default=None)

    def share(self, figures: Figures) -> float | None:
        """Fraction of the machine's peak that the competitor reaches."""
        return None if self.limit is None else self.limit.seconds / figures.seconds

    def rate(self, figures: Figures) -> str:
        """Operations or bytes a second, whichever limits the case; empty if it counts neither."""
        if self.limit is None:
            return ""
        if self.limit.name.endswith("(fma)"):
            return f"{self.flops / figures.seconds / 1e9:.1f} GFLOP/s"
        return f"{self.bytes / figures.seconds / 1e9:.1f} GB/s"

    def to_json(self) -> dict[str, Any]:
        """The measurements as plain data, with the comparison that follows from them."""
        return {**asdict(self), "ratio_to_best_peer": self.ratio}
