"""Register pressure: live ranges of the values of a row, and whether registers can keep what is needed again.

Reference: Chaitin et al., "Register allocation via coloring" (1981), on live ranges.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from catgrad.passes.gpu.machine import GpuMachine
from catgrad.passes.gpu.values import Result, Values
from catgrad.passes.kernels.view import width

__all__ = ["Element", "are_kept", "element", "needed", "read_by"]

_WORKING = 40
"""Registers that addresses, and the elementary functions of one element, take."""


@dataclass(frozen=True)
class Element:
    """Value that a run makes, or reads from memory, for each element of a row.

    Attributes:
        name: Which value it is.
        words: How many registers of 32 bits it takes.
        maker: The operation that makes it, or None if it is in memory.
    """

    name: object
    words: int
    maker: int | None


def are_kept(values: Values, own: int, block: int, machine: GpuMachine) -> bool:
    """Return whether the threads of a block have room for what is needed again, if each has `own` elements of a row."""
    room = min(machine.registers, machine.multiprocessor.registers // block) - _WORKING
    return own * _kept_words(values) <= room


def _kept_words(values: Values) -> int:
    """Return the most words that are kept, for each element of a row, from one sweep to the next."""
    sweeps: dict[Element, list[int]] = {}
    for sweep in range(values.sweeps):
        for each in needed(values, sweep, sweeps.keys()):
            sweeps.setdefault(each, []).append(sweep)
    return max(
        sum(each.words for each, used in sweeps.items() if used[0] <= sweep < used[-1])
        for sweep in range(values.sweeps)
    )


def needed(values: Values, sweep: int, known: Collection[Element]) -> set[Element]:
    """Return what a sweep needs for each element; what is known is not computed again."""
    folds = [i for i, step in enumerate(values.run.steps) if step.folded and values.levels[i] == sweep + 1]
    todo = [each for i in folds for each in read_by(values, i)]
    for i, result in values.stores[sweep]:
        todo.append(element(values, i, values.run.steps[i].inputs + result, (i, result)))
    found: set[Element] = set()
    while todo:
        each = todo.pop()
        if each not in found and each.maker is not None and each not in known:
            todo += read_by(values, each.maker)
        found.add(each)
    return found


def read_by(values: Values, i: int) -> list[Element]:
    """Return the elements that an operation reads."""
    operands = range(len(values.sources[i]))
    read = [operand for operand in operands if values.is_inner(i, operand) and values.is_read(i, operand)]
    return [element(values, i, operand, values.sources[i][operand]) for operand in read]


def element(values: Values, i: int, operand: int, source: Result | None) -> Element:
    """Return what an operand is; `source` makes it, or it is in memory."""
    words = -(-width(values.element(i, operand)) // 32)
    return Element(values.key(i, operand), words, None) if source is None else Element(source, words, source[0])
