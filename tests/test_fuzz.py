"""The fuzzer: a few of its cases, all that it has ever found, and whether it would notice an error."""

import contextlib
import ctypes
import faulthandler
import os
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fuzz.cases import KINDS, Case, Failure, case, check
from fuzz.guarded import Guarded
from fuzz.oracle import expect
from fuzz.plan import Plan, Step, generate, trace
from fuzz.shrink import shrunk
from fuzz.supervisor import Supervised

import catgrad as cg
from catgrad import trees
from catgrad.errors import CatgradError
from catgrad.ops import OPS

CORPUS = sorted(Path(__file__).parent.joinpath("corpus").glob("*.json"))


def test_what_was_found_once_and_some_cases():
    """In one process of their own: what was found once may have ended its process."""
    cases = {file.stem: Case.of_json(file.read_text()) for file in CORPUS}
    cases |= {f"case {seed}": case(seed) for seed in (0, 2, 5, 7, 9)}
    with Supervised() as supervised:
        complaints = {name: supervised.complaint(tried) for name, tried in cases.items()}
    assert {name: complaint for name, complaint in complaints.items() if complaint is not None} == {}


def test_cases_are_data():
    for seed in range(10):
        tried = case(seed)
        assert Case.of_json(tried.to_json()) == tried
        assert case(seed) == tried
    assert {case(seed).kind for seed in range(10)} == set(KINDS)


def test_every_operation_takes_part():
    seen = {step.op for seed in range(120) for step in generate(seed).steps}
    assert seen == {name for name in OPS if name != "call"}


def test_programs_without_some_steps_are_programs():
    for seed in (3, 5, 8):
        plan = replace(generate(seed), order=0)
        for first in range(len(plan.steps) - 1):
            trace(plan.without(range(first, first + 1)))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of forks where there are threads
@pytest.mark.parametrize("ends", [True, False])
def test_arrays_are_guarded(ends):
    array = Guarded(lambda: ends).copy(np.arange(5, dtype=np.float32))
    assert array.tolist() == [0, 1, 2, 3, 4]
    pid = os.fork()
    if pid == 0:
        faulthandler.disable()
        ctypes.string_at(array.ctypes.data + (array.nbytes if ends else -1), 1)
        os._exit(0)
    assert os.waitpid(pid, 0)[1] & 0x7F == signal.SIGSEGV


def test_a_process_that_ends_is_a_complaint():
    with Supervised() as supervised:
        assert supervised.complaint(Case("none", Plan(()), 0)).endswith("KeyError: 'none'")
        supervised._process.kill()
        assert supervised.complaint(Case("none", Plan(()), 0)) == "the process ended: SIGKILL"


def test_failures_become_small():
    plan = generate(5)
    names = [step.op for step in plan.steps]

    def fails(tried):
        return names[2] in [step.op for step in tried.plan.steps]

    least = shrunk(Case("values", plan, 5), fails).plan
    assert [step.op for step in least.steps] == [names[2]]
    assert (least.order, least.symbolic) == (0, False)


def noticed(seed):
    """Yield, for each step of a program that gives f32, whether a relative error of 3e-6 in it is noticed."""
    plan = replace(generate(seed), order=0, symbolic=False)
    expected, values = expect(trace(plan), plan.inputs), plan.values
    for place in range(len(plan.steps)):
        own = [value for (step, _), value in values.items() if step == place and value.dtype == np.float32]
        if any((np.isfinite(value) & (value != 0)).any() for value in own):
            found = trees.flatten(cg.interpret(trace(plan, place, 3e-6), *plan.inputs))[0]
            yield any(e.complaint(np.asarray(f)) for e, f in zip(expected, found, strict=True))


def test_small_errors_are_noticed_and_rounding_is_none():
    """An error of 3e-6, fifty times the rounding of f32, is noticed in nine programs of ten."""
    hits = [hit for seed in range(40) for hit in noticed(seed)]
    assert len(hits) > 50
    assert np.mean(hits) >= 0.9


@pytest.mark.slow
def test_small_errors_are_noticed_in_compiled_code():
    """One step of each program has the error; gradients of gradients are among the programs."""
    hits = []
    for seed in range(2000, 2060):
        plan = replace(generate(seed), symbolic=False)
        places = [step for (step, _), value in plan.values.items() if value.dtype == np.float32 and np.any(value)]
        if places:
            with contextlib.suppress(CatgradError):  # a derivative that does not exist
                expected, place = expect(trace(plan), plan.inputs), places[seed % len(places)]
                found = trees.flatten(cg.compile(trace(plan, place, 3e-6))(*plan.inputs))[0]
                hits.append(any(e.complaint(np.asarray(f)) for e, f in zip(expected, found, strict=True)))
    assert len(hits) > 25
    assert np.mean(hits) >= 0.9


def test_a_wrong_result_is_a_failure(monkeypatch):
    plan = Plan((Step("exp", "f32", 0, (None,)),))
    check(Case("values", plan, 3))
    other = expect(trace(plan, 0, 3e-6), plan.inputs)
    monkeypatch.setattr("fuzz.cases.expect", lambda *_: other)
    with pytest.raises(Failure, match="elements are wrong"):
        check(Case("values", plan, 3))
