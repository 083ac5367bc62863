"""The diagnostics of one chunk: each is shown at once, or kept to be compared with what the chunk's comments expect."""

from __future__ import annotations

import sys

from mlir import ir

from catgrad.location import Location
from catgrad.tools.driver import assembly, expected
from catgrad.tools.driver.diagnostics import Diagnostic, from_mlir, render
from catgrad.tools.driver.source import Source

__all__ = ["Reporter"]

_IGNORED = "ignoring unknown external resources for 'mlir_reproducer'"
"""What MLIR says about the pipeline in a reproducer, which is for us to read."""


class Reporter:
    """Receives diagnostics.

    Args:
        source: The input they are about.
        keep: Whether they are kept instead of shown.
    """

    def __init__(self, source: Source, keep: bool) -> None:
        self._source = source
        self._keep = keep
        self._diagnostics: list[Diagnostic] = []

    def receive(self, diagnostic: ir.Diagnostic) -> bool:
        """Take over a diagnostic of MLIR's."""
        if diagnostic.message != _IGNORED:
            self._report(from_mlir(diagnostic, self._file_name))
        return True

    def explain(self, message: str, line: int = 0, column: int = 0) -> None:
        """Report `message` if nothing else has been said about a failure; line 0 is the input as a whole."""
        if not any(diagnostic.severity == "error" for diagnostic in self._diagnostics):
            self._report(Diagnostic("error", message, Location(self._source.name, line, column)))

    def compare(self, text: str, only_expected: bool) -> bool:
        """Compare what was kept with the comments in `text`, show the differences, and return whether there are none.

        Raises:
            SourceError: A comment is malformed.
        """
        expectations = expected.expectations(self._source.name, text)
        complaints = expected.compare(expectations, self._diagnostics, only_expected)
        for complaint in complaints:
            self._show(complaint)
        return not complaints

    def _report(self, diagnostic: Diagnostic) -> None:
        """Record a diagnostic, and show it unless that is for `compare` to do."""
        self._diagnostics.append(diagnostic)
        if not self._keep:
            self._show(diagnostic)

    def _show(self, diagnostic: Diagnostic) -> None:
        """Print a diagnostic."""
        print(render(diagnostic, self._source.line), file=sys.stderr, flush=True)

    def _file_name(self, name: str) -> str:
        """Return the name of the file that MLIR calls `name`."""
        return self._source.name if name == assembly.UNNAMED else name
