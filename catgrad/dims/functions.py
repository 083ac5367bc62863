"""Functions on extents that are not polynomials: floor division, remainder, minimum and maximum.

What can be simplified for every value of the symbols is; the rest becomes an atom.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from catgrad.dims.bounds import applied, below, division_by_number, infinite, interval, nonzero
from catgrad.dims.expression import Apply, Extent, extent, from_terms, function, terms_of
from catgrad.dims.polynomial import divide
from catgrad.errors import CatgradError

__all__ = ["maximum", "minimum"]


@function("mod")
def _mod(a: Extent, b: Extent) -> Extent:
    return a - b * _floordiv(a, b)


@function("floordiv")
def _floordiv(a: Extent, b: Extent) -> Extent:
    if b == 0:
        raise CatgradError(f"{a} is divided by zero")
    if isinstance(b, int):
        return _floordiv_number(a, b)
    quotient = divide(a, b)
    if quotient is not None and nonzero(b):
        return quotient
    shared = math.gcd(*(coefficient for _, coefficient in terms_of(a) + terms_of(b)))
    return _atom("floordiv", (_floordiv_number(a, shared), _floordiv_number(b, shared)))


@function("min")
def minimum(first: Extent, *others: Extent) -> Extent:
    """Return the least of the extents; those that are provably not less than another are dropped."""
    return _extremum("min", (first, *others), below)


@function("max")
def maximum(first: Extent, *others: Extent) -> Extent:
    """Return the greatest of the extents; those that are provably not greater than another are dropped."""
    return _extremum("max", (first, *others), lambda a, b: below(b, a))


def _floordiv_number(a: Extent, k: int) -> Extent:
    """Return a // k: the whole multiples of k leave the division, so that 3*n // 2 is n + n // 2."""
    if isinstance(a, int):
        return a // k
    if k < 0:
        return _floordiv_number(-a, -k)
    rest = {monomial: _residue(coefficient, k) if monomial else coefficient % k for monomial, coefficient in a.terms}
    whole = {monomial: (coefficient - rest[monomial]) // k for monomial, coefficient in a.terms}
    return from_terms(whole) + _floordiv_reduced(from_terms(rest), k)


def _residue(coefficient: int, k: int) -> int:
    """Return the representative of `coefficient` modulo k that is nearest zero, positive on a tie."""
    residue = coefficient % k
    return residue - k if 2 * residue > k else residue


def _floordiv_reduced(a: Extent, k: int) -> Extent:
    """Return a // k for reduced coefficients, as a division with a positive leading term."""
    if isinstance(a, int):
        return a // k
    if a.terms[0][1] < 0:  # floor(-x / k) = -floor((x + k - 1) / k)
        return -_floordiv_number(k - 1 - a, k)
    shared = math.gcd(k, *(coefficient for monomial, coefficient in a.terms if monomial))
    if shared > 1:  # floor((g*x + c) / (g*k)) = floor((x + floor(c / g)) / k)
        return _floordiv_number(from_terms({m: c // shared for m, c in a.terms}), k // shared)
    for monomial, coefficient in a.terms:
        inner = division_by_number(monomial) if coefficient == 1 else None
        if inner is not None:  # floor((floor(x / b) + y) / k) = floor((x + b*y) / (b*k))
            x, b = inner
            rest = a - from_terms({monomial: 1})
            return _floordiv_number(x + b * rest, b * k)
    low, high = interval(a)
    if not infinite(low) and not infinite(high) and low // k == high // k:
        return int(low // k)
    return _atom("floordiv", (a, k))


def _extremum(function: str, extents: Sequence[Extent], before: Callable[[Extent, Extent], bool]) -> Extent:
    """Return the first of `extents` in the order `before`, as far as it is provable."""
    kept: list[Extent] = []
    for candidate in (part for e in extents for part in _operands(function, extent(e))):
        if not any(before(other, candidate) for other in kept):
            kept = [other for other in kept if not before(candidate, other)] + [candidate]
    if len(kept) == 1:
        return kept[0]
    return _atom(function, tuple(sorted(kept, key=lambda e: (isinstance(e, int), str(e)))))


def _operands(function: str, of: Extent) -> tuple[Extent, ...]:
    (monomial, coefficient), *rest = terms_of(of) or (((), 0),)
    args = applied(function, monomial) if coefficient == 1 and not rest else None
    return (of,) if args is None else args


def _atom(function: str, args: tuple[Extent, ...]) -> Extent:
    return from_terms({(Apply(function, args),): 1})
