"""Output streams of commands: lines that fit the terminal, and are left whole for other programs."""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Sequence

from rich.console import Console

__all__ = ["folded_command", "row", "terminal"]

_INDENT = 12
"""Characters of the first column."""
_UNLIMITED = 10_000
"""Characters of a line that another program reads, which has no width."""


def terminal(*, quiet: bool = False) -> Console:
    """Return where to print: as wide as the terminal, or as COLUMNS says; else lines are of any length."""
    is_limited = sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdecimal()
    return Console(highlight=False, soft_wrap=True, quiet=quiet, width=None if is_limited else _UNLIMITED)


def row(name: str, value: str, width: int, indent: int = _INDENT) -> str:
    """Return a name and a value in two columns; a value that is too long goes on below, at a space.

    Args:
        name: What is in the first column.
        value: What is in the second.
        width: Characters of a line.
        indent: Characters of the first column.

    Example:
        >>> print(row("data", "iris: 150 examples to learn from", width=32))
        data        iris: 150 examples
                    to learn from
    """
    room = max(width - indent, 1)
    lines = textwrap.wrap(value, room, break_long_words=False, break_on_hyphens=False)
    return f"{name:<{indent}}" + f"\n{'':<{indent}}".join(lines)


def folded_command(words: Sequence[str], width: int) -> str:
    r"""Return a command to paste into a shell, in lines that fit where that is possible.

    Example:
        >>> print(folded_command(["catgrad", "show", "runs/digits", "--stage term"], width=32))
          catgrad show runs/digits \
            --stage term
    """
    lines, line = [], f"  {words[0]}"
    for word in words[1:]:
        if len(f"{line} {word} \\") > width:
            lines.append(f"{line} \\")
            line = "   "
        line = f"{line} {word}"
    return "\n".join([*lines, line])
