"""Values of symbolic dimensions on the command line: `--bind B=128`."""

from __future__ import annotations

from argparse import Action, ArgumentError, ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterable
from reprlib import repr as shortened
from typing import Any

from catgrad.dims import Symbol
from catgrad.integers import parse_integer

__all__ = ["add_bind", "advice"]


def add_bind(parser: ArgumentParser) -> None:
    """Declare the argument: values by dimension."""
    parser.add_argument("--bind", type=_binding, metavar="B=N", action=_Bind, default={}, help="fix a dimension")


def advice(symbols: Iterable[Symbol]) -> str:
    """Return the arguments that fix dimensions."""
    return ", ".join(f"--bind {symbol}=N" for symbol in symbols)


class _Bind(Action):
    """Collects dimensions, each of which has one value."""

    def __call__(self, parser: ArgumentParser, namespace: Namespace, values: Any, option: str | None = None) -> None:
        """Add a dimension and its value."""
        name, value = values
        known = getattr(namespace, self.dest)
        if known.get(name, value) != value:
            raise ArgumentError(self, f"a dimension has one value, given {name}={known[name]} and {name}={value}")
        setattr(namespace, self.dest, {**known, name: value})


def _binding(text: str) -> tuple[str, int]:
    """Read a dimension and its value."""
    name, _, digits = text.partition("=")
    value = parse_integer(digits)
    if not name.isidentifier() or value is None:
        raise ArgumentTypeError(f"expected a dimension and its value, such as B=128, got {shortened(text)}")
    return name, value
