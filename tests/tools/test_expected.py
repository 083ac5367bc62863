"""Diagnostics against the comments that expect them."""

import pytest

from catgrad.location import Location
from catgrad.tools.driver.diagnostics import Diagnostic
from catgrad.tools.driver.errors import SourceError
from catgrad.tools.driver.expected import compare, expectations


def at(line, message="a message", severity="error", notes=()):
    return Diagnostic(severity, message, Location("f", line, 1), notes)


def complaints(text, *diagnostics, only_expected=False):
    return [found.message for found in compare(expectations("f", text), diagnostics, only_expected)]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("// expected-error {{a mess}}", 1),
        ("// expected-error@+2 {{message}}", 3),
        ("\n\n// expected-error @-2 {{message}}", 1),
        ("\n// expected-error@above {{message}}", 1),
        ("// expected-error@below {{message}}", 2),
        ("// expected-error-re {{a {{[mn]es+}}age}}", 1),
    ],
)
def test_a_comment_accepts_the_line_it_names(text, line):
    assert complaints(text, at(line)) == []
    assert complaints(text, at(line + 1)) != []


def test_comments_for_one_line_may_stand_together():
    text = "\n// expected-error@above {{one}}\n// expected-error@above {{two}}"
    assert complaints(text, at(1, "two"), at(1, "one")) == []
    text = "// expected-error@below {{one}}\n// expected-error@below {{two}}\n"
    assert complaints(text, at(3, "one"), at(3, "two")) == []


def test_an_unknown_place_is_expected_as_such():
    unknown = Diagnostic("error", "a message")
    assert complaints("// expected-error@unknown {{message}}", unknown) == []
    assert complaints("// expected-error@unknown {{message}}", at(0)) == []
    assert complaints("// expected-error {{message}}", unknown) != []


def test_each_diagnostic_needs_a_comment_of_its_own():
    text = "// expected-error {{message}}"
    assert complaints(text, at(1), at(1)) == ["unexpected error: a message"]
    assert complaints(text) == ['expected error "message" was not produced']


def test_severities_differ():
    found = complaints("// expected-warning {{message}}", at(1))
    assert found == ["unexpected error: a message", 'expected warning "message" was not produced']


def test_text_is_not_a_regular_expression():
    assert complaints("// expected-error {{a.message}}", at(1)) != []
    assert complaints("// expected-error {{tensor<?x4xf32> (*)}}", at(1, "is tensor<?x4xf32> (*)")) == []


def test_notes_are_compared_too_except_about_the_operation():
    note = at(2, "because", "note")
    assert complaints("// expected-error {{message}}\n// expected-note {{because}}", at(1, notes=(note,))) == []
    assert complaints("// expected-error {{message}}", at(1, notes=(note,))) == ["unexpected note: because"]
    operation = at(1, "see current operation: %0 = ...", "note")
    assert complaints("// expected-error {{message}}", at(1, notes=(operation,))) == []


def test_only_expected_accepts_others():
    assert complaints("", at(1), only_expected=True) == []
    assert complaints("// expected-error {{other}}", at(1), only_expected=True) != []


def test_a_malformed_expression_is_an_error():
    with pytest.raises(SourceError, match="f:1: error: not a regular expression"):
        expectations("f", "// expected-error-re {{a {{[}} b}}")
