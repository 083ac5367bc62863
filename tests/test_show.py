"""Terms as text and as diagrams."""

import shutil
import xml.etree.ElementTree as ElementTree

import pytest

import catgrad as cg
from catgrad.errors import CatgradError
from catgrad.types import f32

needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="graphviz is not installed")


def _term():
    layer = cg.function(lambda x: cg.tanh(x))
    layer.name = "layer"

    def model(x):
        return layer(x) * 2, cg.sum(layer(x), axis=1)

    return cg.trace(model, f32[cg.dim("B"), 3])


def test_text_lists_definitions_first():
    first, second = str(_term()).split("\n\n")
    assert first.splitlines()[0] == "layer : (f32[B, 3]) -> f32[B, 3]"
    head, *lines, last = second.splitlines()
    assert head == "model : (f32[B, 3]) -> f32[B, 3], f32[B]"
    assert any("call[definition=layer](%" in line and ": f32[B, 3]" in line for line in lines)
    assert last.startswith("  return %")


@pytest.mark.parametrize(
    ("f", "types"),
    [(lambda: None, []), (lambda x: None, [f32[3]]), (lambda x: (x, x), [f32[()]]), (lambda: cg.zeros((0, 3)), [])],
)
def test_text_of_odd_terms(f, types):
    term = cg.trace(f, *types)
    assert "return" in str(term)
    assert term.to_dot().startswith("digraph")


def test_dot_names_operations_and_types(tmp_path):
    dot = _term().to_dot(tmp_path / "model.dot")
    assert (tmp_path / "model.dot").read_text(encoding="utf-8") == dot
    for part in ("digraph", "call layer", "multiply", "f32[B, 3]"):
        assert part in dot


@needs_dot
def test_svg_is_a_picture(tmp_path):
    svg = _term().to_svg(tmp_path / "model.svg")
    assert ElementTree.fromstring(svg).tag.endswith("svg")
    assert "multiply" in svg
    assert _term()._repr_svg_() == svg


@needs_dot
@pytest.mark.parametrize("name", ['quote"', "back\\slash", "<html>", "new\nline", "größe", "%"])
def test_names_of_any_kind_can_be_drawn(name):
    layer = cg.function(lambda x: cg.tanh(x))
    layer.name = name
    assert ElementTree.fromstring(cg.trace(lambda x: layer(x), f32[3]).to_svg()) is not None


def test_without_graphviz_the_error_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(CatgradError, match="needs graphviz: apt-get install graphviz"):
        _term().to_svg()
