"""A case: one computation, the entries that compete in it, and what a right answer is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from bench.libraries import LIBRARIES, Arrays, Call, Library

__all__ = ["Case", "Entry", "Program", "normal", "pure", "select"]

Program: TypeAlias = Callable[[Library, Arrays], Call]

# One function a module serves every way of running it.
RUNS_AS: Mapping[str, tuple[str, ...]] = {
    "catgrad": ("catgrad",),
    "numpy": ("numpy",),
    "torch": ("torch", "torch.compile"),
    "jax": ("jax.jit",),
}


@dataclass(frozen=True)
class Entry:
    """One competitor of a case.

    Args:
        library: A name in `bench.libraries.LIBRARIES`.
        program: Takes the opened library and the case's inputs; gives the call to be timed, which returns its results,
            or a function that fetches them. Whatever it does once (convert, compile, allocate) counts as the first
            call's time.
        variant: Tells several programs of one library apart.
        repeats: How many times one call does the case's work.
        targets: What it can be measured on.
    """

    library: str
    program: Program
    variant: str = ""
    repeats: float = 1
    targets: tuple[str, ...] = ("cpu",)

    @property
    def name(self) -> str:
        """The competitor's name in tables: "torch", or "torch (in place)"."""
        return f"{self.library} ({self.variant})" if self.variant else self.library


@dataclass(frozen=True)
class Case:
    """One computation at one size.

    Args:
        name: "family/size", unique.
        inputs: Draws the arrays from a generator; every competitor gets equal ones.
        entries: The competitors.
        reference: Gives the right results for the inputs, floats being passed in double precision.
        flops: Floating-point operations of one call; 0 where they are not what is measured.
        bytes: Bytes that one call must at least read and write; 0 likewise.
        tolerance: The largest error accepted, relative to the largest magnitude in the reference.
        time_limit: Seconds a competitor may take until its first result.
        compared_to: The case that this one is a larger version of; empty if there is none.
    """

    name: str
    inputs: Callable[[np.random.Generator], Arrays]
    entries: tuple[Entry, ...]
    reference: Callable[..., Any]
    flops: float = 0
    bytes: float = 0
    tolerance: float = 1e-5
    time_limit: float = 120
    compared_to: str = ""

    def entry(self, name: str) -> Entry:
        """The entry of that name."""
        return next(entry for entry in self.entries if entry.name == name)


def pure(**functions: Callable[..., Any]) -> tuple[Entry, ...]:
    """Entries for one function of arrays with one result, written once for each module.

    Args:
        functions: Module name ("catgrad", "numpy", "torch", "jax") to a function of that module and the arrays. Those
            of numpy and torch also take `out`, the array to write into, or None for a new one.
    """
    return tuple(
        Entry(library, partial(_bind, function), targets=LIBRARIES[library].targets)
        for module, function in functions.items()
        for library in RUNS_AS[module]
    )


def _bind(function: Callable[..., Any], library: Library, inputs: Arrays) -> Call:
    return library.bind(function, inputs)


def normal(*shapes: tuple[int, ...]) -> Callable[[np.random.Generator], Arrays]:
    """Inputs of standard normal f32 entries with these shapes."""
    return lambda random: tuple(random.standard_normal(shape, dtype=np.float32) for shape in shapes)


def select(cases: tuple[Case, ...], pattern: str) -> tuple[Case, ...]:
    """The case of that name; if there is none, those whose name matches the shell pattern or has it as a part.

    Example:
        >>> empty = lambda name: Case(name, normal(), (), abs)
        >>> [case.name for case in select((empty("matmul/64"), empty("exp/8")), "mat")]
        ['matmul/64']
    """
    exact = tuple(case for case in cases if case.name == pattern)
    return exact or tuple(case for case in cases if fnmatch(case.name, pattern) or pattern in case.name)
