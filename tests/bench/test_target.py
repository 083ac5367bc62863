"""Measuring on a GPU: who takes part, on what arrays, and what is said where there is none."""

import numpy as np
import pytest

from bench import __main__ as command
from bench.case import Case, Entry, normal, pure
from bench.cases import CASES
from bench.cases.training import CASES as TRAINING
from bench.competitor import Competitor
from catgrad.runtime.gpu import driver
from catgrad.runtime.gpu.array import DeviceArray


def test_without_a_driver_nothing_is_measured(monkeypatch):
    monkeypatch.setattr(driver, "LIBRARY", "libabacus.so.1")
    monkeypatch.setattr("sys.argv", ["bench", "--target", "cuda", "--no-peers"])
    with pytest.raises(SystemExit, match=r"nothing is measured on cuda: no CUDA driver: libabacus.so.1 not found"):
        command.main()


def test_those_take_part_that_can():
    names = {entry.library for case in CASES for entry in case.entries}
    entered = {case.name: command.chosen(case, names, "cuda") for case in CASES}
    assert {entry.library for entries in entered.values() for entry in entries} == {"catgrad", "torch", "torch.compile"}
    assert len(entered["mlp-step/784-128-10"]) == 4
    assert not entered["first-step/digits"]


def test_inputs_are_on_the_device_and_results_are_right():
    case = Case("negate", normal((4, 3)), pure(catgrad=lambda cg, x: -x), reference=lambda x: -x)
    competitor = Competitor(case, case.entries[0], threads=1, block=1e-4, target="cuda:emulate")
    assert competitor.prepare().error == 0
    assert isinstance(competitor.call(), DeviceArray)


@pytest.mark.slow
def test_a_step_is_the_same_on_the_device():
    (case,) = TRAINING
    competitor = Competitor(case, case.entry("catgrad"), threads=1, block=1e-4, target="cuda:emulate")
    call = competitor.library.waited(competitor.entry.program(competitor.library, competitor.inputs))
    assert competitor.check(call()) < case.tolerance


def test_results_may_be_fetched_later():
    case = Case("one", normal(), (Entry("numpy", lambda *_: lambda: lambda: np.ones(2)),), lambda: np.ones(2))
    assert Competitor(case, case.entries[0], threads=1, block=1e-4).prepare().error == 0
