"""Whose turn it is: starts a worker for each competitor of a case, and asks each in turn for one block of calls."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, replace
from multiprocessing import Pipe
from typing import Any

from bench.case import Case, Entry
from bench.messages import Failure, Prepared, Task
from bench.results import CaseResult, Figures

__all__ = ["Settings", "environment", "run_case", "run_together"]


@dataclass(frozen=True)
class Settings:
    """Settings of the measurements: how long and how wide.

    Args:
        threads: Threads for every library; as many cores are used.
        block: Seconds of calls in a block.
        rounds: Blocks of each competitor.
        budget: Seconds after which no further round of a case is begun.
        target: What is measured: "cpu" or "cuda".
    """

    threads: int = 1
    block: float = 0.03
    rounds: int = 25
    budget: float = 60.0
    target: str = "cpu"

    @property
    def cores(self) -> tuple[int, ...]:
        """The cores measured on: the last ones, since the first serve interrupts."""
        return tuple(sorted(os.sched_getaffinity(0))[-self.threads :])


class WorkerFailed(Exception):
    """A competitor raised, gave a wrong result, or ran out of time; the message says which."""


class Worker:
    """A competitor's process, stopped except while it is asked for something, and the figures it has given so far."""

    def __init__(self, case: Case, entry: Entry, settings: Settings) -> None:
        self.case = case
        self.figures = Figures(entry.name)
        self.log = tempfile.TemporaryFile("w+", errors="replace")
        self.connection, theirs = Pipe()
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "bench.worker", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                env=environment(os.environ, settings.threads),
                stdin=subprocess.DEVNULL,
                stdout=self.log,
                stderr=self.log,
            )
        self.connection.send(Task(case.name, entry.name, settings.cores, settings.block, settings.target))

    def close(self) -> None:
        """Ends the process."""
        self.process.kill()
        self.process.wait()
        self.connection.close()
        self.log.close()

    def attempt(self, phase: Callable[[Worker], None]) -> None:
        """Goes through a phase, unless an earlier one failed."""
        if self.figures.failure:
            return
        try:
            phase(self)
        except WorkerFailed as failure:
            self.figures = replace(self.figures, failure=str(failure))
        except (EOFError, ConnectionError):
            self.figures = replace(self.figures, failure=self._last_words())
        self.process.send_signal(signal.SIGSTOP)

    def open(self) -> None:
        """Waits until the library is imported."""
        self.figures = replace(self.figures, version=self._answer())

    def prepare(self) -> None:
        """Has the program called once, and its result judged."""
        prepared: Prepared = self._ask("prepare")
        self.figures = replace(self.figures, **asdict(prepared))
        if not prepared.error <= self.case.tolerance:
            raise WorkerFailed(f"wrong result: error {prepared.error:.1e}, tolerance {self.case.tolerance:.0e}")

    def block(self) -> None:
        """Times one block of calls."""
        self.figures = replace(self.figures, blocks=(*self.figures.blocks, self._ask("block")))

    def _ask(self, method: str) -> Any:
        self.process.send_signal(signal.SIGCONT)
        self.connection.send(method)
        return self._answer()

    def _answer(self) -> Any:
        if not self.connection.poll(self.case.time_limit):
            raise WorkerFailed(f"no answer within {self.case.time_limit:.0f} s")
        answer = self.connection.recv()
        if isinstance(answer, Failure):
            raise WorkerFailed(answer.message)
        return answer

    def _last_words(self) -> str:
        code = self.process.wait()
        self.log.seek(0)
        last_line = (self.log.read().strip().splitlines() or ["no output"])[-1]
        ended = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return f"crashed ({ended}): {last_line}"


def environment(inherited: Mapping[str, str], threads: int) -> dict[str, str]:
    """The competitors' environment: thread pools of the right size, no kernels chosen for another machine, cold caches.

    Example:
        >>> changed = environment({"OPENBLAS_CORETYPE": "Haswell", "HOME": "/"}, threads=1)
        >>> "OPENBLAS_CORETYPE" in changed, changed["HOME"], changed["OMP_NUM_THREADS"]
        (False, '/', '1')
    """
    kept = {name: value for name, value in inherited.items() if not name.startswith("OPENBLAS_")}
    pools = ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "CATGRAD")
    return {
        **kept,
        **{f"{pool}_NUM_THREADS": str(threads) for pool in pools},
        "CATGRAD_CACHE_DIR": "",
        "JAX_PLATFORMS": "cpu",
        "TORCHINDUCTOR_FORCE_DISABLE_CACHES": "1",
        "TORCHINDUCTOR_COMPILE_THREADS": "1",
    }


def run_case(case: Case, entries: tuple[Entry, ...], settings: Settings) -> CaseResult:
    """Measures these entries of a case, block by block in turn."""
    (result,) = run_together([(case, entries)], settings)
    return result


def run_together(chosen: Sequence[tuple[Case, tuple[Entry, ...]]], settings: Settings) -> list[CaseResult]:
    """Measures entries of several cases, block by block in turn, so that the cases can be compared."""
    with ExitStack() as stack:
        groups = [
            [stack.enter_context(closing(Worker(case, e, settings))) for e in entries] for case, entries in chosen
        ]
        workers = [worker for group in groups for worker in group]
        for phase in (Worker.open, Worker.prepare):
            take_turns(workers, phase)
        deadline = time.monotonic() + settings.budget * len(groups)
        for _ in range(settings.rounds):
            take_turns(workers, Worker.block)
            if time.monotonic() > deadline:
                break
    return [result(case, group) for (case, _), group in zip(chosen, groups, strict=True)]


def result(case: Case, workers: list[Worker]) -> CaseResult:
    """The result of a case whose workers are done."""
    machine, competitors = partition(workers)
    return CaseResult(case.name, case.flops, case.bytes, competitors, machine, case.compared_to)


def take_turns(workers: list[Worker], phase: Callable[[Worker], None]) -> None:
    """Each worker goes through the phase, one after another."""
    for worker in workers:
        worker.attempt(phase)


def partition(workers: list[Worker]) -> tuple[tuple[Figures, ...], tuple[Figures, ...]]:
    """The figures of the machine's own loops, and those of the competitors."""
    figures = [worker.figures for worker in workers]
    machine = tuple(f for f in figures if f.name.startswith("machine"))
    return machine, tuple(f for f in figures if f not in machine)
