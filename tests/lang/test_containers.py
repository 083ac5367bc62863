"""Modules in containers and in other modules: names of their parameters, sharing, and copies."""

import copy
import functools
from collections import OrderedDict, defaultdict
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pytest
from objects import Colour, Names

import catgrad as cg
from catgrad import nn
from catgrad.errors import CatgradError
from catgrad.types import f32, f64

X = np.array([1.0, -2.0, 3.0])


class Pair(NamedTuple):
    first: Any
    second: Any = None
    scale: float = 1.0


class Layers(list):
    def total(self, x):
        return sum((layer(x) for layer in self), x)


class Triple(tuple):
    __slots__ = ()


class ReadOnly(dict):
    def __setitem__(self, key, value):
        raise TypeError("read-only")

    __iter__ = items = keys = values = __reduce_ex__ = __copy__ = __setitem__


class Doubling(dict):
    def __setitem__(self, key, value):
        super().__setitem__(key, value * 2 if isinstance(value, float) else value)


class Counted(list):
    def append(self, value):
        super().append(value)
        super().append(value)

    def extend(self, values):
        for value in values:
            self.append(value)


class Closed(list):
    def __iter__(self):
        raise TypeError("closed")

    append = extend = __setitem__ = __reduce_ex__ = __copy__ = __iter__


class Exactly(tuple):
    def __new__(cls, first, second):
        return tuple.__new__(cls, (first, second))

    def __iter__(self):
        raise TypeError("closed")


def _doubling(a, b):
    made = Doubling(a=a, b=b)
    made["scale"] = 1.5
    return made


@dataclass
class Box:
    layer: Any
    scale: float = 1.0
    both: Any = field(init=False)

    def __post_init__(self):
        self.both = (self.layer, self.scale)


@dataclass(frozen=True)
class Slots:
    __slots__ = ("layer",)
    layer: Any


def _linear():
    return nn.Linear(3, 3, dtype=f64, bias=False)


HOLDERS = {
    "list": (lambda a, b: [a, 2.0, b], lambda h, x: h[0](x) * h[1] + h[2](x), (2, 1), ["0.weight", "2.weight"]),
    "tuple": (lambda a, b: (a, [b]), lambda h, x: h[0](x) + h[1][0](x), (1, 1), ["0.weight", "1.0.weight"]),
    "named tuple": (
        lambda a, b: Pair(a, b, 7.0),
        lambda h, x: h.first(x) * h.scale + h.second(x),
        (7, 1),
        ["first.weight", "second.weight"],
    ),
    "list of a class": (lambda a, b: Layers([a, b]), lambda h, x: h.total(x) - x, (1, 1), ["0.weight", "1.weight"]),
    "tuple of a class": (
        lambda a, b: Triple([a, b, 3]),
        lambda h, x: h[0](x) * (3 if type(h) is Triple else 0) + h[1](x),
        (3, 1),
        ["0.weight", "1.weight"],
    ),
    "dict of a class": (
        lambda a, b: Names(a=a, b=b),
        lambda h, x: h["a"](x) * h["missing"] + h["b"](x),
        (5, 1),
        ["a.weight", "b.weight"],
    ),
    "ordered dict": (
        lambda a, b: OrderedDict(z=a, b=b),
        lambda h, x: next(iter(h.values()))(x) * 2 + h["b"](x),
        (2, 1),
        ["z.weight", "b.weight"],
    ),
    "defaultdict": (
        lambda a, b: defaultdict(lambda: 4, a=a, b=b),
        lambda h, x: h["a"](x) * h["c"] + h["b"](x),
        (4, 1),
        ["a.weight", "b.weight"],
    ),
    "dict that is read-only": (
        lambda a, b: ReadOnly(a=a, b=b),
        lambda h, x: h["a"](x) + h["b"](x),
        (1, 1),
        ["a.weight", "b.weight"],
    ),
    "dict that changes what it takes": (
        _doubling,
        lambda h, x: h["a"](x) * h["scale"] + h["b"](x),
        (3, 1),
        ["a.weight", "b.weight"],
    ),
    "list that grows": (
        lambda a, b: Counted([a, b]),
        lambda h, x: h[0](x) * len(h) + h[1](x),
        (2, 1),
        ["0.weight", "1.weight"],
    ),
    "list that cannot be iterated": (
        lambda a, b: Closed([a, [b]]),
        lambda h, x: h[0](x) + h[1][0](x),
        (1, 1),
        ["0.weight", "1.0.weight"],
    ),
    "tuple with a constructor": (
        lambda a, b: Exactly(a, Exactly(b, 1)),
        lambda h, x: h[0](x) + h[1][0](x) * h[1][1],
        (1, 1),
        ["0.weight", "1.0.weight"],
    ),
    "keys alike": (
        lambda a, b: {1: a, "1": b},
        lambda h, x: h[1](x) * 2 + h["1"](x),
        (2, 1),
        ["1.weight", "['1'].weight"],
    ),
    "dotted keys": (
        lambda a, b: {"x": {"y": a}, "x.y": b},
        lambda h, x: h["x"]["y"](x) * 2 + h["x.y"](x),
        (2, 1),
        ["x.y.weight", "['x.y'].weight"],
    ),
    "keys of other types": (
        lambda a, b: {(1, Colour.RED): a, True: b},
        lambda h, x: h[1, Colour.RED](x) * 2 + h[True](x),
        (2, 1),
        ["[(1, Colour.RED)].weight", "[True].weight"],
    ),
    "dataclass": (
        lambda a, b: [Box(a, 3.0), Box(b)],
        lambda h, x: h[0].layer(x) * h[0].scale + h[1].both[0](x),
        (3, 1),
        ["0.both.0.weight", "1.both.0.weight"],
    ),
    "dataclass with slots": (
        lambda a, b: Slots(Slots([a, b])),
        lambda h, x: h.layer.layer[0](x) + h.layer.layer[1](x),
        (1, 1),
        ["layer.layer.0.weight", "layer.layer.1.weight"],
    ),
}


class Holder(cg.Module):
    def __init__(self, held, use):
        self.held, self.use = held, use
        self.shift = np.ones(3)

    def forward(self, x):
        return self.use(self.held, x) + self.shift


class Around(cg.Module):
    """A module with another inside."""

    def __init__(self, inner):
        self.inner = inner

    def forward(self, x):
        return self.inner(x)


@pytest.mark.parametrize("name", HOLDERS)
def test_layers_in_containers_of_every_kind(name):
    make, use, factors, paths = HOLDERS[name]
    model = Holder(make(_linear(), _linear()), use)
    paths = {path: f"held{'' if path.startswith('[') else '.'}{path}" for path in paths}
    assert sorted(model.parameters()) == sorted(paths.values())
    values = model.init(seed=1)
    first, second = (values[path] for path in paths.values())
    expected = factors[0] * X @ first.T + factors[1] * X @ second.T + 1
    np.testing.assert_allclose(model.apply(values, X), expected)
    term = cg.trace(Around(Around(model)), f64[3])
    given = {f"inner.inner.{path}": value for path, value in values.items()}
    for run in (functools.partial(cg.interpret, term), cg.compile(term)):
        np.testing.assert_allclose(run(given, X), expected)


@pytest.mark.sampled(4)
@pytest.mark.parametrize("wrap", [lambda held: [held], lambda held: (held,), lambda held: {"a": held}, Box])
def test_containers_nested_deeply(wrap):
    held = shared = [_linear()]
    for _ in range(3000):
        held = wrap(held)
    model = Holder((held, shared, (shared, 2.0)), lambda h, x: h[1][0](x) * h[2][1] + h[2][0][0](x))
    assert len(model.parameters()) == 1
    (path,) = model.init()
    weight = np.eye(3)
    np.testing.assert_allclose(model.apply({path: weight}, X), 3 * X + 1)
    np.testing.assert_allclose(cg.interpret(cg.trace(model, f64[3]), {path: weight}, X), 3 * X + 1)


def test_copies_have_the_same_parameters():
    held = Names(a=[_linear()], b=Pair(Box(_linear())))
    model = Holder(held, HOLDERS["dict of a class"][1])
    assert list(copy.deepcopy(model).parameters()) == list(model.parameters())


def test_a_name_for_every_parameter():
    class Key:
        pass

    with pytest.raises(CatgradError, match="parameters in a dict are named by its keys: use text or numbers"):
        Holder({Key(): _linear()}, None).parameters()
    assert Holder({Key(): 1.0}, None).parameters() == {}


def test_a_child_that_points_to_its_parent():
    class Child(cg.Module):
        def __init__(self, parent):
            self.parent, self.linear = parent, _linear()

        def forward(self, x):
            return self.linear(x) * self.parent.scale

    class Parent(cg.Module):
        def __init__(self):
            self.scale, self.children = 3.0, []
            self.children += [Child(self), Child(self)]
            self.children.append(self.children)

        def forward(self, x):
            assert self.children[0].parent is self
            assert self.children[2] is self.children
            return self.children[0](x) + self.children[1](x)

    model = Parent()
    values = model.init()
    assert list(values) == ["children.0.linear.weight", "children.1.linear.weight"]
    expected = 3 * X @ sum(values.values()).T
    np.testing.assert_allclose(model.apply(values, X), expected)
    np.testing.assert_allclose(cg.interpret(cg.trace(model, f64[3]), values, X), expected)


def test_a_module_that_two_others_share_stays_shared():
    shared = _linear()

    class Both(cg.Module):
        def __init__(self):
            self.left, self.right = Box(shared), Pair(shared)

        def forward(self, x):
            assert self.left.layer is self.right.first
            return self.left.layer(x) - 2 * self.right.first(x)

    model = Both()
    assert list(model.parameters()) == ["left.both.0.weight"]
    values = model.init()
    expected = -X @ values["left.both.0.weight"].T
    np.testing.assert_allclose(cg.interpret(cg.trace(model, f64[3]), values, X), expected)


def test_modules_that_are_dataclasses():
    @dataclass(frozen=True)
    class Scaled(cg.Module):
        layer: cg.Module
        k: float = 2.0
        table: Any = None

        def forward(self, x):
            return self.layer(x) * self.k

    model = Scaled(Scaled(_linear(), 3.0, np.ones(2)))
    values = model.init()
    assert list(values) == ["layer.layer.weight"]
    np.testing.assert_allclose(cg.interpret(cg.trace(model, f64[3]), values, X), 6 * X @ values["layer.layer.weight"].T)


def test_values_are_arguments_and_arrays_are_constants():
    model = Holder([_linear() for _ in range(4)], lambda h, x: h[0](x) + h[1](x) + h[2](x) + h[3](x))
    values = {path: 1.0 + np.arange(9.0).reshape(3, 3) * i for i, path in enumerate(model.parameters())}
    bound = model.bind(values)
    term = cg.trace(lambda x: bound(x), f64[3])
    assert [d.name for d in term.definitions] == ["Linear", "Holder"]
    np.testing.assert_allclose(cg.interpret(term, X), sum(X @ v.T for v in values.values()) + 1)
    np.testing.assert_allclose(cg.interpret(cg.trace(bound, f64[3]), {}, X), cg.interpret(term, X))


def test_what_forward_leaves_behind_is_left_on_a_copy():
    class Remembers(cg.Module):
        def forward(self, x):
            self.last = x
            return x * 2

    module = Remembers()
    for _ in range(2):
        cg.trace(lambda x: module(x) + module(x), f32[3])
    assert not hasattr(module, "last")


def test_values_that_forward_sets_are_used():
    class Normed(cg.Module):
        def __init__(self):
            self.linear = _linear()

        def forward(self, x):
            self.linear.weight = self.linear.weight * 0.5
            return self.linear(x)

    model = Normed()
    values = model.init()
    expected = X @ values["linear.weight"].T / 2
    np.testing.assert_allclose(cg.interpret(cg.trace(model, f64[3]), values, X), expected)


def test_a_module_that_calls_itself():
    class Again(cg.Module):
        def __init__(self, setting):
            self.setting = setting

        def forward(self, x):
            return self(x)

    for setting in (1.0, object()):
        with pytest.raises(CatgradError, match=r"Again calls itself"):
            cg.trace(Again(setting), f32[3])
