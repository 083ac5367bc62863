import json

import pytest
from rich.console import Console

from bench.__main__ import compared
from bench.case import Case, normal
from bench.coordinator import Settings
from bench.plot import peer_points
from bench.report import duration, failures, growth, table, to_json
from bench.results import CaseResult, Figures


def figures(name, *blocks, failure=""):
    return Figures(name, "1.0", failure, first_call=0.5, memory=2**20, blocks=blocks)


@pytest.fixture
def result():
    competitors = figures("numpy", 3e-6, 4e-6, 5e-6), figures("catgrad", 2e-6), figures("torch", 8e-6)
    machine = figures("machine (fma)", 1e-6), figures("machine (copy)", 1.5e-6)
    failed = figures("jax.jit", failure="ImportError: no jax")
    return CaseResult("matmul/64", 4000, 300, (*competitors, failed), machine)


def test_the_ratio_is_of_the_fastest_peers_median_to_ours(result):
    assert result.best_peer.name == "numpy"
    assert result.ratio == pytest.approx(2)


def test_the_limit_is_the_slower_of_the_machines_loops(result):
    assert result.share(result.ours) == pytest.approx(0.75)
    assert result.rate(result.ours) == "0.1 GB/s"


def test_without_our_figures_there_is_no_ratio(result):
    alone = CaseResult("matmul/64", 0, 0, (result.best_peer,))
    assert (alone.ours, alone.ratio, alone.share(result.best_peer), alone.rate(result.best_peer)) == (
        None,
        None,
        None,
        "",
    )


def test_the_table_lists_the_fastest_first_and_says_what_failed(result):
    console = Console(width=120)
    with console.capture() as captured:
        console.print(table([result]))
    lines = captured.get().splitlines()
    names = [line.split()[0] for line in lines if line.startswith("   ") and line.strip()]
    assert names == ["catgrad", "numpy", "torch", "jax.jit"]
    assert failures([result]) == ["jax.jit failed in matmul/64: ImportError: no jax"]


def test_a_larger_case_is_compared_to_the_one_that_it_enlarges():
    small = CaseResult("compile/2", 0, 0, (figures("catgrad", 2.0), figures("numpy", 1.0)))
    large = CaseResult("compile/200", 0, 0, (figures("catgrad", 3.0), figures("torch", 1.0)), (), "compile/2")
    assert growth([small, large]) == ["compile/200 ÷ compile/2: catgrad 1.50"]
    assert growth([large]) == growth([small]) == []


def test_cases_that_are_compared_take_turns():
    small, large, other = (
        Case(name, normal(), (), abs, compared_to=to) for name, to in (("2", ""), ("200", "2"), ("x", ""))
    )
    assert compared([(small, ()), (other, ()), (large, ())]) == [[(small, ()), (large, ())], [(other, ())]]


def test_json_keeps_every_block_and_the_ratio(result, tmp_path):
    to_json([result], Settings(), tmp_path / "out.json")
    (case,) = json.loads((tmp_path / "out.json").read_text())["cases"]
    assert case["ratio_to_best_peer"] == pytest.approx(2)
    assert case["competitors"][0]["blocks"] == [3e-6, 4e-6, 5e-6]


def test_the_plot_has_a_point_for_each_peer(result):
    assert peer_points([result]) == {"numpy": [(pytest.approx(2), 0)], "torch": [(pytest.approx(4), 0)]}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "0.00 ns"), (1e-9, "1.00 ns"), (9.999e-5, "100 µs"), (0.0123, "12.3 ms"), (60, "60.0 s")],
)
def test_duration_has_three_digits(seconds, text):
    assert duration(seconds) == text
