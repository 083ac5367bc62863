"""Cases in a process of their own, which may abort or hang: then there is a new one."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import traceback
from pathlib import Path

from fuzz.cases import Case, check

__all__ = ["Supervised", "work"]

_SECONDS = 120
"""How long a case may take."""


class Supervised:
    """A process that tries cases."""

    def __init__(self) -> None:
        self._process: subprocess.Popen | None = None

    def __enter__(self) -> Supervised:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def complaint(self, case: Case) -> str | None:
        """Try a case; return what is wrong, if anything is."""
        process = self._process = self._process or _started()
        process.stdin.write(case.to_json() + "\n")
        process.stdin.flush()
        ready, _, _ = select.select([process.stdout], [], [], _SECONDS)
        answer = process.stdout.readline() if ready else ""
        if answer:
            return answer.strip().replace("\\n", "\n") if answer != "right\n" else None
        code = process.poll() if not ready else process.wait()
        self._end()
        if code is None:
            return f"it takes more than {_SECONDS} s"
        return f"the process ended: {signal.Signals(-code).name if code < 0 else code}"

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


def _started() -> subprocess.Popen:
    path = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    return subprocess.Popen(
        [sys.executable, "-m", "fuzz", "--work"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": path, "CATGRAD_CACHE_DIR": ""},
    )


def work() -> None:
    """Try the cases of standard input, and answer each with one line."""
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        try:
            check(Case.of_json(line))
            answer = "right"
        except Exception:
            answer = traceback.format_exc(limit=-4).strip().replace("\n", "\\n")
        print(answer, file=answers, flush=True)
