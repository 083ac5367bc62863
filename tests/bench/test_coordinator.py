import os
import signal

import numpy as np
import pytest

from bench import coordinator
from bench.case import Case, Entry, normal, select
from bench.cases import CASES
from bench.coordinator import Settings, environment, run_case

BRIEF = Settings(block=1e-3, rounds=3, budget=5.0)


def entries(case, *libraries):
    return tuple(entry for entry in case.entries if entry.library in libraries)


def test_a_case_is_measured_in_processes_of_their_own():
    (case,) = select(CASES, "matmul/64x64x64")
    result = run_case(case, entries(case, "numpy"), BRIEF)
    (figures,) = result.competitors
    assert (figures.name, figures.failure, figures.version) == ("numpy", "", np.__version__)
    assert len(figures.blocks) == BRIEF.rounds
    assert min(figures.blocks) > 0


def test_a_competitor_that_cannot_be_opened_is_reported_and_the_others_are_measured():
    (case,) = select(CASES, "exp/")
    stranger = Entry("no such library", print)
    result = run_case(case, (stranger, *entries(case, "numpy")), BRIEF)
    assert [bool(figures.failure) for figures in result.competitors] == [True, False]


def test_a_crash_is_reported_with_its_signal():
    (case,) = select(CASES, "exp/")
    worker = coordinator.Worker(case, case.entry("numpy"), BRIEF)
    try:
        worker.attempt(coordinator.Worker.open)
        os.kill(worker.process.pid, signal.SIGKILL)
        worker.attempt(coordinator.Worker.prepare)
        assert worker.figures.failure.startswith("crashed (SIGKILL)")
    finally:
        worker.close()


def test_a_competitor_that_does_not_answer_in_time_is_reported():
    (case,) = select(CASES, "exp/")
    hasty = Case(case.name, normal(), case.entries, case.reference, time_limit=0.0)
    result = run_case(hasty, entries(hasty, "numpy"), BRIEF)
    assert result.competitors[0].failure == "no answer within 0 s"


def test_environment_sizes_every_pool():
    changed = environment({"OMP_NUM_THREADS": "64", "OPENBLAS_L2_SIZE": "512"}, threads=2)
    assert {value for name, value in changed.items() if name.endswith("_NUM_THREADS")} == {"2"}
    assert "OPENBLAS_L2_SIZE" not in changed


@pytest.mark.parametrize("threads", [1, 2])
def test_as_many_cores_as_threads(threads):
    available = os.sched_getaffinity(0)
    cores = Settings(threads=threads).cores
    assert len(cores) == min(threads, len(available))
    assert set(cores) <= available
