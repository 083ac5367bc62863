"""Provable bounds on the value of an extent.

By interval arithmetic, and by replacing an atom with a linear bound of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache, reduce
from typing import TypeAlias

from catgrad.dims.expression import Apply, Atom, Extent, Monomial, Unit, from_terms, terms_of

__all__ = [
    "applied",
    "below",
    "division_by_number",
    "infinite",
    "interval",
    "is_zero",
    "lower_bound",
    "nonzero",
    "provably_positive",
    "upper_bound",
]

_MOST_REPLACEMENTS = 8

Interval: TypeAlias = tuple[float, float]
"""The ends are integers or infinite."""


def is_zero(of: Extent) -> bool:
    """Return whether `of` is provably zero."""
    return of == 0 or interval(of) == (0, 0)


def provably_positive(of: Extent) -> bool:
    """Return whether `of` is provably at least 1."""
    return _lower(of) >= 1


def lower_bound(of: Extent) -> int | None:
    """Return a number that `of` is provably never below, or None if the facts give none."""
    return of if isinstance(of, int) else _finite(_lower(of))


def upper_bound(of: Extent) -> int | None:
    """Return a number that `of` is provably never above, or None if the facts give none."""
    return of if isinstance(of, int) else _finite(_upper(of))


def _finite(bound: float) -> int | None:
    return None if infinite(bound) else int(bound)


def infinite(bound: float) -> bool:
    """Return whether a bound is plus or minus infinity."""
    return abs(bound) == math.inf  # math.isinf overflows on large integers


def interval(of: Extent) -> Interval:
    """Return bounds of an extent from below and from above."""
    return (of, of) if isinstance(of, int) else (_lower(of), _upper(of))


@lru_cache(maxsize=1 << 14)
def _upper(of: Extent) -> float:
    return -_lower(-of)


def below(a: Extent, b: Extent) -> bool:
    """Return whether a is provably at most b."""
    return _lower(b - a) >= 0


def nonzero(of: Extent) -> bool:
    """Return whether `of` is provably not zero."""
    low, high = interval(of)
    return low > 0 or high < 0


@lru_cache(maxsize=1 << 14)
def _lower(of: Extent) -> float:
    """Return the best lower bound found on the way of replacing atoms, each time where that helps most."""
    best, scale = _least(of), 1
    for _ in range(_MOST_REPLACEMENTS):
        replaced = list(_replacements(of))
        if not replaced:
            break
        of, factor = max(replaced, key=lambda bound: _ceildiv(_least(bound[0]), bound[1]))
        scale *= factor
        best = max(best, _ceildiv(_least(of), scale))
    return best


def _replacements(of: Extent) -> Iterator[tuple[Extent, int]]:
    """Yield extents p and positive numbers k with of >= p / k, and one atom of `of` replaced in p."""
    for monomial, coefficient in terms_of(of):
        for bound, k in _linear_bounds(monomial, coefficient):
            yield k * (of - from_terms({monomial: coefficient})) + bound, k


def _least(of: Extent) -> float:
    """Return the lower bound by interval arithmetic on the terms."""
    return sum(_interval_of_term(monomial, coefficient)[0] for monomial, coefficient in terms_of(of))


def _linear_bounds(monomial: Monomial, coefficient: int) -> Iterator[tuple[Extent, int]]:
    """Yield extents p and positive numbers k with coefficient * monomial >= p / k."""
    division = division_by_number(monomial)
    if division is not None:
        x, k = division
        yield coefficient * (x if coefficient < 0 else x - (k - 1)), k
    for arg in applied("min" if coefficient < 0 else "max", monomial) or ():
        yield coefficient * arg, 1


def _interval_of_term(monomial: Monomial, coefficient: int) -> Interval:
    start: Interval = (coefficient, coefficient)
    return reduce(_times, map(_interval_of_atom, monomial), start)


def _times(a: Interval, b: Interval) -> Interval:
    ends = [x * y if x and y else 0 for x in a for y in b]
    return min(ends), max(ends)


def _interval_of_atom(atom: Atom) -> Interval:
    if isinstance(atom, Unit):
        return atom.min // atom.multiple_of, math.inf if atom.max is None else atom.max // atom.multiple_of
    lows, highs = zip(*map(interval, atom.args), strict=True)
    if atom.function == "min":
        return min(lows), min(highs)
    if atom.function == "max":
        return max(lows), max(highs)
    return _interval_of_floordiv((lows[0], highs[0]), (lows[1], highs[1]))


def _interval_of_floordiv(a: Interval, b: Interval) -> Interval:
    if b[0] <= 0:
        return -math.inf, math.inf
    quotients = [_floor_quotient(x, y) for x in a for y in b]
    return min(quotients), max(quotients)


def _floor_quotient(x: float, y: float) -> float:
    """Return the floor of x / y for y >= 1, in the limit where they are infinite."""
    if infinite(x):
        return x
    return (-1 if x < 0 else 0) if infinite(y) else x // y


def _ceildiv(x: float, k: int) -> float:
    return x if infinite(x) else -(-x // k)


def applied(function: str, monomial: Monomial) -> tuple[Extent, ...] | None:
    """Return the arguments if `monomial` is one application of `function`."""
    if len(monomial) == 1 and isinstance(monomial[0], Apply) and monomial[0].function == function:
        return monomial[0].args
    return None


def division_by_number(monomial: Monomial) -> tuple[Extent, int] | None:
    """Return x and b if `monomial` is floordiv(x, b) for a number b."""
    args = applied("floordiv", monomial)
    return (args[0], args[1]) if args is not None and isinstance(args[1], int) else None
