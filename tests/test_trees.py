"""Nested arguments."""

from collections import OrderedDict, namedtuple
from dataclasses import dataclass, field
from typing import Any

import pytest

from catgrad.trees import flatten, leaf_names, unflatten
from catgrad.types import f32

Point = namedtuple("Point", "y x")


@dataclass
class Pair:
    second: Any
    first: Any


@dataclass(frozen=True)
class Sized:
    value: Any
    size: int = field(init=False, default=3)


@pytest.mark.parametrize(
    ("tree", "leaves"),
    [
        (1, [1]),
        (None, []),
        ((), []),
        ((1, [2, (3,)]), [1, 2, 3]),
        ({"b": 1, "a": 2}, [2, 1]),
        (OrderedDict(b=1, a=2), [1, 2]),
        (Point(1, 2), [1, 2]),
        (Pair(1, {"x": Pair(2, 3)}), [1, 2, 3]),
        (Sized((1, 2)), [1, 2]),
        (f32[3], [f32[3]]),
        ([f32[()], {"a": f32[2]}], [f32[()], f32[2]]),
    ],
    ids=repr,
)
def test_flattening_and_rebuilding(tree, leaves):
    found, shape = flatten(tree)
    assert found == leaves
    assert unflatten(shape, leaves) == tree
    assert shape.num_leaves == len(leaves)


def test_equal_nesting_is_equal():
    assert flatten((1, {"a": 2}))[1] == flatten((3, {"a": 4}))[1]
    assert flatten((1, 2))[1] != flatten([1, 2])[1]
    assert flatten(Pair(1, 2))[1] == flatten(Pair(3, 4))[1]


def test_leaves_are_named_as_users_write_them():
    tree = {"w": (1, [2]), "s": Pair(3, Point(4, 5))}
    assert leaf_names("state", tree) == [
        "state['s'].second",
        "state['s'].first.y",
        "state['s'].first.x",
        "state['w'][0]",
        "state['w'][1][0]",
    ]
    assert leaf_names("x", 1) == ["x"]
    assert leaf_names("x", None) == []
