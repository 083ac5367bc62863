"""Places in the user's program."""

import linecache
import sys

import pytest

import catgrad as cg
from catgrad.errors import CatgradError
from catgrad.location import Location, caller, defined, passed

COLUMNS = pytest.mark.skipif(sys.version_info < (3, 11), reason="columns are known from Python 3.11 on")


def test_the_caller_is_the_first_frame_outside_the_package():
    def user():
        return caller()

    place = user()
    assert (place.file, place.line, place.function) == (__file__, user.__code__.co_firstlineno + 1, "user")


@COLUMNS
def test_the_caret_is_under_the_expression():
    with pytest.raises(CatgradError) as caught:
        cg.trace(lambda x: 1 + (x @ cg.ones((7,))), cg.f32[3])
    *_, line, caret = str(caught.value).splitlines()
    assert line.strip() == "cg.trace(lambda x: 1 + (x @ cg.ones((7,))), cg.f32[3])"
    assert line[caret.index("^") :].startswith("x @ cg.ones")


@COLUMNS
def test_the_caret_counts_characters_and_not_bytes():
    with pytest.raises(CatgradError) as caught:
        cg.trace(lambda größe: "äöü" and (größe + cg.ones((7,))), cg.f32[3])
    *_, line, caret = str(caught.value).splitlines()
    assert line[caret.index("^") :].startswith("größe + cg.ones")


def _excerpt(text, **place):
    linecache.cache["<made up>"] = (len(text), None, text.splitlines(keepends=True), "<made up>")
    return Location("<made up>", **place).excerpt()


def test_excerpts():
    assert str(Location("f.py", 3)) == "f.py:3"
    assert str(Location("f.py", 3, 7)) == "f.py:3:7"
    assert Location("nowhere.py", 3, 7, "f").excerpt() == "  at nowhere.py:3:7 in f"
    assert _excerpt("\n    y = f(x)\n", line=2) == "  at <made up>:2\n    y = f(x)"
    assert _excerpt("\n    y = f(x)\n", line=2, column=9).splitlines()[1:] == ["    y = f(x)", "        ^"]
    assert _excerpt("y\n", line=1, column=1).splitlines()[1:] == ["    y", "    ^"]
    assert _excerpt("", line=1, column=1) == "  at <made up>:1:1"


def test_errors_remember_the_innermost_user_frame_they_passed():
    def inner():
        cg.exp("no array")

    with pytest.raises(CatgradError) as caught:
        inner()
    assert passed(caught.value).line == inner.__code__.co_firstlineno + 1
    assert passed(CatgradError("never raised")) is None


def test_a_function_is_where_its_def_is():
    @cg.function
    def decorated(x):
        return x

    plain = decorated._function
    place = defined(plain)
    assert linecache.getline(place.file, place.line).strip() == "def decorated(x):"
    assert place.column == 5
    scope = {}
    exec(compile("def lost(x):\n    return x\n", "<nowhere>", "exec"), scope)
    assert (defined(scope["lost"]).line, defined(scope["lost"]).column) == (1, 0)
