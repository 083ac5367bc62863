"""Objects as arguments and results: dataclasses and subclasses of dict, list and tuple, made without their code."""

import copy
import functools
from collections import OrderedDict, defaultdict
from dataclasses import InitVar, dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pytest

import catgrad as cg
from catgrad.errors import ArgumentError, CatgradError
from catgrad.trees import example, flatten, leaf_names, unflatten
from catgrad.types import TensorType

X = np.array([1.0, 2.0], np.float32)


@dataclass
class Plain:
    a: Any
    b: Any = None


@dataclass
class Late:
    a: Any
    k: Any = field(init=False, default=2.0)


@dataclass
class Doubling:
    a: Any

    def __post_init__(self):
        self.a = self.a * 2


@dataclass
class Configured:
    a: Any
    scale: InitVar[float]

    def __post_init__(self, scale):
        self.scale = scale


@dataclass(init=False)
class Renamed:
    a: Any

    def __init__(self, other):
        self.a = other


@dataclass(frozen=True, slots=True)
class Sealed:
    a: Any
    tag: str = "t"


@dataclass(frozen=True)
class Frozen:
    a: Any
    k: float = field(init=False, default=3.0)


@dataclass
class Caching:
    a: Any

    @functools.cached_property
    def twice(self):
        return self.a * 2


@dataclass
class Guarded:
    a: Any

    def __setattr__(self, name, value):
        if name in vars(self):
            raise RuntimeError("it is set already")
        super().__setattr__(name, value)


class ReadOnly(dict):
    def __setitem__(self, key, value):
        raise RuntimeError("read-only")


class Ordered(OrderedDict):
    pass


class Default(defaultdict):
    pass


class Layers(list):
    def __iter__(self):
        raise RuntimeError("not to be iterated")

    def append(self, value):
        raise RuntimeError("full")


class Triple(tuple):
    def __new__(cls, first, second, third):
        return tuple.__new__(cls, (first, second, third))


class Named(NamedTuple):
    a: Any
    k: Any = 2.0


class Checked(Named):
    def __new__(cls, a):
        return super().__new__(cls, a, 5.0)


def seven():
    return 7.0


def late(k):
    made = Late(X)
    made.k = k
    return made


def noted(made, note):
    made.note = note
    return made


CASES = {
    "an array in a field of init=False": (lambda: late(3 * X), lambda t: t.a * t.k, 3 * X * X),
    "a number in a field of init=False": (lambda: late(7.0), lambda t: t.a * t.k, 7 * X),
    "__post_init__": (lambda: Doubling(X), lambda t: t.a + 0, 2 * X),
    "InitVar": (lambda: Configured(X, 4.0), lambda t: t.a * t.scale, 4 * X),
    "init=False": (lambda: Renamed(X), lambda t: t.a + 0, X),
    "frozen and slots": (lambda: Sealed(X, "u"), lambda t: t.a * {"t": 1, "u": 2}[t.tag], 2 * X),
    "frozen": (lambda: Frozen(X), lambda t: t.a * t.k, 3 * X),
    "what else is set": (lambda: noted(Plain(X), [1, 5]), lambda t: t.a * t.note[1], 5 * X),
    "an array that is no field": (lambda: noted(Plain(X), 3 * X), lambda t: t.a * t.note, 3 * X * X),
    "__setattr__": (lambda: Guarded(X), lambda t: t.a + 0, X),
    "nested": (lambda: Plain({"x": Late([X, X])}, ()), lambda t: t.a["x"].a[1] * t.a["x"].k, 2 * X),
    "a dict that is read-only": (lambda: ReadOnly(b=X, a=2 * X), lambda t: t["a"] - t["b"], X),
    "an OrderedDict": (lambda: Ordered(b=X, a=2 * X), lambda t: next(iter(t.values())) + 0, X),
    "a defaultdict": (lambda: Default(seven, a=X), lambda t: t["a"] * t["z"], 7 * X),
    "a list": (lambda: Layers([X]), lambda t: t[0] * 2, 2 * X),
    "a list with attributes": (lambda: noted(Layers([X, X]), 3), lambda t: t[0] * t.note, 3 * X),
    "a tuple": (lambda: Triple(X, X, 2.0), lambda t: t[1] * t[2], 2 * X),
    "a NamedTuple": (lambda: Named(X, 7.0), lambda t: t.a * t.k, 7 * X),
    "a NamedTuple with a constructor": (lambda: Checked(X), lambda t: t.a * t.k, 5 * X),
    "a NamedTuple with attributes": (lambda: noted(Checked(X), 6), lambda t: t.a * t.note, 6 * X),
}


@pytest.mark.parametrize("name", CASES)
def test_arguments(name):
    make, use, expected = CASES[name]
    term = cg.trace(use, make())
    for run in (cg.function(use), functools.partial(cg.interpret, term), cg.compile(term), cg.compile(use, make())):
        np.testing.assert_array_equal(run(make()), expected.astype(np.float32), strict=True)


@pytest.mark.parametrize("name", CASES)
def test_results(name):
    make, use, expected = CASES[name]
    wanted = make()

    def give(x):
        leaves, shape = flatten(wanted)
        return unflatten(shape, [leaf * cg.max(x) / 2 if isinstance(leaf, np.ndarray) else leaf for leaf in leaves])

    term = cg.trace(give, cg.f32[2])
    for run in (cg.function(give), functools.partial(cg.interpret, term), cg.compile(term)):
        found = run(X)
        assert type(found) is type(wanted)
        np.testing.assert_array_equal(use(found), expected)


@pytest.mark.parametrize("name", CASES)
def test_an_example_has_the_same_structure(name):
    _, shape = flatten(CASES[name][0]())
    assert flatten(example(shape))[1] == shape
    assert flatten(CASES[name][0]())[1] == shape
    assert len(leaf_names("x", example(shape))) == shape.num_leaves


def test_gradients_have_the_structure_of_the_argument():
    gradient = cg.compile(cg.grad(lambda t: cg.sum(t.a * t.k)), late(3 * X))(late(3 * X))
    assert type(gradient) is Late
    assert (gradient.a.tolist(), gradient.k.tolist()) == ([3, 6], [1, 2])


def test_settings_are_part_of_the_structure():
    exe = cg.compile(lambda t: t.a * t.note, noted(Plain(cg.f32[2]), 3.0))
    assert exe(noted(Plain(X), 3.0)).tolist() == [3, 6]
    for other in (3, 4.0, np.float64(3), None):
        with pytest.raises(ArgumentError, match="t is a Plain with other fields, items or settings than is expected"):
            exe(noted(Plain(X), other))
    for one, two in ((0.0, -0.0), (1, True), ([1], (1,)), (X, X.astype(float)), ({"a": 1}, {"a": 2}), (X, X + 1)):
        assert flatten(noted(Plain(X), one))[1] != flatten(noted(Plain(X), two))[1]
        assert flatten(noted(Plain(X), one))[1] == flatten(noted(Plain(X), copy.deepcopy(one)))[1]
    assert flatten(noted(Plain(X), float("nan")))[1] == flatten(noted(Plain(X), float("nan")))[1]


def test_what_was_computed_is_computed_anew():
    made = Caching(X)
    assert made.twice.tolist() == [2, 4]
    exe = cg.compile(lambda t: t.twice * 1, Caching(cg.f32[2]))
    assert exe(made).tolist() == cg.function(lambda t: t.twice * 1)(made).tolist() == [2, 4]
    made.a = 3 * X
    assert exe(made).tolist() == [6, 12]


def test_traced_values_are_in_fields():
    with pytest.raises(CatgradError, match=r"Plain.note holds a traced value, or a type, and is no field"):
        cg.trace(lambda x: noted(Plain(x), [x]), cg.f32[2])
    with pytest.raises(CatgradError, match=r"Plain.note holds a traced value, or a type, and is no field"):
        cg.trace(lambda t: t.a, noted(Plain(X), cg.f32[2]))


def test_unset_fields_stay_unset():
    made = Sealed.__new__(Sealed)
    object.__setattr__(made, "a", X)
    found = cg.function(lambda t: t)(made)
    assert found.a.tolist() == [1, 2]
    assert not hasattr(found, "tag")
    assert TensorType.of(found.a) is cg.f32[2]


def test_what_holds_itself_is_no_structure():
    made = Plain(X)
    made.b = made
    loop = []
    loop.append(loop)
    for value in (made, loop, noted(Plain(X), loop)):
        for use in (cg.function(lambda t: t), lambda t: cg.compile(lambda t: t, t)):
            with pytest.raises(CatgradError, match="holds itself"):
                use(value)
