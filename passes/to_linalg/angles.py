"""Sine and cosine of any angle: quarter turns, and polynomials for what is left of one.

An angle is x = (n + f) π/2 with |f| ≤ 1/2; n modulo 4 says which of ±sin and ±cos of f π/2 is wanted. Whole turns of
x / 2π do not matter, so of each product of x with a digit of 1/2π only the fraction is kept, which is exact.

Reference: M. Payne and R. Hanek, "Radian reduction for trigonometric functions", SIGNUM Newsletter 18(1), 1983, here
with digits that are reals. T. J. Dekker, "A floating-point technique for extending the available precision", 1971, for
sums and products without error.
"""

from __future__ import annotations

from collections.abc import Iterator

from catgrad.passes.to_linalg import polynomials
from catgrad.passes.to_linalg.math_scalar import Bits, Real, fma, nearest_integer, polynomial, where

__all__ = ["exact_quarter_turns", "exact_sin_quarters", "quarter_turns", "sin_quarters"]

_BITS = 53
"""Bits of a digit of 1/2π: a product with one is a real and the real that it lacks."""
_WINDOW = 5
"""Digits that matter: x has 106 bits before the point at most, and 2^-159 of a turn is nothing."""
_STEPS = (16, 8, 4, 2, 1)
"""What makes up any number of digits that are skipped."""


def quarter_turns(x: Real) -> tuple[Real, Bits]:
    """The f and n (modulo 4), for x an f64 that is an f32."""
    *exact, rest = polynomials.TURN
    turns = (x * exact[0]).fraction()
    for piece in exact[1:]:
        turns = turns + (x * piece).fraction()
    turns = fma(x, rest, turns)
    n, bits = nearest_integer(turns, 4)
    return fma(turns, 4, -n), bits


def sin_quarters(f: Real, n: Bits) -> Real:
    """sin((n + f) π/2) to the accuracy of f32."""
    square = f * f
    sin = f * polynomial(polynomials.SIN[f.format.name], square)
    cos = fma(square, polynomial(polynomials.COS[f.format.name], square), 1)
    return _of_quarter(n, sin, cos)


def exact_quarter_turns(x: Real) -> tuple[Real, Real, Bits]:
    """The f, as a real and the rest that it lacks, and n (modulo 4), for any f64."""
    high, middle, low = x.constant(0), x.constant(0), x.constant(0)
    for term in _fractions(x):
        high, lacking = _sum(high, term)
        middle, lacking = _sum(middle, lacking)
        low = low + lacking
    n, bits = nearest_integer(high, 4)
    f, rest = _sum(fma(high, 4, -n), middle * 4)
    return f, rest + low * 4, bits


def exact_sin_quarters(f: Real, rest: Real, n: Bits) -> Real:
    """sin((n + f + rest) π/2)."""
    return _of_quarter(n, _sin(f, rest), _cos(f, rest))


def _of_quarter(n: Bits, sin: Real, cos: Real) -> Real:
    sign = (n & 2) << (n.format.width - 2)
    return (where((n & 1).is_zero(), sin, cos).bits ^ sign).real


def _fractions(x: Real) -> Iterator[Real]:
    """Yield reals whose sum is x / 2π but for whole turns, the coarsest first."""
    x, digits = _leading(x)
    for i, digit in enumerate(digits):
        scaled = x * 2.0 ** (-_BITS * i)
        product = scaled * digit
        yield product.fraction()
        yield fma(scaled, digit, -product).fraction()


def _leading(x: Real) -> tuple[Real, list[Real]]:
    """Return the first digits of 1/2π that matter for x, and x so scaled that they are the first of all.

    A digit makes whole turns of x if the last bit of x is large enough: it is skipped.
    """
    digits = [x.constant(digit) for digit in polynomials.TURN_DIGITS]
    digits += [x.constant(0)] * (_WINDOW + sum(_STEPS) - len(digits))
    for skipped in _STEPS:
        is_large = abs(x) > 2.0 ** (_BITS * (skipped + 1))
        x = where(is_large, x * 2.0 ** (-_BITS * skipped), x)
        pairs = zip(digits[: _WINDOW + skipped - 1], digits[skipped:], strict=False)
        digits = [where(is_large, later, digit) for digit, later in pairs]
    return x, digits


def _sum(a: Real, b: Real) -> tuple[Real, Real]:
    """a + b, and what rounding it loses (D. E. Knuth, The Art of Computer Programming 2, section 4.2.2)."""
    total = a + b
    of_b = total - a
    return total, (a - (total - of_b)) + (b - of_b)


def _product(a: Real, b: Real | float) -> tuple[Real, Real]:
    """a b, and what rounding it loses."""
    product = a * b
    return product, fma(a, b, -product)


def _sin(f: Real, rest: Real) -> Real:
    """sin((f + rest) π/2)."""
    high, low = polynomials.HALF_PI[f.format.name]
    square = f * f
    slope = fma(square, 3 * polynomials.SIN_REST[f.format.name][0], high)
    tail = f * square * polynomial(polynomials.SIN_REST[f.format.name], square)
    return fma(f, high, fma(f, low, fma(rest, slope, tail)))


def _cos(f: Real, rest: Real) -> Real:
    """cos((f + rest) π/2)."""
    high, low = polynomials.EIGHTH_PI_SQUARED[f.format.name]
    square, square_rest = _product(f, f)
    first, first_rest = _product(square, -high)
    one, lacking = _sum(f.constant(1), first)
    square_rest = fma(f * 2, rest, square_rest)
    tail = square * square * polynomial(polynomials.COS_REST[f.format.name], square)
    return one + (lacking + (first_rest + fma(square, -low, fma(square_rest, -high, tail))))
