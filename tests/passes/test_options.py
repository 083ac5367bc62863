"""Options as text and as fields of a dataclass."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catgrad.passes import options
from catgrad.passes.options import OptionError, construct, parse, text


class Side(Enum):
    LEFT = "left"
    RIGHT = "right"


@dataclass(frozen=True)
class Chip:
    name: str

    def __str__(self) -> str:
        return self.name

    @staticmethod
    def named(name: str) -> "Chip":
        if name not in {"big", "small"}:
            raise ValueError(f"unknown chip {name!r}: expected one of big, small")
        return Chip(name)


@dataclass(frozen=True)
class Everything:
    count: int = 1
    exact: bool = True
    label: str = ""
    scale: float = 0.5
    tile_sizes: tuple[int, ...] = ()
    order: Literal["pre", "post"] = "pre"
    level: Literal[1, 2] = 1
    side: Side = Side.LEFT
    limit: int | None = None
    chip: Chip = field(default_factory=lambda: Chip("big"))


instances = st.builds(
    Everything,
    count=st.integers(),
    exact=st.booleans(),
    label=st.text(st.characters(exclude_characters="'\"{}", exclude_categories=["C", "Z"])).map(" ".join),
    scale=st.floats(allow_nan=False),
    tile_sizes=st.lists(st.integers()).map(tuple),
    order=st.sampled_from(["pre", "post"]),
    level=st.sampled_from([1, 2]),
    side=st.sampled_from(Side),
    limit=st.none() | st.integers(),
    chip=st.sampled_from([Chip("big"), Chip("small")]),
)


@settings(deadline=None, max_examples=50)
@given(instances)
def test_the_text_of_an_instance_constructs_it(instance):
    assert construct(Everything, parse(text(instance))) == instance


def test_no_options_give_the_defaults():
    assert construct(Everything, parse("  ")) == Everything()


def test_a_name_alone_is_true():
    assert construct(Everything, parse("exact=0 tile-sizes=1,,2")) == Everything(exact=False, tile_sizes=(1, 2))
    assert parse("exact") == {"exact": "true"}


@pytest.mark.parametrize("source", ["a='x y'", 'a="x y"', "a={x y}"])
def test_quotes_and_braces_hold_spaces(source):
    assert parse(source) == {"a": "x y"}


@pytest.mark.parametrize("source", ["=1", "a=1=2 =3", "a='x", "a={b", "1=2", "a 'x'"])
def test_malformed_options_are_errors(source):
    with pytest.raises(OptionError, match="expected 'name=value' at"):
        parse(source)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("cuont=1", "unknown option 'cuont': expected one of count, exact, label"),
        ("count=many", "option 'count' expects int, not 'many'"),
        ("exact=perhaps", "option 'exact' expects bool, not 'perhaps'"),
        ("scale=big", "option 'scale' expects float, not 'big'"),
        ("tile-sizes=1,b", "option 'tile-sizes' expects int,..., not '1,b'"),
        ("order=in", "option 'order' expects pre|post, not 'in'"),
        ("level=3", "option 'level' expects 1|2, not '3'"),
        ("side=up", "option 'side' expects left|right, not 'up'"),
        ("limit=none", "option 'limit' expects int, not 'none'"),
        ("chip=blue", "unknown chip 'blue': expected one of big, small"),
        ("count=1 count=2", "option 'count' is given twice"),
    ],
)
def test_options_that_do_not_fit_are_errors(source, message):
    with pytest.raises(OptionError) as caught:
        construct(Everything, parse(source))
    assert str(caught.value).startswith(message)


def test_an_option_without_a_default_must_be_given():
    @dataclass(frozen=True)
    class Needs:
        it: int

    with pytest.raises(OptionError, match="option 'it' must be given"):
        construct(Needs, {})
    with pytest.raises(OptionError, match="unknown option 'that': expected one of it"):
        construct(Needs, {"that": "1"})


def test_a_field_without_a_text_form_is_refused():
    @dataclass(frozen=True)
    class Holds:
        table: dict

    with pytest.raises(TypeError, match="a pass option cannot be"):
        options.options(Holds)
