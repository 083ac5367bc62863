import numpy as np
import pytest

from bench.case import Case, Entry, normal, pure
from bench.competitor import Competitor, as_arrays, calibrate, relative_error
from bench.worker import attempt


def negation(function):
    return Case("negate", normal((4,)), pure(numpy=function), reference=lambda x: -x)


def test_a_right_result_has_a_small_error_and_is_timed():
    case = negation(lambda np, x, out=None: np.negative(x, out=out))
    competitor = Competitor(case, case.entries[0], threads=1, block=1e-4)
    assert competitor.prepare().error < 1e-6
    assert competitor.block() > 0


def test_a_wrong_result_shows_as_an_error():
    case = negation(lambda np, x, out=None: np.positive(x, out=out))
    competitor = Competitor(case, case.entries[0], threads=1, block=1e-4)
    assert competitor.prepare().error == pytest.approx(2)


def test_the_time_of_a_call_that_repeats_the_work_is_divided():
    calls = []
    case = Case("count", normal(), (Entry("numpy", lambda *_: lambda: calls.append(0) or 0, repeats=4),), lambda: 0)
    competitor = Competitor(case, case.entries[0], threads=1, block=1e-4)
    competitor.prepare()
    competitor.repeats, before = 2, len(calls)
    competitor.block()
    assert len(calls) - before == 3  # one to warm the caches


@pytest.mark.parametrize(("seconds_a_call", "expected"), [(2.0, 1), (0.25, 4), (0.001, 1000)])
def test_calibrate_fills_the_block(seconds_a_call, expected):
    assert calibrate(abs, 1.0, timer=lambda call, repeats: repeats * seconds_a_call) == expected


def test_relative_error_compares_shapes_and_scales_each_result():
    x = np.array([1.0, -2.0])
    assert relative_error([x], [x]) == 0
    assert relative_error([x, 100 * x], [x, 101 * x]) == pytest.approx(1 / 101)
    assert relative_error([x], [x[:1]]) == np.inf
    assert np.isnan(relative_error([x * np.nan], [x]))


def test_relative_error_of_zeros_is_absolute():
    assert relative_error([np.array([0.5])], [np.array([0.0])]) == 0.5


def test_as_arrays_takes_one_result_or_several():
    assert [array.shape for array in as_arrays((1.0, np.zeros(3)))] == [(), (3,)]
    assert [array.shape for array in as_arrays(np.zeros((2, 2)))] == [(2, 2)]


def test_what_is_an_array_of_numpy_is_not_fetched():
    x = np.zeros(3)
    assert as_arrays((x, 1.0), fetch=lambda number: number + 1) == [x, 2.0]


def test_an_exception_becomes_a_failure_of_one_line():
    def fail():
        raise ValueError("first\nsecond")

    assert attempt(fail).message == "ValueError: first"
