"""Input files: text or bytecode, whole or split into chunks that are processed on their own."""

from __future__ import annotations

import linecache
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

from catgrad.cached import cached_property
from catgrad.location import Location
from catgrad.tools.driver.errors import SourceError

__all__ = ["Chunk", "Source"]

_BYTECODE = b"ML\xefR"


@dataclass(frozen=True)
class Chunk:
    """A part of the input that is a module of its own.

    Attributes:
        content: What MLIR parses. Text begins with as many empty lines as precede it in the file, so that the lines in
            MLIR's locations are those of the file.
        first_line: The number of its first line, from 1.
    """

    content: str | bytes
    first_line: int = 1


@dataclass(frozen=True)
class Source:
    """A named input.

    Attributes:
        name: How messages call it: the path, or "<stdin>".
        data: Its content.
    """

    name: str
    data: bytes = field(repr=False)

    @classmethod
    def read(cls, path: str) -> Source:
        """Read the file at `path`, or standard input for "-"; raise `OSError` if that is impossible."""
        if path == "-":
            return cls("<stdin>", sys.stdin.buffer.read())
        return cls(path, Path(path).read_bytes())

    def chunks(self, marker: str | None = None) -> list[Chunk]:
        """Return the parts between the lines that begin with `marker`; bytecode is never split.

        Raises:
            SourceError: The input is empty, or neither UTF-8 text nor bytecode.
        """
        if not self.data:
            raise SourceError(f"{self.name}: error: the input is empty")
        if self.data.startswith(_BYTECODE):
            return [Chunk(self.data)]
        text = self._text()
        if marker is None:
            return [Chunk(text)]
        return _split(text, re.compile(rf"^{re.escape(marker)}.*\n?", re.MULTILINE))

    @cached_property
    def lines(self) -> list[str]:
        """The lines of the input, to be shown; bytes that are not text are replaced."""
        return [] if self.data.startswith(_BYTECODE) else self.data.decode(errors="replace").split("\n")

    def line(self, location: Location) -> str:
        """Return the line at `location`, in this input or in another file; empty if there is none."""
        if location.file != self.name:
            return linecache.getline(location.file, location.line).rstrip("\n")
        return self.lines[location.line - 1] if 0 < location.line <= len(self.lines) else ""

    def _text(self) -> str:
        """Return the input as text."""
        try:
            return self.data.decode()
        except UnicodeDecodeError as error:
            line = self.data.count(b"\n", 0, error.start) + 1
            column = error.start - self.data.rfind(b"\n", 0, error.start)
            place = f"{self.name}:{line}:{column}"
            raise SourceError(f"{place}: error: the input is neither UTF-8 text nor MLIR bytecode") from None


def _split(text: str, separator: re.Pattern[str]) -> list[Chunk]:
    """Return the stretches of `text` between matches of `separator`, each moved to its line."""
    chunks, start = [], 0
    for end, following in [*(match.span() for match in separator.finditer(text)), (len(text), len(text))]:
        before = text.count("\n", 0, start)
        chunks.append(Chunk("\n" * before + text[start:end], before + 1))
        start = following
    return chunks
