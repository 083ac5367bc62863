"""Diagnostics as values: taken over from MLIR, or our own, and shown with the line of source they are about."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mlir import ir

from catgrad.location import Location

__all__ = ["Diagnostic", "from_mlir", "places", "render"]


@dataclass(frozen=True)
class Diagnostic:
    """A message about a place in a source file.

    Attributes:
        severity: "error", "warning", "remark" or "note".
        message: The text.
        location: The place; None where it is unknown. Columns count bytes, as in MLIR.
        notes: Diagnostics that explain this one.
    """

    severity: str
    message: str
    location: Location | None = None
    notes: tuple[Diagnostic, ...] = ()


def from_mlir(diagnostic: ir.Diagnostic, rename: Callable[[str], str]) -> Diagnostic:
    """Return `diagnostic` as a value, with a note for each caller of the place it is about.

    Args:
        diagnostic: MLIR's object, which dies with the handler's call.
        rename: Gives the name to show for a file name.
    """
    trace = [Location(rename(place.file), place.line, place.column) for place in places(diagnostic.location)]
    callers = tuple(Diagnostic("note", "called from", place) for place in trace[1:])
    notes = tuple(from_mlir(note, rename) for note in diagnostic.notes)
    return Diagnostic(
        diagnostic.severity.name.lower(), diagnostic.message, trace[0] if trace else None, callers + notes
    )


def places(location: ir.Location) -> Iterator[Location]:
    """Yield the place in a file that `location` stands for, then the places it was called from; none if unknown."""
    if location.is_a_file():
        yield Location(location.filename, location.start_line, location.start_col)
    elif location.is_a_callsite():
        yield from places(location.callee)
        yield from places(location.caller)
    elif location.is_a_name():
        yield from places(location.child_loc)
    elif location.is_a_fused():
        yield from next(filter(None, (list(places(part)) for part in location.locations)), [])


def render(diagnostic: Diagnostic, line: Callable[[Location], str]) -> str:
    """Return `diagnostic` and its notes as text, one `file:line:col: severity: message` each, with the source line.

    Args:
        diagnostic: What to show.
        line: Gives the source line of a place, or nothing.
    """
    parts = [f"{_where(diagnostic.location)}{diagnostic.severity}: {diagnostic.message}"]
    if diagnostic.location is not None:
        parts += _excerpt(line(diagnostic.location), diagnostic.location.column)
    return "\n".join([*parts, *(render(note, line) for note in diagnostic.notes)])


def _where(location: Location | None) -> str:
    """Return the prefix that says where, as far as it is known."""
    if location is None:
        return ""
    return f"{location}: " if location.line else f"{location.file}: "


def _excerpt(line: str, column: int) -> list[str]:
    """Return `line` and a caret under the byte `column`, or nothing where one of them is unknown."""
    if not line or not column:
        return []
    before = line.encode()[: column - 1].decode(errors="ignore")
    return [line, re.sub(r"[^\t]", " ", before) + "^"]
