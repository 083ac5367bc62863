"""Values of symbolic dimensions on the command line: `--bind B=128`."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterable

from catgrad.dims import Symbol

__all__ = ["add_bind", "advice"]


def add_bind(parser: ArgumentParser) -> None:
    """Declare the argument: a list of pairs of a dimension and its value."""
    parser.add_argument("--bind", type=_binding, metavar="B=N", action="append", default=[], help="fix a dimension")


def advice(symbols: Iterable[Symbol]) -> str:
    """Return the arguments that fix dimensions."""
    return ", ".join(f"--bind {symbol}=N" for symbol in symbols)


def _binding(text: str) -> tuple[str, int]:
    """Read a dimension and its value."""
    name, _, value = text.partition("=")
    if not name.isidentifier() or not value.isdecimal():
        raise ArgumentTypeError(f"expected a dimension and its value, such as B=128, got {text!r}")
    return name, int(value)
