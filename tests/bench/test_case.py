import numpy as np
import pytest

from bench.case import Case, Entry, normal, pure, select
from bench.cases import CASES
from bench.libraries import LIBRARIES


def test_names_of_cases_and_of_their_entries_are_unique():
    assert len({case.name for case in CASES}) == len(CASES)
    for case in CASES:
        assert len({entry.name for entry in case.entries}) == len(case.entries)


def test_every_case_compares_catgrad_with_something():
    for case in CASES:
        libraries = {entry.library for entry in case.entries}
        assert libraries <= LIBRARIES.keys()
        assert "catgrad" in libraries
        is_compared = len([entry for entry in case.entries if entry.library != "machine"]) > 1
        assert is_compared or "0000-" in case.name, "only what takes others too long is measured alone"


def test_inputs_of_every_small_case_are_drawn_equal_twice():
    for case in (case for case in CASES if not case.name.endswith(("00000", "120000-kilobytes"))):
        first, second = (case.inputs(np.random.default_rng(0)) for _ in range(2))
        for x, y in zip(first, second, strict=True):
            np.testing.assert_array_equal(x, y)


def test_a_pure_function_of_torch_is_entered_eagerly_and_compiled():
    assert [entry.name for entry in pure(torch=abs, jax=abs)] == ["torch", "torch.compile", "jax.jit"]


def test_a_variant_is_part_of_the_name():
    assert Entry("torch", print, "by hand").name == "torch (by hand)"


@pytest.mark.parametrize(
    ("pattern", "expected"), [("*", 3), ("exp", 2), ("exp/*", 2), ("matmul/6?", 1), ("gemm", 0), ("exp/8", 1)]
)
def test_select_by_pattern_or_part(pattern, expected):
    cases = tuple(Case(name, normal(), (), abs) for name in ("exp/8", "matmul/64", "exp/80"))
    assert len(select(cases, pattern)) == expected
