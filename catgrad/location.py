"""Places in the user's program, carried by every operation so that errors can point at them."""

from __future__ import annotations

import linecache
import os
import sys
from dataclasses import dataclass
from types import FrameType

__all__ = ["Location", "caller"]

_PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep


@dataclass(frozen=True)
class Location:
    """A place in a source file.

    Attributes:
        file: Path as Python reports it.
        line: Line number from 1; 0 when unknown.
        column: Column from 1; 0 when unknown.
        function: Name of the enclosing function.
    """

    file: str
    line: int
    column: int = 0
    function: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" + (f":{self.column}" if self.column else "")

    def excerpt(self) -> str:
        """Return the place and its source line, with a caret under the column where both are known."""
        head = f"  at {self}" + (f" in {self.function}" if self.function else "")
        text = linecache.getline(self.file, self.line).rstrip("\n")
        if not text:
            return head
        lines = [head, f"    {text.strip()}"]
        if self.column:
            indent = len(text) - len(text.lstrip())
            lines.append(" " * (4 + self.column - 1 - indent) + "^")
        return "\n".join(lines)


def caller() -> Location | None:
    """Return the innermost frame outside this package: the user's line that led here."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    if frame is None:
        return None
    code = frame.f_code
    return Location(code.co_filename, frame.f_lineno, _column(frame), code.co_name)


def _column(frame: FrameType) -> int:
    """Return the column of the expression that `frame` is evaluating, or 0 before Python 3.11."""
    positions = getattr(frame.f_code, "co_positions", None)
    if positions is None:
        return 0
    for index, (_, _, column, _) in enumerate(positions()):
        if index == frame.f_lasti // 2:
            return 0 if column is None else column + 1
    return 0
