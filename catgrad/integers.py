"""Integers that users write: decimal digits, within bounds."""

from __future__ import annotations

__all__ = ["GREATEST", "parse_integer"]

GREATEST = (1 << 63) - 1
"""The greatest integer of 64 bits."""


def parse_integer(text: str, least: int = 0, most: int = GREATEST) -> int | None:
    """Return the integer that is written in decimal digits, or None if there is none from `least` to `most`.

    Example:
        >>> parse_integer("128"), parse_integer("-1"), parse_integer("9" * 5000)
        (128, None, None)
    """
    digits = text.lstrip("0") or text[-1:]
    if not (text.isascii() and text.isdecimal()) or len(digits) > len(str(most)):  # Python refuses long ones
        return None
    value = int(digits)
    return value if least <= value <= most else None
