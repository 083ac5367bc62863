"""Drivers: functions that only call, and where each array that they pass on is.

An array comes from outside, goes there, or lives from the call that makes it to the last one that reads it. Those that
live and die inside get places: arrays of known size first fit in one block (`catgrad.passes.places`), those of unknown
size slots in a block for each size. So whatever a call reads or writes is a base and an offset.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import prod
from typing import NamedTuple

from mlir import ir
from mlir.dialects import func

from catgrad.cached import cached_property
from catgrad.dialect import functions
from catgrad.dialect.types import from_mlir
from catgrad.dims import Extent
from catgrad.passes.calls import donations
from catgrad.passes.kernels.emit import Index
from catgrad.passes.places import ALIGNMENT, Buffer, aligned, place
from catgrad.types import TensorType

__all__ = ["ARRAYS", "PLACES", "Call", "Driver", "Home", "Layout", "is_driver"]

ARRAYS = "arrays"
"""The base of what comes from outside: a table of addresses and extents, as words."""
PLACES = 1
"""The base of arrays of known size: bytes, in multiples of one. Those of unknown size are slots of that size."""


class Home(NamedTuple):
    """Place of an array.

    Attributes:
        base: `ARRAYS`, `PLACES`, or the size of the slots.
        offset: The number of the word, the byte or the slot.
    """

    base: Extent | str
    offset: Index


@dataclass(frozen=True)
class Call:
    """A call that a driver makes.

    Attributes:
        callee: What it calls.
        numbers: Its index operands, which come first, as arguments of the driver.
        inputs: The arrays that it reads.
        outputs: The arrays that it makes.
        location: Where it comes from.
    """

    callee: str
    numbers: tuple[int, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    location: ir.Location


@dataclass(frozen=True)
class Driver:
    """A function that only calls, its arrays numbered: first those it is given.

    Attributes:
        function: The function.
        numbers: How many index arguments it has, which come first.
        given: How many arrays it takes.
        kinds: The type of each array.
        calls: What it does, in order.
        returned: The arrays that it returns.
        donated: For results that take over the memory of an array that is given, which.
    """

    function: func.FuncOp
    numbers: int
    given: int
    kinds: Sequence[ir.Type]
    calls: Sequence[Call]
    returned: Sequence[int]
    donated: Mapping[int, int]

    @staticmethod
    def of(function: func.FuncOp) -> Driver:
        """Return a function, of which `is_driver` holds, as a driver."""
        *operations, last = function.entry_block.operations
        arguments = list(function.arguments)
        numbers = sum(isinstance(argument.type, ir.IndexType) for argument in arguments)
        arrays = {argument: i for i, argument in enumerate(arguments[numbers:])}
        given, calls = len(arrays), []
        for op in operations:
            operands = list(op.operation.operands)
            inputs = [arrays[operand] for operand in operands if operand in arrays]
            outputs = range(len(arrays), len(arrays) + len(op.operation.results))
            arrays.update(zip(op.operation.results, outputs, strict=True))
            index = tuple(operand.arg_number for operand in operands[: len(operands) - len(inputs)])
            calls.append(Call(op.callee.value, index, tuple(inputs), tuple(outputs), op.location))
        kinds = [array.type for array in arrays]
        donated = {result: number - numbers for result, number in donations(function.operation).items()}
        return Driver(function, numbers, given, kinds, calls, [arrays[x] for x in last.operation.operands], donated)

    @cached_property
    def types(self) -> list[TensorType]:
        """The type of each array as catgrad has it."""
        symbols = tuple(functions.symbols(self.function))
        known = {kind: from_mlir(kind, symbols) for kind in set(self.kinds)}
        return [known[kind] for kind in self.kinds]

    @cached_property
    def bases(self) -> list[tuple[Extent, int]]:
        """The base that each array belongs to if it is inside, and its size there."""
        known = {type: _base(type) for type in set(self.types)}
        return [known[type] for type in self.types]

    @property
    def is_addressable(self) -> bool:
        """Whether an address can tell the places of all arrays apart."""
        return sum(aligned(size) for base, size in self.bases if base == PLACES) <= sys.maxsize

    @cached_property
    def last_read(self) -> dict[int, int]:
        """The last call that reads each array."""
        return {array: position for position, call in enumerate(self.calls) for array in call.inputs}

    @cached_property
    def made_at(self) -> dict[int, int]:
        """The call that makes each array."""
        return {array: position for position, call in enumerate(self.calls) for array in call.outputs}


def is_driver(function: func.FuncOp, callees: Mapping[str, func.FuncOp]) -> bool:
    """Return whether a function does nothing but call others, with numbers first and then tensors."""
    *operations, _ = function.entry_block.operations
    called = dict.fromkeys(op.callee.value if isinstance(op, func.CallOp) else "" for op in operations)
    kinds = [function.type, *(callees[name].type for name in called if name in callees)]
    return len(kinds) == 1 + len(called) and len(function.body.blocks) == 1 and all(map(_passes_tensors, kinds))


def _passes_tensors(kind: ir.FunctionType) -> bool:
    """Return whether a function takes numbers and then tensors, and returns tensors."""
    inputs = [isinstance(each, ir.RankedTensorType) for each in kind.inputs]
    numbers = all(isinstance(each, ir.IndexType) for each in kind.inputs[: inputs.count(False)])
    return numbers and all(isinstance(each, ir.RankedTensorType) for each in kind.results)


class Layout:
    """Layout of the arrays of a driver.

    Attributes:
        homes: The home of each array.
        copies: Arrays that are copied at the end, and where to.
        words: How many words the table of what comes from outside has.
        sizes: How many bytes, or slots, each base inside has.
    """

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self.homes: dict[int, Home] = {}
        self.copies: list[tuple[int, Home]] = []
        self.sizes: dict[Extent, int] = {}
        self.words = self._place_outside()
        self._place_inside()

    def _place_outside(self) -> int:
        """Place what is given and what is returned; return how many words there are."""
        driver = self._driver
        fresh = [array for result, array in enumerate(driver.returned) if result not in driver.donated]
        ranks = [ir.RankedTensorType(driver.kinds[array]).rank for array in (*range(driver.given), *fresh)]
        *words, total = accumulate((1 + rank for rank in ranks), initial=0)
        homes = (Home(ARRAYS, word) for word in words)
        self.homes = dict(zip(range(driver.given), homes, strict=False))
        for result, array in enumerate(driver.returned):
            home = self.homes[driver.donated[result]] if result in driver.donated else next(homes)
            if array not in self.homes and self._is_free(result, array):
                self.homes[array] = home
            elif self.homes.get(array) != home:
                self.copies.append((array, home))
        return total

    def _is_free(self, result: int, array: int) -> bool:
        """Return whether the memory of a result may be written by the call that makes it."""
        driver = self._driver
        if result not in driver.donated:
            return True
        call, given = driver.made_at[array], driver.donated[result]
        last = driver.last_read.get(given, -1)
        return last < call or (last == call and driver.calls[call].inputs.count(given) == 1)

    def _place_inside(self) -> None:
        driver, end = self._driver, len(self._driver.calls)
        copied = dict.fromkeys((array for array, _ in self.copies), end)
        last_read = {**driver.last_read, **copied}
        groups: dict[Extent, list[tuple[int, Buffer]]] = {}
        for array, start in driver.made_at.items():
            if array not in self.homes:
                base, size = driver.bases[array]
                groups.setdefault(base, []).append((array, Buffer(start, last_read.get(array, start) + 1, size)))
        for base, group in groups.items():
            unit = 1 if base == PLACES else ALIGNMENT
            offsets = place([buffer for _, buffer in group])
            self.homes.update((array, Home(base, o // unit)) for (array, _), o in zip(group, offsets, strict=True))
            ends = (offset + aligned(buffer.size) for offset, (_, buffer) in zip(offsets, group, strict=True))
            self.sizes[base] = max(ends) // unit

    @property
    def is_possible(self) -> bool:
        """Whether no copy at the end would read what is written before."""
        written = {self.homes[given] for given in self._driver.donated.values()}
        return all(array >= self._driver.given or self.homes[array] not in written for array, _ in self.copies)


def _base(kind: TensorType) -> tuple[Extent, int]:
    """Return the base that an array inside belongs to, and its size there."""
    size: Extent = prod(kind.shape, start=kind.dtype.numpy.itemsize)
    return (PLACES, size) if isinstance(size, int) else (size, ALIGNMENT)
