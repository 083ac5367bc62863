"""The command: `python -m bench --help`."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench.case import Case, Entry, select
from bench.cases import CASES
from bench.coordinator import Settings, run_together
from bench.libraries import LIBRARIES
from bench.plot import plot
from bench.report import show, to_json
from bench.results import OURS, CaseResult

# Columns of the table where no terminal says how wide it is.
WIDTH = 120
THOROUGH = Settings()
QUICK = Settings(block=0.01, rounds=9, budget=5.0)


def main() -> None:
    """Runs the chosen cases and reports them."""
    options = parse()
    cases = select(CASES, options.case)
    if not cases:
        raise SystemExit(f"no case matches {options.case!r}: --list shows them")
    if options.list:
        print(*(case.name for case in cases), sep="\n")
        return
    if options.target != "cpu" and (reason := missing()):
        raise SystemExit(f"nothing is measured on {options.target}: {reason}")
    settings = replace(QUICK if options.quick else THOROUGH, threads=options.threads, target=options.target)
    if len(settings.cores) < options.threads:
        raise SystemExit(f"{options.threads} threads need as many cores; there are {len(settings.cores)}")
    results = run(cases, {OURS, "machine", *options.peers}, settings)
    show(results, Console(width=None if sys.stdout.isatty() else WIDTH))
    for path in filter(None, (options.json, options.plot)):
        path.parent.mkdir(parents=True, exist_ok=True)
    if options.json:
        to_json(results, settings, options.json)
    if options.plot:
        plot(results, options.plot)


def parse() -> argparse.Namespace:
    """The command line."""
    peers = tuple(name for name in LIBRARIES if name not in {OURS, "machine"})
    parser = argparse.ArgumentParser("python -m bench", description="Measures catgrad next to its peers.")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter blocks: all cases in under ten minutes")
    parser.add_argument("--case", default="*", metavar="PATTERN", help="cases whose name matches or contains PATTERN")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="threads for every library, on N cores (1)")
    parser.add_argument(
        "--peers", nargs="+", choices=peers, default=peers, metavar="NAME", help=f"of {', '.join(peers)}"
    )
    parser.add_argument("--no-peers", dest="peers", action="store_const", const=(), help="catgrad alone")
    parser.add_argument("--target", choices=("cpu", "cuda"), default="cpu", help="what to measure on (cpu)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all measurements")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the ratios (.png, .svg)")
    parser.add_argument("--list", action="store_true", help="name the cases and stop")
    return parser.parse_args()


def run(cases: tuple[Case, ...], libraries: set[str], settings: Settings) -> list[CaseResult]:
    """Measures case after case, showing how far it is."""
    columns = TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn()
    results = []
    entered = [(case, entries) for case in cases if (entries := chosen(case, libraries, settings.target))]
    with Progress(*columns, console=Console(stderr=True), transient=True, refresh_per_second=1) as progress:
        task = progress.add_task("", total=len(entered))
        for group in compared(entered):
            progress.update(task, description=group[-1][0].name)
            results += run_together(group, settings)
            progress.advance(task, len(group))
    return results


def compared(entered: list[tuple[Case, tuple[Entry, ...]]]) -> list[list[tuple[Case, tuple[Entry, ...]]]]:
    """The cases with their entries, those together of which one is a larger version of the other."""
    groups: dict[str, list[tuple[Case, tuple[Entry, ...]]]] = {}
    for case, entries in entered:
        groups.setdefault(case.compared_to or case.name, []).append((case, entries))
    return list(groups.values())


def chosen(case: Case, libraries: set[str], target: str = "cpu") -> tuple[Entry, ...]:
    """The entries of a case whose library takes part, and can be measured on a target."""
    return tuple(entry for entry in case.entries if entry.library in libraries and target in entry.targets)


def missing() -> str:
    """Missing requirements for running on a GPU; empty if there are none."""
    from catgrad.runtime.gpu.driver import MissingDriver, open_driver, properties

    try:
        return "" if properties(open_driver()) else "the CUDA driver has no device"
    except MissingDriver as error:
        return error.message


if __name__ == "__main__":
    main()
