"""Environments of functions: whatever a function depends on may change between calls, and is known where it is read."""

import enum
import functools
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import pytest
from objects import Capturing

import catgrad as cg
from catgrad.lang.environment import closure
from catgrad.types import f64

X = np.array([1.0, 2.0, 3.0])


_global = 1.0


def _reads_a_global(z):
    return z * _global


def test_globals_and_what_they_call_may_change_between_calls():
    global _global
    inner = cg.function(lambda z: _reads_a_global(z) + 1)

    def f(x):
        global _global
        results = []
        for _global in (1.0, 2.0, np.array([1.0, 2.0, 4.0])):
            results.append(inner(x))
        return results

    term = cg.trace(f, f64[3])
    for found, factor in zip(cg.interpret(term, X), (1.0, 2.0, np.array([1.0, 2.0, 4.0])), strict=True):
        assert found.tolist() == (X * factor + 1).tolist()


class Counter:
    """An object with a state of its own."""

    def __init__(self):
        self.count = 0

    def __call__(self, z):
        self.count += 1
        return z * self.count


@dataclass
class Settings:
    """An object whose state can be read."""

    factor: float = 1.0
    more: list = field(default_factory=list)


def test_objects_with_a_state():
    counter, settings = Counter(), Settings()

    def f(x):
        counting = cg.function(counter)
        scaled = cg.function(lambda z: z * settings.factor + len(settings.more))
        results = [counting(x), counting(x), scaled(x)]
        settings.factor = 2.0
        results.append(scaled(x))
        settings.more.append(0)
        return [*results, scaled(x)]

    found = cg.interpret(cg.trace(f, f64[3]), X)
    assert [r.tolist() for r in found] == [r.tolist() for r in (X, 2 * X, X, 2 * X, 2 * X + 1)]


def test_what_is_known_of_an_environment():
    number, text, array = 1.0, "a", np.ones(2)

    def plain(x):
        return np.sqrt(x) + number + len(text) + array[0]

    def opaque(x):
        return x + counter.count

    def random(x):
        return x + np.random.default_rng().random()

    counter = Counter()
    assert closure(plain).is_known
    assert not closure(opaque).is_known
    assert not closure(random).is_known
    before = closure(plain).key
    assert closure(plain).key == before
    array[0] = -1
    assert closure(plain).key != before


def scale(x):
    return x * inner_scale(x)


def inner_scale(_):
    return FACTORS[0]


@functools.wraps(cg.relu)
def wrapping(x):
    return cg.relu(x) * scale(1.0)


FACTORS = [1.0]
HELPERS = ModuleType("helpers")
exec("factor = 1.0\ndef scale(x):\n    return x * factor", vars(HELPERS))


class Strength(enum.Enum):
    ONE = 1.0

    def scale(self, x):
        return x * self.value * FACTORS[0]


class Pair(NamedTuple):
    factor: Any = 1.0

    def scale(self, x):
        return x * self.factor * FACTORS[0]


@dataclass
class Box:
    factor: Any = 1.0

    @property
    def all(self):
        return self.factor * FACTORS[0]

    @functools.cached_property
    def once(self):
        return FACTORS[0]

    @staticmethod
    def scale(x):
        return scale(x)

    @classmethod
    def make(cls, x):
        return cls(x).all


class Descending(cg.Module):
    def forward(self, x):
        return scale(x)


def _redefine(k):
    globals()["inner_scale"] = lambda _: k


def _restore(inner=inner_scale):
    globals()["inner_scale"] = inner
    FACTORS[0] = HELPERS.factor = 1.0


PAIR, BOX = Pair(), Box()
CHANGES = {
    "item of a global that a global function names": (scale, lambda k: FACTORS.__setitem__(0, k)),
    "global function redefined": (scale, _redefine),
    "function that wraps another": (wrapping, lambda k: FACTORS.__setitem__(0, k)),
    "module of Python": (lambda x: HELPERS.scale(x), lambda k: setattr(HELPERS, "factor", k)),
    "method of an enum": (lambda x: Strength.ONE.scale(x), lambda k: FACTORS.__setitem__(0, k)),
    "method of a named tuple": (lambda x: PAIR.scale(x), lambda k: FACTORS.__setitem__(0, k)),
    "constructor": (lambda x: Pair(2.0).scale(x) / 2.0, lambda k: FACTORS.__setitem__(0, k)),
    "property": (lambda x: x * BOX.all, lambda k: FACTORS.__setitem__(0, k)),
    "static method": (lambda x: BOX.scale(x), lambda k: FACTORS.__setitem__(0, k)),
    "class method": (lambda x: Box.make(x), lambda k: FACTORS.__setitem__(0, k)),
    "module of catgrad": (Descending(), lambda k: FACTORS.__setitem__(0, k)),
    "partial": (functools.partial(lambda y, x: x * inner_scale(y), None), _redefine),
}
"""Functions that multiply x ≥ 0 by a number, and how the number is changed behind their backs; all are known."""


@pytest.mark.parametrize("kind", [cg.function, Capturing])
@pytest.mark.parametrize("name", CHANGES)
def test_whatever_a_global_depends_on_may_change_between_calls(name, kind):
    code, change = CHANGES[name]
    called = code if kind is cg.function and isinstance(code, cg.Module) else kind(code)
    assert closure(called).is_known

    def f(x):
        results = []
        for k in (1.0, 3.0, 1.0, 5.0):
            change(k)
            results.append(called(x))
        return results

    try:
        for _ in range(2):
            term = cg.trace(f, f64[3])
            for found, k in zip(cg.interpret(term, X), (1, 3, 1, 5), strict=True):
                assert np.asarray(found).tolist() == (X * k).tolist()
            assert len(term.definitions) == 3 + 3 * (kind is Capturing and isinstance(code, cg.Module))
    finally:
        _restore()


@pytest.mark.parametrize("name", ["relu", "softmax", "matmul", "squeeze", "full", "clip", "exp"])
def test_what_depends_on_a_public_function_is_known(name):
    function = getattr(cg, name)
    assert closure(lambda x: function(x)).is_known
    assert closure(function) == closure(getattr(cg, name))
