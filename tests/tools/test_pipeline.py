"""The text of pass pipelines."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catgrad.tools.driver.errors import PipelineError
from catgrad.tools.driver.pipeline import Element, parse

names = st.from_regex(r"[a-z][a-z0-9.-]{0,8}", fullmatch=True)
option_texts = st.recursive(
    st.from_regex(r"[a-z]+=[a-z0-9,\"']*( [a-z]+=[0-9]+)?", fullmatch=True),
    lambda inner: inner.map(lambda text: f"a={{{text}}} b=1"),
    max_leaves=3,
)
passes = st.builds(Element, names, st.just("") | option_texts)
elements = st.recursive(
    passes, lambda inner: st.builds(Element, names, children=st.lists(inner, max_size=3).map(tuple)), max_leaves=8
)


@settings(deadline=None, max_examples=100)
@given(st.lists(elements, min_size=1, max_size=4).map(tuple))
def test_printing_then_parsing_is_the_identity(pipeline):
    assert parse(",".join(map(str, pipeline))) == pipeline


def test_spaces_are_allowed_between_tokens():
    assert parse(" a { x=1 } ( b , c ( ) ) , d ") == parse("a{x=1}(b,c()),d")


@pytest.mark.parametrize(
    ("source", "position", "message"),
    [
        ("", 0, "expected the name"),
        ("a,", 2, "expected the name"),
        ("a,,b", 2, "expected the name"),
        ("a(b", 3, "expected ',' or ')'"),
        ("a(b c)", 4, "expected ',' or ')'"),
        ("a)", 1, "expected ',' or the end"),
        ("a{x=1", 1, "this brace is not closed"),
        ("a{x={1}", 1, "this brace is not closed"),
        ("a{}{}", 3, "expected ',' or the end"),
    ],
)
def test_errors_say_where(source, position, message):
    with pytest.raises(PipelineError, match="catgrad-opt: error:") as caught:
        parse(source)
    assert caught.value.position == position
    assert message in str(caught.value)


def test_deep_nesting_is_an_error():
    with pytest.raises(PipelineError, match="nested too deeply"):
        parse("a(" * 100_000)
