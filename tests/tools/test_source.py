"""Inputs and their chunks."""

import pytest

from catgrad.location import Location
from catgrad.tools.driver.errors import SourceError
from catgrad.tools.driver.source import Source


def source(data):
    return Source("f.mlir", data)


def test_a_chunk_keeps_the_lines_of_the_file():
    text = "a\nb\n// -----\nc\n// ----- d\n\ne"
    chunks = source(text.encode()).chunks("// -----")
    assert [chunk.content.strip("\n") for chunk in chunks] == ["a\nb", "c", "e"]
    for chunk in chunks:
        for number, line in enumerate(chunk.content.split("\n")):
            assert line in {"", text.split("\n")[number]}


def test_without_a_marker_the_input_is_one_chunk():
    assert [chunk.content for chunk in source(b"a\n// -----\nb").chunks()] == ["a\n// -----\nb"]


def test_a_marker_is_not_a_regular_expression():
    assert len(source(b"a\n.+\nb\nxx\nc").chunks(".+")) == 2


def test_bytecode_is_one_chunk():
    data = b"ML\xefR\n// -----\n\xff"
    assert [chunk.content for chunk in source(data).chunks("// -----")] == [data]


@pytest.mark.parametrize(
    ("data", "place"), [(b"", "f.mlir: "), (b"\xff", "f.mlir:1:1: "), (b"a\n\xc3\xa9 \xff", "f.mlir:2:4: ")]
)
def test_other_input_is_an_error(data, place):
    with pytest.raises(SourceError) as caught:
        source(data).chunks()
    assert str(caught.value).startswith(f"{place}error: the input is ")


def test_lines_are_those_of_the_input_or_of_another_file(tmp_path):
    other = tmp_path / "other.py"
    other.write_text("first\nsecond\n")
    assert source(b"a\nb").line(Location("f.mlir", 2)) == "b"
    assert source(b"a\nb").line(Location("f.mlir", 3)) == ""
    assert source(b"a\nb").line(Location("f.mlir", 0)) == ""
    assert source(b"a\nb").line(Location(str(other), 2)) == "second"
