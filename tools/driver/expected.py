"""Expected diagnostics: comments such as `// expected-error@+1 {{message}}` that the real ones are compared with.

The severity is error, warning, remark or note. The line is that of the comment, moved by `@+N` or `@-N`; `@above` and
`@below` are the nearest lines without such comments; `@unknown` expects no place. The text between the braces is a part
of the message; after `-re` it contains regular expressions in braces of their own: `{{expects {{[0-9]+}} operands}}`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from catgrad.location import Location
from catgrad.tools.driver.diagnostics import Diagnostic
from catgrad.tools.driver.errors import SourceError

__all__ = ["Expectation", "compare", "expectations"]

_COMMENT = re.compile(
    r"expected-(error|warning|remark|note)(-re)? *(?:@([+-]\d+|above|below|unknown))? *\{\{(.*)\}\}\s*$"
)
_EMBEDDED = re.compile(r"\{\{(.*?)\}\}")
_OPERATION_NOTE = "see current operation: "
"""Begins a note that MLIR's bindings add to every error about an operation; `mlir-opt` does without when comparing."""


@dataclass(frozen=True)
class Expectation:
    """One such comment.

    Attributes:
        severity: "error", "warning", "remark" or "note".
        line: The line it must be about; None for an unknown place.
        pattern: What the message must contain.
        text: The pattern as it was written.
        comment: The place of the comment.
    """

    severity: str
    line: int | None
    pattern: re.Pattern[str]
    text: str
    comment: Location

    def accepts(self, diagnostic: Diagnostic) -> bool:
        """Return whether `diagnostic` is the expected one."""
        line = (diagnostic.location and diagnostic.location.line) or None
        matches = self.severity == diagnostic.severity and self.line == line
        return matches and self.pattern.search(diagnostic.message) is not None


def expectations(file: str, text: str) -> list[Expectation]:
    """Return the expectations that the comments in `text` state; raise `SourceError` for a malformed one."""
    lines = text.split("\n")
    found = ((number, _COMMENT.search(line)) for number, line in enumerate(lines, 1))
    comments = {number: match for number, match in found if match is not None}
    return [_expectation(file, number, match, comments.keys()) for number, match in comments.items()]


def compare(
    expected: Sequence[Expectation], diagnostics: Iterable[Diagnostic], only_expected: bool = False
) -> list[Diagnostic]:
    """Match each diagnostic, and each note, with one expectation.

    Args:
        expected: What the comments state.
        diagnostics: What was reported.
        only_expected: Accept diagnostics that nothing expects.

    Returns:
        An error for each diagnostic and each expectation without a partner.
    """
    missing, complaints = list(expected), []
    for diagnostic in _with_notes(diagnostics):
        partner = next((expectation for expectation in missing if expectation.accepts(diagnostic)), None)
        if partner is not None:
            missing.remove(partner)
        elif not only_expected and not diagnostic.message.startswith(_OPERATION_NOTE):
            message = f"unexpected {diagnostic.severity}: {diagnostic.message}"
            complaints.append(Diagnostic("error", message, diagnostic.location))
    return complaints + [
        Diagnostic("error", f'expected {lost.severity} "{lost.text}" was not produced', lost.comment)
        for lost in missing
    ]


def _expectation(file: str, number: int, match: re.Match[str], comments: Iterable[int]) -> Expectation:
    """Return what the comment `match` in line `number` states."""
    severity, is_regex, offset, text = match.groups()
    pattern = _regex(text) if is_regex else re.escape(text)
    comment = Location(file, number, match.start() + 1)
    try:
        return Expectation(severity, _line(number, offset, set(comments)), re.compile(pattern), text, comment)
    except re.error as error:
        raise SourceError(f"{file}:{number}: error: not a regular expression: {error}") from error


def _line(number: int, offset: str | None, comments: set[int]) -> int | None:
    """Return the line that a comment in line `number` is about."""
    if offset == "unknown":
        return None
    if offset not in {"above", "below"}:
        return number + int(offset or 0)
    step = -1 if offset == "above" else 1
    while number in comments:
        number += step
    return number


def _regex(text: str) -> str:
    """Return the regular expression for `text`, where only what stands in double braces is one already."""
    parts = _EMBEDDED.split(text)
    return "".join(part if index % 2 else re.escape(part) for index, part in enumerate(parts))


def _with_notes(diagnostics: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
    """Yield diagnostics, each followed by its notes."""
    for diagnostic in diagnostics:
        yield diagnostic
        yield from _with_notes(diagnostic.notes)
