"""Say what this machine offers, and what is missing for what."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from catgrad.cli.examination import Finding

__all__ = ["EPILOG", "configure", "run"]

_INDENT = 18
"""Characters before what was found."""

EPILOG = """\
The exit code is 0 if a function could be compiled for this processor and run, else 1.
"""


def configure(parser: ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: Namespace) -> int:
    """Examine the machine and print the findings."""
    from catgrad.cli.examination import examine

    findings = examine()
    healthy = all(finding.found for finding in findings.values() if finding.required)
    if arguments.json:
        print(json.dumps({"ok": healthy, "findings": {name: asdict(f) for name, f in findings.items()}}))
    else:
        _print(findings)
    return 0 if healthy else 1


def _print(findings: dict[str, Finding]) -> None:
    """Print a row for each finding, and under it what is missing for what."""
    from rich.text import Text

    from catgrad.cli.console import row, terminal

    console = terminal()
    for name, finding in findings.items():
        mark, style = _mark(finding)
        said = row(f"{mark}  {name}", finding.value, console.width, _INDENT)
        console.print(Text.assemble((said[: len(mark)], style), said[len(mark) :]))
        if not finding.found:
            remedy = f": {finding.install}" if finding.install else ""
            console.print(Text(row("", f"needed for {finding.needed_for}{remedy}", console.width, _INDENT), "dim"))


def _mark(finding: Finding) -> tuple[str, str]:
    """Return the sign before a finding, and its style."""
    if finding.found:
        return "✓", "green"
    return ("✗", "red") if finding.required else ("–", "yellow")
