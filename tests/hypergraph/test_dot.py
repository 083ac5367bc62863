import shutil
import subprocess

import pytest
from diagrams import arrows, few
from hypothesis import given

from catgrad.hypergraph import FiniteFunction, OpenHypergraph, to_dot

Arrow = OpenHypergraph


def body(f, **options):
    """The lines after the header, without those that declare boundaries."""
    lines = [line.strip() for line in to_dot(f, **options).splitlines()]
    return [line for line in lines if line.startswith(("e", "n")) or "->" in line][2:]


def test_a_wire_is_an_arrow_with_its_label():
    f = Arrow.singleton("f", ["X"], ["Y"]) >> Arrow.singleton("g", ["Y"], [])
    assert body(f) == [
        'e0 [label="f"];',
        'e1 [label="g"];',
        'i0 -> e0 [label="X"];',
        'e0 -> e1 [label="Y"];',
    ]


def test_a_spider_is_a_dot():
    f = Arrow.spider(FiniteFunction.identity(1), FiniteFunction([0, 0], 1), ["X"])
    lines = body(f)
    assert lines[0].startswith('n0 [xlabel="X", shape=point')
    assert lines[1:] == ["i0 -> n0 [arrowhead=none];", "n0 -> o0;", "n0 -> o1;"]


def test_labels_are_escaped_and_formatted():
    f = Arrow.singleton('a "b" \\\nc', [], ["X"])
    assert body(f, node_label=lambda label: f"<{label}>") == [
        r'e0 [label="a \"b\" \\\nc"];',
        'e0 -> o0 [label="<X>"];',
    ]


@few
@given(arrows())
def test_text_is_deterministic(f):
    assert to_dot(f) == to_dot(f)
    assert to_dot(f).count("->") >= len(f.targets)


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
def test_graphviz_reads_it():
    f = Arrow.singleton('a"', ["X"], ["Y", "Y"]) >> Arrow.singleton("g", ["Y", "Y"], ["X"])
    subprocess.run(["dot", "-Tsvg"], input=to_dot(f), text=True, check=True, capture_output=True)
