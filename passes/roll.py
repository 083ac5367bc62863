"""Loops of calls: where a function calls the same functions again and again, a loop does, over a table of operands.

    %x1 = call @g(%x0, %w0)               %x = the array at %table[%i, 0], %w = the array at %table[%i, 1]
    %x2 = call @g(%x1, %w1)    becomes    %y = call @g(%x, %w)
    ...                                   write %y to the array at %table[%i, 2]

The layers of a deep network are such calls. All that follows costs the same for two layers as for two hundred.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from mlir import ir
from mlir.dialects import bufferization, func, llvm, memref

from catgrad.dialect import functions
from catgrad.dims import Extent
from catgrad.passes.base import Pass
from catgrad.passes.calls import DONATED, is_private
from catgrad.passes.driver import ARRAYS, PLACES, Call, Driver, Home, Layout, is_driver
from catgrad.passes.extents import at_run_time
from catgrad.passes.frames import TABLE, array_at
from catgrad.passes.kernels.emit import Index, loop, multiply, round_up, value
from catgrad.passes.kernels.walk import named
from catgrad.passes.places import ALIGNMENT
from catgrad.passes.verify import checked
from catgrad.words import Repeat, repeats

__all__ = ["RollCalls"]

_USERS = {"func.call": "callee", "func.constant": "value"}
"""What names functions, and in which attribute."""
_PERIOD = 8
"""How many calls one repetition may have."""


@dataclass(frozen=True)
class RollCalls(Pass):
    """Make loops of the calls that a public function repeats, if it only calls, and nobody calls it.

    Instead of arrays it then takes a table of their addresses, and returns nothing: results have addresses too.
    """

    name: ClassVar[str] = "catgrad-roll-calls"

    def run(self, module: ir.Operation) -> None:
        """Check all types if there is such a function, and rewrite it.

        Raises:
            DiagnosticError: An operation does not pass the type checker.
        """
        found = [function for function in functions.functions(module) if not function.is_external]
        private = {function.sym_name.value: function for function in found if is_private(function)}
        drivers = [function for function in found if not is_private(function) and is_driver(function, private)]
        if not drivers:
            return
        checked(module)
        used = {op.attributes[_USERS[op.name]].value for op in named(module, *_USERS)}
        taken = {op.attributes["sym_name"].value for op in module.regions[0].blocks[0] if "sym_name" in op.attributes}
        for driver in (Driver.of(function) for function in drivers if function.sym_name.value not in used):
            if driver.is_addressable:
                _roll(driver, private, taken)


def _roll(driver: Driver, callees: dict[str, func.FuncOp], taken: set[str]) -> None:
    """Make loops of what a driver repeats, if it does; names that are taken are not free for what that adds."""
    layout = Layout(driver)
    repeated = list(repeats((_letter(call, layout) for call in driver.calls), _PERIOD))
    if repeated and layout.is_possible:
        _Roller(driver, layout, callees, taken).rewrite(repeated)


def _letter(call: Call, layout: Layout) -> Hashable:
    """Return what calls have in common that a table can tell apart."""
    bases = (layout.homes[array].base for array in (*call.inputs, *call.outputs))
    return call.callee, call.numbers, _in_place(call, layout), tuple(bases)


def _in_place(call: Call, layout: Layout) -> tuple[tuple[int, int], ...]:
    """Return the pairs of an input and an output that are in one place."""
    places = {layout.homes[array]: position for position, array in enumerate(call.inputs)}
    homes = [layout.homes[array] for array in call.outputs]
    return tuple((places[home], position) for position, home in enumerate(homes) if home in places)


class _Roller:
    """Writes the new body of a driver, and variants of what it calls."""

    def __init__(self, driver: Driver, layout: Layout, callees: dict[str, func.FuncOp], taken: set[str]) -> None:
        self._driver = driver
        self._layout = layout
        self._callees = callees
        self._taken = taken
        self._variants: dict[Hashable, str] = {}
        self._extents: dict[Extent, ir.Value] = {}
        self._rooms: dict[Extent | str, tuple[ir.Value, Index]] = {}

    def rewrite(self, repeated: Sequence[Repeat]) -> None:
        """Make loops of what is repeated."""
        old, numbers = self._driver.function, self._driver.numbers
        with old.location:
            with ir.InsertionPoint(old):
                kinds = [*old.type.inputs[:numbers], llvm.PointerType.get()]
                made = func.FuncOp(old.sym_name.value, (kinds, []))
            words = ir.IntegerAttr.get(ir.IntegerType.get_signless(64), self._layout.words)
            made.arg_attrs = [*list(old.arg_attrs)[:numbers], ir.DictAttr.get({TABLE: words})]
            self._function, self._arguments = made, list(made.add_entry_block().arguments)
            with ir.InsertionPoint(made.entry_block):
                self._fill(repeated)
                func.ReturnOp([])
        old.operation.erase()

    def _fill(self, repeated: Sequence[Repeat]) -> None:
        self._measure()
        position = 0
        for repeat in repeated:
            self._calls(range(position, repeat.start))
            self._loop(repeat)
            position = repeat.stop
        self._calls(range(position, len(self._driver.calls)))
        for array, home in self._layout.copies:
            memref.copy(self._at(array, self._layout.homes[array]), self._at(array, home))

    def _measure(self) -> None:
        """Emit the extents of all arrays, and the memory of those inside."""
        symbols = {s: self._arguments[i] for s, i in functions.symbols(self._driver.function).items()}
        unknown = (e for kind in dict.fromkeys(self._driver.types) for e in kind.shape if not isinstance(e, int))
        self._extents = {extent: at_run_time(extent, symbols) for extent in dict.fromkeys(unknown)}
        for base, number in self._layout.sizes.items():
            unit: Index = 1 if base == PLACES else round_up(at_run_time(base, symbols), ALIGNMENT)
            self._rooms[base] = _allocate(multiply(unit, number)), unit

    def _calls(self, positions: range) -> None:
        """Emit calls as they are."""
        for position in positions:
            call = self._driver.calls[position]
            self._call(call, self._offsets([call]))

    def _loop(self, repeat: Repeat) -> None:
        """Emit a loop over what is repeated."""
        calls = self._driver.calls
        rows = [self._offsets([calls[position] for position in positions]) for positions in repeat.ranges]
        numbers = np.array(rows, np.int64)
        varying = np.flatnonzero((numbers != numbers[0]).any(axis=0)).tolist()
        table = self._table(numbers[:, varying].copy(order="C")) if varying else None
        with loop(0, repeat.count) as row:
            offsets: list[Index] = list(rows[0])
            for column, place in enumerate(varying):
                offsets[place] = memref.load(table, [row, value(column)])
            for position in repeat.ranges[0]:
                call = calls[position]
                self._call(call, offsets)
                offsets = offsets[len(call.inputs) + len(call.outputs) :]

    def _offsets(self, calls: Sequence[Call]) -> list[int]:
        return [self._layout.homes[array].offset for call in calls for array in (*call.inputs, *call.outputs)]

    def _call(self, call: Call, offsets: Sequence[Index]) -> None:
        """Emit a call whose arrays are at the first of the offsets."""
        pairs = dict(_in_place(call, self._layout))
        with call.location:
            inputs, outputs = self._buffers(call, offsets)
            for given, written in pairs.items():
                outputs[written] = inputs[given]
            tensors = [
                bufferization.to_tensor(self._driver.kinds[array], buffer, restrict=True, writable=position in pairs)
                for position, (array, buffer) in enumerate(zip(call.inputs, inputs, strict=True))
            ]
            numbers = [self._arguments[number] for number in call.numbers]
            kinds = [self._driver.kinds[array] for array in call.outputs]
            made = func.CallOp(kinds, self._callee(call, pairs), [*numbers, *tensors])
            for result, buffer in zip(made.results, outputs, strict=True):
                bufferization.materialize_in_destination(None, result, buffer, restrict=True, writable=True)

    def _buffers(self, call: Call, offsets: Sequence[Index]) -> tuple[list[ir.Value], list[ir.Value]]:
        """Emit what a call reads and what it writes."""
        arrays = zip((*call.inputs, *call.outputs), offsets, strict=False)
        buffers = [self._at(array, self._layout.homes[array]._replace(offset=offset)) for array, offset in arrays]
        return buffers[: len(call.inputs)], buffers[len(call.inputs) :]

    def _at(self, array: int, home: Home) -> ir.Value:
        """Emit an array that is at home."""
        kind = ir.RankedTensorType(self._driver.kinds[array])
        buffer = ir.MemRefType.get(kind.shape, kind.element_type)
        extents = [self._extents[e] for e in self._driver.types[array].shape if not isinstance(e, int)]
        if home.base == ARRAYS:
            return array_at(self._arguments[-1], home.offset, buffer, extents)
        room, unit = self._rooms[home.base]
        return memref.view(buffer, room, value(multiply(home.offset, unit)), extents)

    def _callee(self, call: Call, pairs: Mapping[int, int]) -> str:
        """Return what to call for some inputs to be where outputs go: a variant, to which they are donated."""
        key = call.callee, tuple(pairs.items())
        if pairs and key not in self._variants:
            self._variants[key] = self._free(f"{call.callee}.in_place")
            donated = {len(call.numbers) + given: written for given, written in pairs.items()}
            self._callees[self._variants[key]] = _variant(self._callees[call.callee], self._variants[key], donated)
        return self._variants[key] if pairs else call.callee

    def _table(self, numbers: npt.NDArray[np.int64]) -> ir.Value:
        """Add a constant table to the module; return it at the insertion point."""
        name = self._free(f"{self._function.sym_name.value}.calls")
        index = ir.IndexType.get()
        kind = ir.MemRefType.get(numbers.shape, index)
        with ir.InsertionPoint(self._function):
            content = ir.DenseElementsAttr.get(numbers, shape=numbers.shape, type=index)
            memref.global_(name, ir.TypeAttr.get(kind), sym_visibility="private", initial_value=content, constant=True)
        return memref.get_global(kind, name)

    def _free(self, name: str) -> str:
        """Return a name like the given one that nothing has, and take it."""
        numbered = (f"{name}{number or ''}" for number in count())
        free = next(each for each in numbered if each not in self._taken)
        self._taken.add(free)
        return free


def _allocate(size: Index) -> ir.Value:
    """Emit a block of memory."""
    known = isinstance(size, int)
    kind = ir.MemRefType.get([size if known else ir.ShapedType.get_dynamic_size()], ir.IntegerType.get_signless(8))
    return memref.alloc(kind, [] if known else [size], [])


def _variant(function: func.FuncOp, name: str, donated: Mapping[int, int]) -> func.FuncOp:
    """Return a copy of a function, some arguments of which are donated to results."""
    with ir.InsertionPoint(function):
        made = function.operation.clone().opview
    made.attributes["sym_name"] = ir.StringAttr.get(name)
    attributes = list(made.arg_attrs)
    i64 = ir.IntegerType.get_signless(64)
    for argument, result in donated.items():
        known = {each.name: each.attr for each in attributes[argument]}
        attributes[argument] = ir.DictAttr.get({**known, DONATED: ir.IntegerAttr.get(i64, result)})
    made.arg_attrs = attributes
    return made
