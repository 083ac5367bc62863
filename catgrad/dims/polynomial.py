"""The ring of extents: sums, differences, products and exact quotients of polynomials.

The order of terms is graded lexicographic, as in Cox, Little, O'Shea, "Ideals, Varieties, and Algorithms", section 2.2.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce

from catgrad.dims.expression import Extent, Monomial, from_terms, function, terms_of

__all__ = ["divide", "product"]


@function("add")
def _add(a: Extent, b: Extent) -> Extent:
    terms = dict(terms_of(a))
    for monomial, coefficient in terms_of(b):
        terms[monomial] = terms.get(monomial, 0) + coefficient
    return from_terms(terms)


@function("sub")
def _subtract(a: Extent, b: Extent) -> Extent:
    return _add(a, _multiply(b, -1))


@function("mul")
def _multiply(a: Extent, b: Extent) -> Extent:
    terms: dict[Monomial, int] = {}
    for left, x in terms_of(a):
        for right, y in terms_of(b):
            monomial = tuple(sorted(left + right, key=lambda atom: atom.key)) if left and right else left or right
            terms[monomial] = terms.get(monomial, 0) + x * y
    return from_terms(terms)


def product(extents: Iterable[Extent]) -> Extent:
    """Return the product of `extents`; 1 for none."""
    one: Extent = 1
    return reduce(_multiply, extents, one)


def divide(a: Extent, b: Extent) -> Extent | None:
    """Return the extent q with q * b == a, or None if there is no such polynomial (or b is 0).

    Example:
        >>> from catgrad.dims import dim
        >>> n, m = dim("n"), dim("m")
        >>> divide(n * m + m, n + 1), divide(n, 2)
        (m, None)
    """
    if b == 0:
        return None
    if isinstance(a, int) and isinstance(b, int):
        return None if a % b else a // b
    (lead, scale), quotient = terms_of(b)[0], dict[Monomial, int]()
    while a != 0:
        monomial, coefficient = terms_of(a)[0]
        factor = _cancel(monomial, lead)
        if factor is None or coefficient % scale:
            return None
        quotient[factor] = coefficient // scale
        a = a - from_terms({factor: quotient[factor]}) * b
    return from_terms(quotient)


def _cancel(monomial: Monomial, divisor: Monomial) -> Monomial | None:
    """Return `monomial` without the atoms of `divisor`, or None if it lacks one."""
    rest = list(monomial)
    for atom in divisor:
        if atom not in rest:
            return None
        rest.remove(atom)
    return tuple(rest)
