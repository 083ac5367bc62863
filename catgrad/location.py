"""Places in the user's program, carried by every operation so that errors can point at them."""

from __future__ import annotations

import linecache
import os
import sys
import sysconfig
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from types import CodeType, FrameType
from typing import Any

import numpy as np

from catgrad.own_code import is_own

__all__ = ["Location", "caller", "defined", "passed"]

_LIBRARY = sysconfig.get_path("stdlib") + os.sep
_NUMPY = os.path.join(os.path.dirname(np.__file__), "")
_SCRIPTS = sysconfig.get_path("scripts") + os.sep


@dataclass(frozen=True)
class Location:
    """A place in a source file.

    Attributes:
        file: Path as Python reports it.
        line: Line number from 1; 0 when unknown.
        column: Column from 1, in bytes of UTF-8; 0 when unknown.
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
            before = text.encode()[: self.column - 1].decode(errors="ignore")
            lines.append(" " * (4 + len(before) - len(text) + len(text.lstrip())) + "^")
        return "\n".join(lines)


def caller() -> Location | None:
    """Return the innermost frame of the user's program: the line that led here."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and _is_ours(frame):
        frame = frame.f_back
    return None if frame is None else _place(frame.f_code, frame.f_lineno, frame.f_lasti)


def passed(error: BaseException) -> Location | None:
    """Return the innermost frame of the user's program that `error` has left: the line that led to it."""
    found, trace = None, error.__traceback__
    while trace is not None:
        found = found if _is_ours(trace.tb_frame) else trace
        trace = trace.tb_next
    return None if found is None else _place(found.tb_frame.f_code, found.tb_lineno, found.tb_lasti)


def defined(function: Any) -> Location:
    """Return where a Python function's `def` is, below its decorators."""
    code: CodeType = function.__code__
    lines = linecache.getlines(code.co_filename)[code.co_firstlineno - 1 :]
    below = next((n for n, line in enumerate(lines) if line.lstrip().startswith(("def ", "async def "))), 0)
    column = len(lines[below]) - len(lines[below].lstrip()) + 1 if lines else 0
    return Location(code.co_filename, code.co_firstlineno + below, column, code.co_name)


def _is_ours(frame: FrameType) -> bool:
    """Return whether a frame is of nobody's program: of ours, of Python or NumPy, or of the command that starts it."""
    return _is_library(frame.f_code.co_filename) or is_own(frame)


@lru_cache(1 << 10)
def _is_library(file: str) -> bool:
    is_standard = file.startswith((_LIBRARY, "<frozen ")) and "site-packages" not in file
    return is_standard or file.startswith((_SCRIPTS, _NUMPY, "numpy/"))


@lru_cache(1 << 12)  # lines in loops lead here again and again
def _place(code: CodeType, line: int, instruction: int) -> Location:
    """Return the place of an instruction, given by its offset; its column is known from Python 3.11 on."""
    positions = code.co_positions() if hasattr(code, "co_positions") else iter(())
    _, _, column, _ = next(islice(positions, instruction // 2, None), (None,) * 4)
    return Location(code.co_filename, line, 0 if column is None else column + 1, code.co_name)
