"""Types of command-line arguments: argparse shows the message of what they raise."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from reprlib import repr as shortened

from catgrad.cli.tasks import MOST_EPOCHS, RATE, is_rate
from catgrad.integers import parse_integer
from catgrad.target import HOST

__all__ = ["add_target", "epochs", "natural", "path", "positive", "rate"]


_PROCESSORS = (HOST, f"{HOST}:x86-64-v3", f"{HOST}:x86-64-v4+avx512bf16")
"""Targets of each form: the processor at hand, a level, and a level with more."""


def add_target(parser: ArgumentParser, *others: str, default: str | None = HOST) -> None:
    """Declare `--target`.

    Args:
        parser: The command's.
        *others: What else it can be, as help lists it.
        default: What it is when it is left out.
    """
    forms = ", ".join([*_PROCESSORS, *others])
    help = f"what to compile for, such as {forms}; a wrong name lists them (default: {HOST})"
    parser.add_argument("--target", metavar="TARGET", default=default, help=help)


def positive(text: str) -> int:
    """Read an integer ≥ 1."""
    return _integer(text, 1)


def epochs(text: str) -> int:
    """Read how often examples are seen: an integer ≥ 1."""
    if parse_integer(text, 1) is not None and parse_integer(text, 1, MOST_EPOCHS) is None:
        raise ArgumentTypeError(f"expected an integer that is at most {MOST_EPOCHS:,}, got {shortened(text)}")
    return positive(text)


def natural(text: str) -> int:
    """Read an integer ≥ 0."""
    return _integer(text, 0)


def rate(text: str) -> float:
    """Read a learning rate."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not is_rate(value):
        raise ArgumentTypeError(f"expected {RATE}, got {shortened(text)}")
    return value


def path(text: str) -> Path:
    """Read a path, which is not empty: that would be the folder at hand."""
    if not text:
        raise ArgumentTypeError("expected a path, got ''")
    return Path(text)


def _integer(text: str, least: int) -> int:
    value = parse_integer(text, least)
    if value is None:
        raise ArgumentTypeError(f"expected an integer of 64 bits that is at least {least}, got {shortened(text)}")
    return value
