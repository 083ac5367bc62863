"""Formulas in twice the precision of f64: numbers are sums of two, the second of which is what the first leaves over.

Sums and products give their rounding errors as numbers of the same format (T. J. Dekker, Numer. Math. 18, 1971). Two
things need that: the remainder of an angle of any size (M. Payne and R. Hanek, ACM SIGNUM 18(1), 1983), and the
logarithm of a power.
"""

from __future__ import annotations

from collections.abc import Sequence

from catgrad.passes.to_linalg import polynomials
from catgrad.passes.to_linalg.math_scalar import Bits, Real, fma, nearest_integer, polynomial, where

__all__ = ["cosine", "exp2", "log2", "quarter_turns", "sine", "two_product"]

Double = tuple[Real, Real]

LN2, HALF_PI, THIRD, TWO_LOG2_E = (
    polynomials.LN2["f64"],
    polynomials.HALF_PI["f64"],
    polynomials.THIRD["f64"],
    polynomials.TWO_LOG2_E["f64"],
)
BITS = polynomials.TURN_DIGIT_BITS


def two_sum(a: Real, b: Real) -> Double:
    """A + b and its rounding error."""
    total = a + b
    from_b = total - a
    return total, (a - (total - from_b)) + (b - from_b)


def ordered_sum(a: Real, b: Real | float) -> Double:
    """A + b and its rounding error, for |a| ≥ |b| or a = 0."""
    total = a + b
    return total, a - total + b


def two_product(a: Real, b: Real | float) -> Double:
    """A b and its rounding error."""
    product = a * b
    return product, fma(a, b, -product)


def product(a: Double, b: Double | tuple[float, float]) -> Double:
    """The product of two sums, up to the product of their second parts."""
    high, low = two_product(a[0], b[0])
    return high, fma(a[0], b[1], fma(a[1], b[0], low))


def cascade(terms: Sequence[Real]) -> tuple[Real, list[Real]]:
    """The sum of terms, and the rounding errors on the way to it."""
    total, errors = terms[0], []
    for term in terms[1:]:
        total, error = two_sum(total, term)
        errors.append(error)
    return total, errors


# Angles: x = (n + f) π/2 with |f| ≤ 1/2. What the digits of 1/2π before a window contribute are whole turns, and those
# behind it less than 2^-160 of a turn, while no f64 but 0 is nearer than 2^-62 to a multiple of a quarter turn.


def _window(x: Real) -> tuple[Real, list[Real]]:
    """Scale x down to |x| < 2^106 by a power of 2^53, and return with it the five digits that then matter."""
    digits = [x.constant(digit) for digit in polynomials.TURN_DIGITS]
    for step in (16, 8, 4, 2, 1):
        is_far = abs(x) > 2.0 ** (BITS * (step + 1))
        x = where(is_far, x * 2.0 ** (-BITS * step), x)
        digits = [where(is_far, far, near) for near, far in zip(digits[: step + 4], digits[step:], strict=False)]
    return x, digits


def quarter_turns(x: Real) -> tuple[Double, Bits]:
    """The f π/2, in radians, and n (modulo 4) of x = (n + f) π/2."""
    x, digits = _window(x)
    parts = [two_product(x * 2.0 ** (-BITS * k), digit) for k, digit in enumerate(digits)]
    (a, a_low), (b, b_low), (c, c_low), (d, d_low), (e, _) = parts
    turns, errors = cascade([a.fraction(), a_low.fraction(), b.fraction(), b_low, c])
    low, errors = cascade([*errors, c_low, d])
    lowest = sum(errors[1:], errors[0]) + (d_low + e)
    turns = turns.fraction()
    n, bits = nearest_integer(turns, 4)
    high, middle = two_sum(fma(turns, 4, -n), low * 4)
    return product(ordered_sum(high, fma(lowest, 4, middle)), HALF_PI), bits


def sine(angle: Double) -> Real:
    """The sine of up to an eighth of a turn."""
    r, low = angle
    square = r * r
    cubic = r * square * polynomial(polynomials.SINE["f64"], square)
    return r + (cubic + fma(square * -0.5, low, low))


def cosine(angle: Double) -> Real:
    """The cosine of up to an eighth of a turn."""
    r, low = angle
    square, rest = two_product(r, r)
    one, error = ordered_sum(r.constant(1), square * -0.5)
    quartic = square * square * polynomial(polynomials.COSINE["f64"], square)
    return one + (error + fma(rest, -0.5, fma(r, -low, quartic)))


# Powers: log₂(2^n (1 + m)) = n + 2 log₂ e artanh s with s = m / (2 + m), where artanh s = s (1 + s² (1/3 + s² p(s²))).


def log2(n: Real, m: Real) -> Double:
    """log₂(2^n (1 + m)) for √½ ≤ 1 + m < √2."""
    s = _quotient(m, ordered_sum(m.constant(2), m))
    square = product(s, s)
    series, error = ordered_sum(m.constant(THIRD[0]), square[0] * polynomial(polynomials.ARTANH["f64"], square[0]))
    tail = product(square, (series, error + THIRD[1]))
    first = product(s, TWO_LOG2_E)
    rest = product(first, tail)
    high, low = ordered_sum(first[0], rest[0])
    total, middle = ordered_sum(n, high)
    return total, middle + (low + (first[1] + rest[1]))


def _quotient(a: Real, b: Double) -> Double:
    inverse = 1.0 / b[0]
    high = a * inverse
    return high, fma(-high, b[1], fma(-high, b[0], a)) * inverse


def exp2(x: Double) -> Real:
    """2^x for |x| ≤ 1/2."""
    high, low = product(two_sum(*x), LN2)
    one, error = ordered_sum(high.constant(1), high)
    rest = fma(high * high, polynomial(polynomials.EXP["f64"], high), fma(high, low, low))
    return one + (error + rest)
