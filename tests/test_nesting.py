"""Structures that are not as they should be: one line says what is missing, too much, or of another kind, and where."""

import dataclasses
from collections import OrderedDict, defaultdict
from typing import Any, NamedTuple

import numpy as np
import pytest

import catgrad as cg
from catgrad import nn, optim, trees
from catgrad.errors import ArgumentError, TypeCheckError
from catgrad.nesting import argument_names, difference, misfit
from catgrad.types import f32

X = np.ones(3, np.float32)


class Pair(NamedTuple):
    a: Any
    b: Any


@dataclasses.dataclass
class Data:
    a: Any
    b: Any


class Sub(dict):
    """A dict of another class."""


FITS = {"a": (0, [0, None]), "pair": Pair(0, 0), "data": Data(0, {"x": 0}), "empty": {}}


def tree_of(value):
    return trees.flatten(value)[1]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, ""),
        ({"a": (X, [{"anything": 1}, None])}, ""),
        ({"a": X}, "p['a'] is an array, not a tuple of 2 elements"),
        ({"a": (X,)}, "p['a'] has 1 element, not 2"),
        ({"a": [X, [X, None]]}, "p['a'] is a list, not a tuple of 2 elements"),
        ({"a": Pair(0, [0, None])}, "p['a'] is a Pair, not a tuple of 2 elements"),
        ({"a": (X, [X, X])}, "p['a'][1][1] is an array, not None"),
        ({"a": (X, [X])}, "p['a'][1] has 1 element, not 2"),
        ({"pair": (X, X)}, "p['pair'] is a tuple, not a Pair"),
        ({"data": Pair(X, X)}, "p['data'] is a Pair, not a Data"),
        ({"data": Data(X, {"y": X})}, "p['data'].b has no 'x', but 'y'"),
        ({"empty": None}, "p['empty'] is None, not a dict"),
        ({"empty": {1: 2}}, "p['empty'] has 1, which does not belong there"),
        ({"z": X, 7: X}, "p has 'z' and 7, which does not belong there"),
    ],
)
def test_differences(change, expected):
    assert difference(tree_of(FITS), {**FITS, **change}, "p") == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (OrderedDict(FITS), ""),
        (defaultdict(int, FITS), ""),
        (Sub(FITS), "p is a Sub, not a dict with 'a', 'data', 'empty' and 'pair'"),
        (None, "p is None, not a dict with 'a', 'data', 'empty' and 'pair'"),
        (3, "p is an int, not a dict with 'a', 'data', 'empty' and 'pair'"),
        ({"a": 1}, "p has no 'data', 'empty' or 'pair'"),
        ({str(i): 1 for i in range(9)}, "p has no 'a', 'data', 'empty' or 'pair', but '0', '1', '2' and 6 others"),
    ],
)
def test_differences_at_the_top(value, expected):
    assert difference(tree_of(FITS), value, "p") == expected


def test_misfits():
    takes = tree_of(({"a": 0}, None, 0))
    names = argument_names(takes, ["state['a']", "x"])
    assert names == ("state", "_", "x")
    assert misfit("f", names, takes, ({"a": 1},)) == "f takes 3 arguments (state, _, x), got 1"
    assert misfit("f", names, takes, ({"a": 1}, X, X)) == "f: _ is an array, not None"
    assert misfit("f", ("x",), tree_of((0,)), ()) == "f takes 1 argument (x), got 0"


LEARNER = cg.learner(nn.Linear(3, 2), loss=nn.mse, optimizer=optim.adam(0.1))
BATCH = np.ones((4, 3), np.float32), np.ones((4, 2), np.float32)

STATES = [
    (LEARNER.init()["parameters"], "step: state has no 'optimizer' or 'parameters', but 'bias' and 'weight'"),
    (None, "step: state is None, not a dict with 'optimizer' and 'parameters'"),
    ({**LEARNER.init(), "epoch": 3}, "step: state has 'epoch', which does not belong there"),
    ({**LEARNER.init(), "optimizer": {}}, "step: state['optimizer'] has no 'first', 'second' or 'step'"),
]


@pytest.mark.parametrize(("state", "expected"), STATES)
def test_states_of_learners(state, expected):
    step = cg.compile(LEARNER.step, f32[4, 3], f32[4, 2])
    with pytest.raises(ArgumentError) as caught:
        step(state, *BATCH)
    assert caught.value.message == expected
    with pytest.raises(TypeCheckError) as caught:
        LEARNER.step(state, *BATCH)
    assert caught.value.message == f"{expected}: init() makes one"
    assert {entry.path.name for entry in caught.traceback} == {"test_nesting.py"}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), "f takes 2 arguments (p, x), got 0"),
        ((1, 2, 3), "f takes 2 arguments (p, x), got 3"),
        (({"b": X}, X), "f: p has no 'a', but 'b'"),
        (([X], X), "f: p is a list, not a dict with 'a'"),
        (({"a": X}, {"a": X}), "x: expected f32[3], got a dict"),
    ],
)
def test_interpretation(arguments, expected):
    def f(p, x):
        return p["a"] * x

    with pytest.raises(ArgumentError) as caught:
        cg.interpret(cg.trace(f, {"a": f32[3]}, f32[3]), *arguments)
    assert caught.value.message.startswith(expected)
