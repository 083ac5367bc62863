"""Reports: a table for reading, JSON for keeping."""

from __future__ import annotations

import json
import os
import platform
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from bench.coordinator import Settings
from bench.results import OURS, CaseResult, Figures

__all__ = ["duration", "failures", "growth", "table", "to_json"]

COLUMNS = ("time", "p10 … p90", "rate", "of peak", "best peer ÷ it", "first call", "memory")
UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))


def table(results: list[CaseResult]) -> Table:
    """One row a competitor, fastest first within its case."""
    shown = Table(box=SIMPLE_HEAD, pad_edge=False)
    shown.add_column("competitor", no_wrap=True, min_width=max(len(result.case) for result in results))
    for column in COLUMNS:
        shown.add_column(column, justify="right", no_wrap=True)
    for result in results:
        add_case(shown, result)
    return shown


def add_case(shown: Table, result: CaseResult) -> None:
    """Adds the rows of a case."""
    shown.add_row(result.case, style="bold")
    for figures in result.measured:
        shown.add_row(f"  {figures.name}", *cells(result, figures), style="green" if figures.name == OURS else None)
    for figures in result.competitors:
        if figures.failure:
            shown.add_row(f"  {figures.name}", "failed", style="red")
    shown.add_section()


def cells(result: CaseResult, figures: Figures) -> tuple[str, ...]:
    """A competitor's figures, in the order of COLUMNS."""
    share, ratio = result.share(figures), result.ratio_of(figures)
    low, high = (figures.percentile(percent) / figures.seconds - 1 for percent in (10, 90))
    return (
        duration(figures.seconds),
        f"{low:+.0%} … {high:+.0%}",
        result.rate(figures),
        "" if share is None else f"{share:.0%}",
        "" if ratio is None else f"{ratio:.2f}",
        duration(figures.first_call),
        f"{figures.memory / 2**20:.1f} MiB",
    )


def failures(results: list[CaseResult]) -> list[str]:
    """A line for each reason for which a competitor dropped out, and the cases it holds for."""
    cases: dict[tuple[str, str], list[str]] = {}
    for result in results:
        for figures in (*result.competitors, *result.machine):
            if figures.failure:
                cases.setdefault((figures.name, figures.failure), []).append(result.case)
    return [f"{name} failed in {', '.join(names)}: {reason}" for (name, reason), names in cases.items()]


def growth(results: list[CaseResult]) -> list[str]:
    """A line for each case that is a larger version of another: how many times as long each competitor takes for it."""
    seconds = {(result.case, figures.name): figures.seconds for result in results for figures in result.measured}
    lines = []
    for result in results:
        times = {figures.name: seconds.get((result.compared_to, figures.name)) for figures in result.measured}
        shown = [f"{name} {seconds[result.case, name] / time:.2f}" for name, time in times.items() if time]
        if shown:
            lines.append(f"{result.case} ÷ {result.compared_to}: {', '.join(shown)}")
    return lines


def duration(seconds: float) -> str:
    """Three significant digits and a unit.

    Example:
        >>> duration(0.00001234), duration(2.0), duration(0)
        ('12.3 µs', '2.00 s', '0.00 ns')
    """
    scale, unit = next(((scale, unit) for scale, unit in UNITS if seconds >= scale), UNITS[-1])
    value = seconds / scale
    return f"{value:.{2 if value < 9.995 else 1 if value < 99.95 else 0}f} {unit}"


def to_json(results: list[CaseResult], settings: Settings, path: Path) -> None:
    """Writes everything that was measured, and on what."""
    data = {"machine": machine(settings), "cases": [result.to_json() for result in results]}
    path.write_text(json.dumps(data, indent=1) + "\n")


def machine(settings: Settings) -> dict[str, Any]:
    """The processor, its use, and the interpreter."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "threads": settings.threads,
        "target": settings.target,
        "system": platform.platform(),
        "python": platform.python_version(),
    }


def show(results: list[CaseResult], console: Console) -> None:
    """Prints the table, how times grow, and why competitors are missing."""
    console.print(table(results))
    for line in growth(results):
        console.print(line, markup=False, highlight=False)
    for line in failures(results):
        console.print(line, style="red", markup=False, highlight=False)
