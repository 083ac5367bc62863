"""Exact arithmetic: the float that is nearest to a number."""

from fractions import Fraction

from catgrad.types import bf16, f16, f32, f64

FORMATS = {f16: (11, -14, 15), bf16: (8, -126, 127), f32: (24, -126, 127), f64: (53, -1022, 1023)}
"""Digits, and the exponents of normal numbers."""


def nearest(number, dtype):
    """The float that is nearest to a number, to even if two are."""
    exact = Fraction(number)
    if not exact:
        return number * 0.0
    digits, least, greatest = FORMATS[dtype]
    size = abs(exact)
    exponent = size.numerator.bit_length() - size.denominator.bit_length()
    exponent = max(exponent - (Fraction(2) ** exponent > size), least)
    unit = Fraction(2) ** (exponent - digits + 1)
    found = round(size / unit) * unit  # of a fraction: to even
    result = float("inf") if found >= Fraction(2) ** (greatest + 1) else float(found)
    return result if exact > 0 else -result
