"""The programs that are started: those that catgrad alone makes still build, run, and predict rightly."""

import shutil

import pytest

from bench.cases.starting import CASES
from bench.competitor import Competitor

CASE = CASES[0]


@pytest.mark.sampled(3)
@pytest.mark.parametrize("entry", [entry for entry in CASE.entries if entry.library == "catgrad"], ids=lambda e: e.name)
def test_a_started_program_predicts(entry):
    if shutil.which("cc") is None:
        pytest.skip("cc is not installed")
    assert Competitor(CASE, entry, threads=1, block=1e-4).prepare().error < CASE.tolerance
