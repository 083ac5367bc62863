"""Types of command-line arguments: argparse shows the message of what they raise."""

from __future__ import annotations

from argparse import ArgumentTypeError

__all__ = ["natural", "positive", "rate"]


def positive(text: str) -> int:
    """Read an integer ≥ 1."""
    return _integer(text, 1)


def natural(text: str) -> int:
    """Read an integer ≥ 0."""
    return _integer(text, 0)


def rate(text: str) -> float:
    """Read a learning rate: a finite number ≥ 0."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise ArgumentTypeError(f"expected a number that is at least 0, got {text!r}")
    return value


def _integer(text: str, least: int) -> int:
    if not text.isdecimal() or int(text) < least:
        raise ArgumentTypeError(f"expected an integer that is at least {least}, got {text!r}")
    return int(text)
