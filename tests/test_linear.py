"""Compiling takes time linear in the program: the calls that Python makes for n and for 2n operations are compared.

Calls are counted and not timed, so that the outcome is the same on every machine.
"""

import inspect
import sys
from functools import reduce

import numpy as np
import pytest

import catgrad as cg
from catgrad.backend import emitted
from catgrad.dialect.lift import lift
from catgrad.passes.pipelines import stages
from catgrad.passes.runner import run
from catgrad.prepare import prepare
from catgrad.rewrite import simplify
from catgrad.types import f32

ROW = f32[8]
DEPTH = 150
"""Operations of a program that is too deep to recur on, and the depth that Python has for it."""


def chain(n):
    return lambda x: reduce(lambda y, i: cg.sin(y) * (1 + i / 7) + x, range(n), x), (ROW,)


def sums(n):
    return lambda x: reduce(lambda y, i: y * cg.sum(y) * (1 + i / 7), range(n), x), (ROW,)


def uses(n):
    return lambda x: [cg.abs(x) * float(i) for i in range(n)], (ROW,)


def many_inputs(n):
    return lambda xs: reduce(lambda a, b: a + b, xs), ((ROW,) * n,)


def sum_of_one(n):
    return lambda x: reduce(lambda y, _: y + x, range(n), x), (ROW,)


def diamonds(n):
    return lambda x: reduce(lambda y, i: cg.abs(y) + cg.exp(y) * (1 + i / 7), range(n), x), (ROW,)


def gradient(n):
    f, types = diamonds(n)
    return cg.grad(lambda x: cg.sum(f(x))), types


def rows_of_sums(n):
    def f(x):
        y = cg.exp(x)
        return sum(cg.sum(y * float(i), axis=-1) for i in range(n))

    return f, (f32[3, 8],)


def constants(n):
    return lambda x: x * reduce(lambda m, _: 0.9 * m + 0.1 * (1 - m), range(n), cg.constant(0.5)), (ROW,)


def inexact_constants(n):
    return lambda x: x * reduce(lambda m, _: cg.tanh(m) * m + m, range(n), cg.constant(0.5)), (ROW,)


def spreads(n):
    def f(x):
        y = cg.constant(2.0)
        for i in range(n):
            y = cg.reshape(cg.broadcast_to(y, (1,) * (i % 3)), ())
        return x * y

    return f, (ROW,)


def layers(n):
    return lambda x, ws: reduce(lambda y, w: cg.tanh(y @ w), ws, x), (f32[4, 8], (f32[8, 8],) * n)


def definitions(n):
    parts = [cg.function(lambda x, i=i: cg.sum(x * float(i)) * x) for i in range(n)]
    return lambda x: reduce(lambda y, part: part(y), parts, x), (ROW,)


FAMILIES = (
    *(chain, sums, uses, many_inputs, sum_of_one, diamonds, gradient, rows_of_sums),
    *(constants, inexact_constants, spreads, layers, definitions),
)


class Calls:
    """Counts the calls of Python functions, and of those written in C, while the body runs."""

    def __enter__(self):
        self.count = 0
        sys.setprofile(self._note)
        return self

    def _note(self, frame, event, argument):
        self.count += event in ("call", "c_call")

    def __exit__(self, *_):
        sys.setprofile(None)


def _counts(family, n, last):
    """Return how many calls the term and then each stage up to `last` takes."""
    f, types = family(n)
    counts = {}
    with Calls() as calls:
        program, signature = prepare(f, *types)
        counts["term"] = calls.count
        module = emitted((program, signature))
        counts["catgrad"] = calls.count
        for stage in stages()[1:]:
            if stage.name not in last:
                break
            run(module, [stage])
            counts[stage.name] = calls.count
    return {name: count - before for (name, count), before in zip(counts.items(), [0, *counts.values()], strict=False)}


def _assert_linear(family, n, last):
    small, large = (_counts(family, size, last) for size in (n, 2 * n))
    assert {name: (small[name], large[name]) for name in small if large[name] > 2.3 * small[name] + 200} == {}


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__)
def test_the_work_of_the_first_stages_is_linear(family):
    _assert_linear(family, 24, ("linalg", "fused"))


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__)
def test_the_work_of_all_stages_is_linear(family):
    # Few uses of a value are fewer than fusion looks at.
    _assert_linear(family, 200 if family is uses else 100, [stage.name for stage in stages()])


@pytest.fixture
def shallow():
    """Leave Python little more depth than it needs for a short program."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + DEPTH)
    yield
    sys.setrecursionlimit(limit)


@pytest.mark.usefixtures("shallow")
@pytest.mark.parametrize("family", [chain, constants, spreads, uses], ids=lambda family: family.__name__)
def test_nothing_is_as_deep_as_the_program(family):
    f, types = family(DEPTH)
    term = cg.trace(f, *types)
    cg.check(term)
    assert len(str(term)) > len(term.steps) >= DEPTH
    assert len(cg.from_json(term.to_json()).steps) == len(term.steps)
    assert len(lift(emitted((simplify(term), prepare(term)[1])))) == 1
    cg.interpret(term, np.ones(8, np.float32))
    cg.grad(cg.trace(lambda x: cg.sum(f(x)[0] if family is uses else f(x)), *types))
