"""Diagnostics as text."""

from mlir import ir

from catgrad.location import Location
from catgrad.tools.driver.diagnostics import Diagnostic, places, render


def lines(location):
    return {1: "\tcaf\N{LATIN SMALL LETTER E WITH ACUTE} x", 2: "second"}.get(location.line, "")


def test_the_caret_stands_under_the_byte_column():
    text = render(Diagnostic("error", "here", Location("f", 1, 8)), lines)
    assert text.split("\n") == ["f:1:8: error: here", lines(Location("f", 1)), "\t     ^"]


def test_notes_follow():
    note = Diagnostic("note", "there", Location("f", 2, 1))
    text = render(Diagnostic("error", "here", Location("f", 0), (note,)), lines)
    assert text == "f: error: here\nf:2:1: note: there\nsecond\n^"


def test_an_unknown_place_is_left_out():
    assert render(Diagnostic("warning", "somewhere"), lines) == "warning: somewhere"


def test_places_of_locations():
    with ir.Context(), ir.Location.unknown() as unknown:
        callee, caller = ir.Location.file("a", 1, 2), ir.Location.file("b", 3, 4)
        call = ir.Location.callsite(callee, [ir.Location.name("name", caller)])
        fused = ir.Location.fused([unknown, call])
        assert [str(place) for place in places(fused)] == ["a:1:2", "b:3:4"]
        assert list(places(unknown)) == []
