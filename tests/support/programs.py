"""Random programs: a plan is a list of steps, and running it applies each step to earlier values.

Every step fits every value, so any plan is a program: where two shapes differ, the second operand is summed first.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

import catgrad as cg
from catgrad.hypergraph import forget, is_isomorphic
from catgrad.ops import copy
from catgrad.rewrite import inline
from catgrad.types import TensorType, f64

few = settings(deadline=None, max_examples=12)

SHAPES = ((), (3,), (2, 3), (3, 2), (1, 3))


def _fitting(x, y):
    return y if y.shape == x.shape else cg.sum(y)


def _shared(x):
    return cg.tanh(x) * x


shared = cg.function(_shared)

SMOOTH: dict[str, Callable] = {
    "tanh": lambda x, y: cg.tanh(x),
    "sin": lambda x, y: cg.sin(x),
    "sigmoid": lambda x, y: cg.sigmoid(x),
    "negative": lambda x, y: -x,
    "add": lambda x, y: x + _fitting(x, y),
    "subtract": lambda x, y: x - _fitting(x, y),
    "multiply": lambda x, y: cg.tanh(x) * cg.sin(_fitting(x, y)),
    "divide": lambda x, y: x / (2 + cg.cos(_fitting(x, y))),
    "transpose": lambda x, y: x.T,
    "flatten": lambda x, y: cg.reshape(x, (-1,)),
    "sum": lambda x, y: cg.sum(x, axis=0) if x.ndim else x,
    "mean": lambda x, y: cg.mean(x),
    "gram": lambda x, y: x @ x.T if x.ndim else x * x,
    "call": lambda x, y: shared(x),
    "one": lambda x, y: 1 * x,
    "same": lambda x, y: x,
}
"""Steps that are differentiable everywhere, and stay small."""

STEPS: dict[str, Callable] = {
    **SMOOTH,
    "relu": lambda x, y: cg.relu(x),
    "maximum": lambda x, y: cg.maximum(x, _fitting(x, y)),
    "max": lambda x, y: cg.max(x, axis=-1, keepdims=True) if x.ndim else x,
    "where": lambda x, y: cg.where(x > 0, x, _fitting(x, y)),
    "stop": lambda x, y: cg.stop_gradient(x),
    "cast": lambda x, y: cg.cast(cg.cast(x, cg.f32), cg.f64),
    "again": lambda x, y: cg.permute_dims(cg.permute_dims(x, range(x.ndim)), range(x.ndim)),
    "twice": lambda x, y: cg.negative(cg.negative(x)),
}


@dataclass(frozen=True)
class Program:
    """A function of arrays, with the types that it takes."""

    types: tuple[TensorType, ...]
    plan: tuple[tuple[str, int, int], ...]
    results: tuple[int, ...]

    def __call__(self, *inputs):
        values = list(inputs)
        for step, i, j in self.plan:
            values.append(STEPS[step](values[i % len(values)], values[j % len(values)]))
        return tuple(values[i % len(values)] for i in self.results)

    def scalar(self, *inputs):
        """Return one number that all results take part in."""
        first, *rest = (cg.sum(cg.sin(y)) for y in self(*inputs))
        return sum(rest, first)

    def arrays(self, seed: int = 0) -> list[np.ndarray]:
        rng = np.random.default_rng(seed)
        return [np.asarray(rng.uniform(-1, 1, t.shape), dtype=t.dtype.numpy) for t in self.types]


def programs(steps: Sequence[str] = tuple(STEPS), max_steps: int = 8):
    """Return a strategy for programs of the given steps; their last value is among the results."""
    types = st.lists(st.sampled_from([f64[shape] for shape in SHAPES]), min_size=1, max_size=3)
    index = st.integers(0, 7)
    plan = st.lists(st.tuples(st.sampled_from(list(steps)), index, index), max_size=max_steps)
    results = st.lists(index, max_size=2).map(lambda chosen: (*chosen, -1))
    return st.builds(Program, types.map(tuple), plan.map(tuple), results)


def is_same(first: cg.Term, second: cg.Term) -> bool:
    """Return whether two terms are one diagram, once definitions are inlined and values are shared without copies."""
    shared = [
        forget(inline(term, lambda definition: True).graph, lambda label: label.op is copy)[0]
        for term in (first, second)
    ]
    return is_isomorphic(*shared)
