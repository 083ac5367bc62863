"""Fuzz for a while, or repeat cases from files."""

from __future__ import annotations

import hashlib
import time
from argparse import ArgumentParser
from pathlib import Path

from fuzz.cases import Case, case
from fuzz.shrink import shrunk
from fuzz.supervisor import Supervised, work

FAILURES = Path("build/fuzz")


def main() -> int:
    """Return 1 if a case fails."""
    parser = ArgumentParser(prog="fuzz", description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, help="cases to repeat")
    parser.add_argument("--seconds", type=float, default=60, help="how long (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=None, help="the number of the first case (default: the time)")
    parser.add_argument("--work", action="store_true", help="try the cases of standard input")
    arguments = parser.parse_args()
    if arguments.work:
        work()
        return 0
    with Supervised() as supervised:
        if arguments.files:
            return int(any([_report(supervised, Case.of_json(file.read_text()), file) for file in arguments.files]))
        return _fuzz(supervised, arguments.seconds, int(time.time()) if arguments.seed is None else arguments.seed)


def _fuzz(supervised: Supervised, seconds: float, seed: int) -> int:
    failures, first, end = 0, seed, time.monotonic() + seconds
    while time.monotonic() < end:
        failures += _try(supervised, case(seed))
        seed += 1
    print(f"{seed - first} cases from {first} on, {failures} failures")
    return int(bool(failures))


def _try(supervised: Supervised, tried: Case) -> bool:
    """Try a case; where it fails keep the least one that does."""
    complaint = supervised.complaint(tried)
    if complaint is None:
        return False
    print(f"case {tried.seed} ({tried.kind}) fails: {complaint.splitlines()[-1]}", flush=True)
    least = shrunk(tried, lambda other: supervised.complaint(other) is not None)
    FAILURES.mkdir(parents=True, exist_ok=True)
    file = FAILURES / f"{least.kind}-{hashlib.sha256(least.to_json().encode()).hexdigest()[:12]}.json"
    file.write_text(least.to_json() + "\n")
    _report(supervised, least, file)
    return True


def _report(supervised: Supervised, tried: Case, file: Path) -> bool:
    complaint = supervised.complaint(tried)
    print(f"{file}: {'right' if complaint is None else complaint}")
    if complaint is not None:
        steps = ", ".join(f"{step.op} {step.dtype}" for step in tried.plan.steps)
        print(f"  {tried.kind} on {tried.plan.target}, differentiated {tried.plan.order} times: {steps}")
        print(f"  to repeat it: PYTHONPATH=tests/support .venv/bin/python -m fuzz {file}")
        print("  when it is mended: keep the file in tests/corpus", flush=True)
    return complaint is not None


if __name__ == "__main__":
    raise SystemExit(main())
