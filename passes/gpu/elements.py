"""The code for the elements of one row: each value is emitted where it is first asked for, and once for each place.

In a loop over chunks a value is computed in each iteration that asks for it; a chunk that is kept has its values kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial

from mlir import ir
from mlir.dialects import arith, memref, scf, vector

from catgrad.passes.gpu.launch import guarded
from catgrad.passes.gpu.values import Result, Values
from catgrad.passes.kernels.emit import Index, add, value, vector_of, zero

__all__ = ["Chunk", "Row"]


@dataclass
class Row:
    """The values of one row that all its elements share.

    Attributes:
        values: What flows.
        place: Where the row is.
        inside: Whether there is such a row; None if that is certain.
        known: The results of operations, by their numbers; those of folds are told.
        loaded: What was read from memory.
    """

    values: Values
    place: Sequence[Index]
    inside: ir.Value | None = None
    known: dict[int, list[ir.Value]] = field(default_factory=dict)
    loaded: dict[object, ir.Value] = field(default_factory=dict)

    def results(self, i: int) -> list[ir.Value]:
        """Emit the results of an operation on rows."""
        if i not in self.known:
            generic = self.values.generics[i]
            operands = [self.operand(i, operand) for operand in range(len(generic.maps))]
            self.known[i] = generic.compute(operands, self.values.position(i, self.place, ()))
        return self.known[i]

    def operand(self, i: int, operand: int) -> ir.Value:
        """Emit an operand that has one element for each row."""
        source, given = self.values.sources[i][operand], self.values.buffer(i, operand)
        if not isinstance(given.type, ir.MemRefType) or not self.values.is_read(i, operand):
            return given
        return self._load(i, operand) if source is None else self.results(source[0])[source[1]]

    def store(self, results: Sequence[Result], condition: ir.Value) -> None:
        """Emit the writing of values where a condition holds."""
        scalars = [self.results(i)[number] for i, number in results]
        with guarded(condition):
            for (i, number), scalar in zip(results, scalars, strict=True):
                self.values.generics[i].store(number, scalar, self.values.position(i, self.place, ()))

    def _load(self, i: int, operand: int) -> ir.Value:
        key = self.values.key(i, operand)
        if key not in self.loaded:
            place = self.values.position(i, self.place, ())
            load = partial(self.values.generics[i].load, operand, place)
            (self.loaded[key],) = _if_inside(self.inside, [self.values.element(i, operand)], lambda: [load()])
        return self.loaded[key]


@dataclass
class Chunk:
    """The values of some neighbouring elements of a row.

    Attributes:
        row: The row.
        place: Where the first of them is inside of the row.
        lanes: How many there are, along the last inner axis.
        inside: Whether they are in the row; None if that is certain.
        flat: Buffers whose elements are in the order of those of the row, with one axis, by operation and operand.
        number: The number of the first element in the row, where something is flat.
        known: The results of operations, by their numbers and that of the element.
        loaded: What was read from memory.
    """

    row: Row
    place: Sequence[Index]
    lanes: int = 1
    inside: ir.Value | None = None
    flat: Mapping[tuple[int, int], ir.Value] = field(default_factory=dict)
    number: Index = 0
    known: dict[tuple[int, int], list[ir.Value]] = field(default_factory=dict)
    loaded: dict[object, list[ir.Value]] = field(default_factory=dict)

    def results(self, i: int, lane: int) -> list[ir.Value]:
        """Emit the results of an operation for one of the elements."""
        if not self._values.run.inner[i]:
            return self.row.results(i)
        if (i, lane) not in self.known:
            operands = [self.operand(i, operand, lane) for operand in range(len(self._values.generics[i].maps))]
            self.known[i, lane] = self._values.generics[i].compute(operands, self._position(i, lane))
        return self.known[i, lane]

    def operand(self, i: int, operand: int, lane: int) -> ir.Value:
        """Emit an operand for one of the elements."""
        source = self._values.sources[i][operand]
        if not self._values.is_inner(i, operand) or not self._values.is_read(i, operand):
            return self.row.operand(i, operand)
        return self._load(i, operand)[lane] if source is None else self.results(source[0], lane)[source[1]]

    def fold(self, i: int, parts: Sequence[ir.Value]) -> list[ir.Value]:
        """Emit the folding of the elements into what the results of an operation are so far."""
        generic, new = self._values.generics[i], list(parts)
        for lane in range(self.lanes):
            operands = [self.operand(i, operand, lane) for operand in range(generic.inputs)]
            new = generic.compute([*operands, *new], self._position(i, lane))
        if self.inside is None:
            return new
        return [arith.select(self.inside, x, y) for x, y in zip(new, parts, strict=True)]

    def store(self, results: Sequence[Result]) -> None:
        """Emit the writing of values, after the reading of all that is in memory."""
        scalars = [[self.results(i, lane)[number] for lane in range(self.lanes)] for i, number in results]
        with nullcontext() if self.inside is None else guarded(self.inside):
            for (i, number), own in zip(results, scalars, strict=True):
                self._store(i, self._values.run.steps[i].inputs + number, own)

    def _store(self, i: int, operand: int, scalars: Sequence[ir.Value]) -> None:
        if self.lanes > 1 and self._is_wide(i, operand):
            together = vector.from_elements(vector_of(self.lanes, scalars[0].type), scalars)
            vector.store(together, *self._at(i, operand, 0))
            return
        for lane, scalar in enumerate(scalars):
            memref.store(scalar, *self._at(i, operand, lane))

    @property
    def _values(self) -> Values:
        return self.row.values

    def _load(self, i: int, operand: int) -> list[ir.Value]:
        """Emit an operand of all elements, in one access if they are neighbours in memory."""
        key = self._values.key(i, operand)
        if key not in self.loaded:
            self.loaded[key] = self._load_anew(i, operand)
        return self.loaded[key]

    def _load_anew(self, i: int, operand: int) -> list[ir.Value]:
        element = self._values.element(i, operand)
        if self.lanes > 1 and self._is_wide(i, operand):
            kind = vector_of(self.lanes, element)
            (lanes,) = _if_inside(self.inside, [kind], lambda: [vector.load(kind, *self._at(i, operand, 0))])
            return [vector.extract(lanes, [], [lane]) for lane in range(self.lanes)]
        is_one = self._values.run.inner[i][-1] not in self._values.generics[i].maps[operand]
        places = range(1 if is_one else self.lanes)
        kinds = [element] * len(places)
        found = _if_inside(self.inside, kinds, lambda: [memref.load(*self._at(i, operand, lane)) for lane in places])
        return found * self.lanes if is_one else found

    def _is_wide(self, i: int, operand: int) -> bool:
        return (i, operand) in self.flat or self._values.is_wide(i, operand)

    def _at(self, i: int, operand: int, lane: int) -> tuple[ir.Value, list[ir.Value]]:
        """Return where in which buffer an operand of one of the elements is."""
        if (i, operand) in self.flat:
            return self.flat[i, operand], [value(add(self.number, lane))]
        return self._values.buffer(i, operand), self._values.generics[i].place(operand, self._position(i, lane))

    def _position(self, i: int, lane: int) -> list[Index]:
        place = [*self.place[:-1], *(add(last, lane) for last in self.place[-1:])]
        return self._values.position(i, self.row.place, place)


def _if_inside(inside: ir.Value | None, kinds: Sequence[ir.Type], emit: Callable[[], list[ir.Value]]) -> list[ir.Value]:
    """Emit values that exist where a condition holds; they are zero elsewhere."""
    if inside is None:
        return emit()
    choice = scf.IfOp(inside, kinds, has_else=True)
    with ir.InsertionPoint(choice.then_block):
        scf.yield_(emit())
    with ir.InsertionPoint(choice.else_block):
        scf.yield_([zero(kind) for kind in kinds])
    return list(choice.results)
