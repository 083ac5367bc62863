"""Compile time of programs that grow in one direction: see `compiling`.

Nothing in these programs repeats, since each step has a number of its own; so what is measured is the time for each
operation, and not for finding repetitions. The least and the middle size are compared with jax; the greatest is for
catgrad alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, reduce
from typing import Any

import numpy as np

from bench.case import Case, Entry
from bench.cases.compiling import afresh
from bench.libraries import Arrays, Call, Library

__all__ = ["CASES"]

SIZES, LARGEST = (100, 1000), 10_000
WIDTH = 8


@dataclass(frozen=True)
class Family:
    """Programs of any size.

    Args:
        program: Takes a module of arrays and the size to a function.
        shapes: The shapes of its arguments, given the size.
        sizes: Those that all libraries compile.
        largest: The one that catgrad compiles alone; none if 0.
    """

    program: Callable[[Any, int], Callable[..., Any]]
    shapes: Callable[[int], list[tuple[int, ...]]] = lambda n: [(WIDTH,)]
    sizes: tuple[int, ...] = SIZES
    largest: int = LARGEST


def chain(xp: Any, n: int) -> Callable[..., Any]:
    """Each step reads the one before it."""
    return lambda x: reduce(lambda y, i: xp.sin(y) * (1 / (i + 2)) + x, range(n), x)


def diamonds(xp: Any, n: int) -> Callable[..., Any]:
    """Each step reads the one before it twice."""
    return lambda x: reduce(lambda y, i: xp.sin(y) / 2 + xp.abs(y) * (1 / (i + 3)), range(n), x)


def fan_out(xp: Any, n: int) -> Callable[..., Any]:
    """One value has many readers, whose sums are one result."""

    def f(x: Any) -> Any:
        y = xp.tanh(x)
        return reduce(lambda total, i: total + xp.sum(y * (i / n)), range(n), xp.sum(y))

    return f


def many_results(xp: Any, n: int) -> Callable[..., Any]:
    """Each step is a result."""
    return lambda x: tuple(xp.sin(x + i / n) for i in range(n))


def many_inputs(xp: Any, n: int) -> Callable[..., Any]:
    """The sum of the arguments."""
    return lambda *xs: reduce(lambda a, b: a + b, xs)


def constants(xp: Any, n: int) -> Callable[..., Any]:
    """A recurrence that depends on no argument."""
    start = getattr(xp, "constant", np.float32)
    return lambda x: x * reduce(lambda m, _: 0.9 * m + 0.1 * (1 - m), range(n), start(0.5))


def contractions(xp: Any, n: int) -> Callable[..., Any]:
    """Products with one matrix, each scaled in a way of its own."""
    return lambda x, w: reduce(lambda y, i: xp.tanh(y @ w) * (1 + i / n), range(n), x)


def constant_array(xp: Any, n: int) -> Callable[..., Any]:
    """The product with a constant of n kilobytes."""
    elements = np.random.default_rng(0).standard_normal((n, 256), np.float32)
    return lambda x: x * getattr(xp, "constant", np.asarray)(elements)


FAMILIES = {
    "chain": Family(chain),
    "diamonds": Family(diamonds),
    "fan-out": Family(fan_out),
    "results": Family(many_results),
    "inputs": Family(many_inputs, lambda n: [(WIDTH,)] * n),
    "constants": Family(constants),
    "contractions": Family(contractions, lambda n: [(4, WIDTH), (WIDTH, WIDTH)]),
    "kilobytes": Family(constant_array, lambda n: [(n, 256)], (120, 12_000), 120_000),
}


def draw(family: Family, n: int, random: np.random.Generator) -> Arrays:
    """The arguments."""
    return tuple(random.standard_normal(shape, np.float32) / 4 for shape in family.shapes(n))


def in_catgrad(family: Family, n: int, library: Library, inputs: Arrays) -> Call:
    """One function, compiled for the types of its arguments."""
    cg = library.module
    compiled = cg.compile(family.program(cg, n), *(cg.f32[array.shape] for array in inputs))
    return partial(compiled, *inputs)


def in_jax(family: Family, n: int, library: Library, inputs: Arrays) -> Call:
    """The same function, jitted."""
    compiled = library.module.jit(family.program(library.module.numpy, n))
    return lambda: library.module.block_until_ready(compiled(*inputs))


def reference(family: Family, n: int, *inputs: Any) -> Any:
    """The same function in numpy."""
    return family.program(np, n)(*inputs)


def cases(name: str, family: Family) -> tuple[Case, ...]:
    """The case of each size."""
    first, *more = family.sizes
    sizes = [(first, True), *((n, True) for n in more), *[(family.largest, False)] * bool(family.largest)]
    programs = {"catgrad": in_catgrad, "jax.jit": in_jax}
    return tuple(
        Case(
            f"compile/{n}-{name}",
            partial(draw, family, n),
            tuple(
                Entry(library, partial(afresh, partial(program, family, n)))
                for library, program in programs.items()
                if is_compared or library == "catgrad"
            ),
            partial(reference, family, n),
            tolerance=1e-3,
            time_limit=600,
            compared_to=f"compile/{first}-{name}" if n != first else "",
        )
        for n, is_compared in sizes
    )


CASES = tuple(case for name, family in FAMILIES.items() for case in cases(name, family))
