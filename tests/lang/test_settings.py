"""Settings of modules: attributes of any kind that are no parameters, told apart by value."""

import copy
import functools
import operator
from collections import OrderedDict, defaultdict, deque
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import pytest
from objects import Colour, Names

import catgrad as cg
from catgrad import nn
from catgrad.types import f64

X = np.array([1.0, -2.0, 3.0])


class Apply(cg.Module):
    """Do what a function says with a setting."""

    def __init__(self, setting, use):
        self.setting, self.use = setting, use

    def forward(self, x):
        return self.use(self.setting, x)


class Twice(Apply):
    """The same, as a module in a module."""

    def __init__(self, setting, use):
        self.inner = Apply(setting, use)

    def forward(self, x):
        return self.inner(x)


class Plain:
    def __init__(self, k):
        self.k = k


class Slotted:
    __slots__ = ("k",)

    def __init__(self, k):
        self.k = k


@dataclass
class Mutable:
    k: Any


@dataclass(frozen=True)
class Frozen:
    k: Any = 2.0
    twice: Any = field(init=False, default=0.0)


class Tuple(NamedTuple):
    n: int = 1
    k: Any = 2.0


def _scale(setting, x):
    return x * float(setting)


def _times_k(setting, x):
    return x * float(setting.k)


def _full(setting, x):
    return cg.full((3,), setting) * 1


def _call(setting, x):
    return setting(x)


def _closure(k):
    return lambda x: x * k


class Affine:
    def __init__(self, k):
        self.k = k

    def scale(self, x):
        return x * self.k


SETTINGS = {
    "list": ([[1.0], [2.0], [3.0]], lambda s, x: x * s[0], [1, 2, 3]),
    "set": ([{1.0}, {2.0}, {1.0, 2.0}], lambda s, x: x * sum(s), [1, 2, 3]),
    "frozenset": ([frozenset({1}), frozenset({1.5})], lambda s, x: x * sum(s), [1, 1.5]),
    "dict": ([{"k": 1.0}, {"k": 2.0}], lambda s, x: x * s["k"], [1, 2]),
    "dict by other keys": ([{1: 1.0}, {True: 1.0}, {1.0: 1.0}], lambda s, x: x * len(str(*s)), [1, 4, 3]),
    "dict in another order": ([{"a": 2, "b": 3}, {"b": 3, "a": 2}], lambda s, x: x * next(iter(s.values())), [2, 3]),
    "dict of another default": ([Names(), Names(k=1.0)], lambda s, x: x * s["k"], [5, 1]),
    "defaultdict": ([defaultdict(int), defaultdict(lambda: 3)], lambda s, x: x * s["k"], [0, 3]),
    "ordered dict": ([OrderedDict(k=1), OrderedDict(k=2)], lambda s, x: x * s.popitem()[1], [1, 2]),
    "deque": ([deque([1.0]), deque([2.0])], lambda s, x: x * s[0], [1, 2]),
    "nested": ([{"a": [(1.0, {2.0})]}, {"a": [(1.0, {3.0})]}], lambda s, x: x * sum(s["a"][0][1]), [2, 3]),
    "object": ([Plain(1.0), Plain(2.0), Plain(3.0)], _times_k, [1, 2, 3]),
    "object with slots": ([Slotted(1.0), Slotted(2.0)], _times_k, [1, 2]),
    "dataclass": ([Mutable(1.0), Mutable(2.0), Mutable(3.0)], _times_k, [1, 2, 3]),
    "frozen dataclass": ([Frozen(1.0), Frozen(), Frozen(-0.5)], _times_k, [1, 2, -0.5]),
    "dataclass of arrays": ([Mutable(np.float64(2)), Frozen(np.ones(()) * 3)], _times_k, [2, 3]),
    "named tuple": ([Tuple(5, 7.0), Tuple(), Tuple(k=3.0)], _times_k, [7, 2, 3]),
    "tuple": ([(1.0, 2.0), (2.0, 1.0)], lambda s, x: x * s[0], [1, 2]),
    "kind of sequence": ([[2.0], (2.0,)], lambda s, x: x * (1 if isinstance(s, list) else 2), [1, 2]),
    "enum": ([Colour.RED, Colour.BLUE], lambda s, x: x * s.value, [1, 2]),
    "text and bytes": (["2", b"2", "3"], lambda s, x: x * (0 if isinstance(s, bytes) else float(s)), [2, 0, 3]),
    "fraction": ([Fraction(1, 2), Fraction(3, 2)], _scale, [0.5, 1.5]),
    "range and slice": ([range(3), slice(0, 5)], lambda s, x: x * s.stop, [3, 5]),
    "array": ([np.arange(3.0), np.ones(3), np.ones(3) * 2], lambda s, x: x * s, [np.arange(3.0), 1, 2]),
    "array and number": ([np.float64(2), np.array(3.0), 4.0], lambda s, x: x * s, [2, 3, 4]),
    "lambda": ([lambda x: x * 2, lambda x: x * 3], _call, [2, 3]),
    "closure": ([_closure(k) for k in (1, 2, 3)], _call, [1, 2, 3]),
    "default": ([lambda x, k=k: x * k for k in (1, 2, 3)], _call, [1, 2, 3]),
    "partial": ([functools.partial(operator.mul, k) for k in (1.0, 2.0)], _call, [1, 2]),
    "bound method": ([Affine(2).scale, Affine(3).scale], _call, [2, 3]),
    "function of catgrad": ([cg.abs, cg.negative], _call, [np.sign(X), -1]),
    "class": ([Plain, Slotted], lambda s, x: x * len(s.__name__), [5, 7]),
    "zero of another sign": ([0.0, -0.0], lambda s, x: x * np.copysign(1, s).item(), [1, -1]),
    "not a number": ([float("nan"), 1.0], lambda s, x: x * (s if s == s else 3), [3, 1]),
    "module without parameters": ([nn.Linear, Apply(2.0, _scale), Apply(3.0, _scale)][1:], _call, [2, 3]),
}


@pytest.mark.parametrize("kind", [Apply, Twice])
@pytest.mark.parametrize("name", SETTINGS)
def test_settings_of_every_kind(name, kind):
    settings, use, expected = SETTINGS[name]
    term = cg.trace(lambda x: tuple(kind(setting, use)(x) for setting in copy.deepcopy(settings)), f64[3])
    for found, factor in zip(cg.interpret(term, X), expected, strict=True):
        np.testing.assert_array_equal(found, X * factor)


@pytest.mark.parametrize("kind", [Apply, Twice])
def test_settings_that_compare_equal_and_have_other_types(kind):
    settings = (1, 1.0, True, np.float64(1), np.int64(1), np.float32(1), np.array(1.0))
    term = cg.trace(lambda x: tuple(kind(s, lambda s, x: cg.full((2,), s))(x) for s in settings), f64[3])
    assert [str(type.dtype) for type in term.target_types] == ["i32", "f32", "bool", "f64", "i64", "f32", "f64"]


def test_objects_that_are_nothing_but_themselves():
    one, other = object(), object()
    choose = lambda s, x: x * (1.0 if s is one else 2.0)  # noqa: E731
    term = cg.trace(lambda x: tuple(Apply(s, choose)(x) for s in (one, other, one)), f64[3])
    assert [y.tolist() for y in cg.interpret(term, X)] == [X.tolist(), (2 * X).tolist(), X.tolist()]


FACTOR = 1.0


def _global_factor(_, x):
    return x * FACTOR


def _mutations():
    items, names, plain, array = [1.0], {"k": 1.0}, Plain(1.0), np.ones(3)
    cell = 1.0

    def captured(x):
        return x * cell

    def set_cell(k):
        nonlocal cell
        cell = k

    def set_global(k):
        globals()["FACTOR"] = k

    class Class(cg.Module):
        k = 1.0

        def forward(self, x):
            return x * self.k

    class Local(cg.Module):
        def forward(self, x):
            return x * cell

    owner = Class()
    return [
        (Apply(items, lambda s, x: x * s[0]), lambda k: items.__setitem__(0, k)),
        (Apply(names, lambda s, x: x * s["k"]), lambda k: names.update(k=k)),
        (Apply(plain, _times_k), lambda k: setattr(plain, "k", k)),
        (Apply([plain], lambda s, x: x * s[0].k), lambda k: setattr(plain, "k", k)),
        (Apply(array, lambda s, x: x * s), lambda k: array.fill(k)),
        (Apply(captured, _call), set_cell),
        (Apply(None, _global_factor), set_global),
        (Local(), set_cell),
        (Class(), lambda k: setattr(Class, "k", k)),
        (owner, lambda k: setattr(owner, "k", k)),
    ]


@pytest.mark.parametrize("case", range(len(_mutations())))
def test_settings_that_change_between_calls(case):
    module, change = _mutations()[case]

    def f(x):
        results = []
        for k in (1.0, 2.0, 1.0, 3.0):
            change(k)
            results.append(module(x))
        change(1.0)
        return results

    assert [y.tolist() for y in cg.interpret(cg.trace(f, f64[3]), X)] == [(k * X).tolist() for k in (1, 2, 1, 3)]


def test_derivatives_see_the_settings_of_the_moment():
    module = Apply([2.0], lambda s, x: cg.sum(x * s[0]))

    def f(x):
        first = cg.grad(module, wrt=1)({}, x)
        module.setting[0] = 3.0
        return first, cg.grad(module, wrt=1)({}, x)

    assert [y.tolist() for y in cg.interpret(cg.trace(f, f64[3]), X)] == [[2.0] * 3, [3.0] * 3]


@pytest.mark.parametrize("name", SETTINGS)
def test_what_records_the_same_is_one_definition(name):
    settings, use, _ = SETTINGS[name]
    term = cg.trace(lambda x: [Apply(copy.deepcopy(settings[0]), use)(x) for _ in range(3)], f64[3])
    assert len(term.definitions) == 1 + (name == "module without parameters")
