"""Words over an alphabet, and what is repeated in them.

A tandem repeat of period p is a stretch of a word in which each letter is equal to the one p places before it. A deep
network is such a word: its operations in order, over the alphabet of what can be told apart.

Reference: Crochemore, Ilie and Rytter, "Repetitions in strings: algorithms and combinatorics" (2009).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["REPEATS", "Repeat", "repeats"]

REPEATS = 8
"""How often something is there, one after the other, until it counts as repeated."""


@dataclass(frozen=True)
class Repeat:
    """A stretch of a word that is one shorter word again and again.

    Attributes:
        start: Where it begins.
        period: The length of the shorter word.
        count: How often that is there.
    """

    start: int
    period: int
    count: int

    @property
    def stop(self) -> int:
        """End position."""
        return self.start + self.period * self.count

    @property
    def ranges(self) -> list[range]:
        """The positions of each repetition."""
        return [range(start, start + self.period) for start in range(self.start, self.stop, self.period)]


def repeats(word: Iterable[Hashable], longest: int, least: int = REPEATS) -> Iterator[Repeat]:
    """Yield disjoint tandem repeats from left to right, at each place the one that covers most.

    Args:
        word: Its letters.
        longest: The longest period to look for.
        least: How often what is repeated is there at least.

    Example:
        >>> list(repeats("xababababy", longest=4, least=3))
        [Repeat(start=1, period=2, count=4)]
    """
    numbers: dict[Hashable, int] = {}
    letters = np.array([numbers.setdefault(letter, len(numbers)) for letter in word], np.int64)
    covered, periods = np.zeros_like(letters), np.ones_like(letters)
    for period in range(1, min(longest, len(letters) // least) + 1):
        lengths = (_agreement(letters, period) // period + 1) * period
        better = (lengths >= least * period) & (lengths > covered)
        covered[better], periods[better] = lengths[better], period
    position = 0
    for found in np.flatnonzero(covered).tolist():
        if found >= position:
            yield Repeat(found, int(periods[found]), int(covered[found] // periods[found]))
            position = found + int(covered[found])


def _agreement(letters: npt.NDArray[np.int64], period: int) -> npt.NDArray[np.int64]:
    """Return, for each place, how many letters from there on are equal to the one a period later."""
    places = np.arange(len(letters))
    differs = np.ones(len(letters), bool)
    differs[: len(letters) - period] = letters[period:] != letters[: len(letters) - period]
    next_difference = np.minimum.accumulate(np.where(differs, places, len(letters))[::-1])[::-1]
    return next_difference - places
