"""What is done with the sums of a contraction before they leave the registers: the operations of its run.

A run of a contraction and of elementwise operations (`catgrad/passes/runs.py`) touches whatever it writes at one place
for each element of C. So whoever has the sum that belongs to an element does the rest there: what C is filled with, and
all that is computed of C. A buffer that nobody else uses is never written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from mlir import ir
from mlir.dialects import arith

from catgrad.passes.accesses import Step, root_of
from catgrad.passes.gpu.generic import Generic
from catgrad.passes.gpu.lanes import Lanes
from catgrad.passes.kernels.contraction import is_zero
from catgrad.passes.kernels.emit import Index, combine, is_float, zero
from catgrad.passes.kernels.view import extend, width
from catgrad.passes.runs import Run

__all__ = ["Epilogue", "accumulator", "alone", "is_contraction"]

_CONTRACTION = "linalg.contract"
_C = 2
"""The number of the operand of a contraction that is added to."""


def is_contraction(run: Run) -> bool:
    """Return whether a run is one contraction, and operations on single elements of its result."""
    others = [inner for step, inner in zip(run.steps, run.inner, strict=True) if step.op.name != _CONTRACTION]
    return len(others) == len(run.steps) - 1 and not any(others)


def alone(op: ir.Operation) -> Run:
    """Return a contraction by itself as a run, whatever its buffers may share with others."""
    step = Step(op)
    return Run((step,), (tuple(sorted(step.axes - step.folded)),), (tuple(sorted(step.folded)),))


def accumulator(element: ir.Type) -> ir.Type:
    """Return the type in which the products of a contraction are added: f32 where the result is a shorter float."""
    return ir.F32Type.get() if is_float(element) and width(element) < 32 else element


@dataclass(frozen=True)
class Epilogue:
    """The operations of a run that is a contraction; see `is_contraction`.

    Attributes:
        run: The run.
    """

    run: Run

    @cached_property
    def contraction(self) -> ir.Operation:
        """The contraction."""
        return self.run.steps[self._number].op

    @cached_property
    def _number(self) -> int:
        return [step.op.name for step in self.run.steps].index(_CONTRACTION)

    def emit(self, places: Sequence[Sequence[Index]], sums: Sequence[ir.Value]) -> None:
        """Emit the operations for elements of C.

        Args:
            places: The position of each along the axes of C: neighbours in a row whose length they divide.
            sums: The sum of the products for each.
        """
        known: dict[ir.Value, list[ir.Value]] = {}
        targets: dict[ir.Value, tuple[Lanes, int]] = {}
        for number, step in enumerate(self.run.steps):
            lanes = self._lanes(number, places)
            is_inside = number == self._number
            results = [_totals(lanes, known, sums)] if is_inside else _results(step, lanes, known)
            for operand, scalars in enumerate(results, step.inputs):
                root = _root(step, operand)
                known[root], targets[root] = scalars, (lanes, operand)
        private = self.run.private()
        for root, (lanes, operand) in targets.items():
            if root not in private:
                lanes.store(operand, known[root])

    def _lanes(self, number: int, places: Sequence[Sequence[Index]]) -> Lanes:
        """Return the iterations of an operation that are for elements of C."""
        generic = Generic(self.run.steps[number].op)
        axes = self._axes[number]
        positions: list[list[Index]] = [[0] * self.run.steps[number].maps[-1].n_dims for _ in places]
        for position, place in zip(positions, places, strict=True):
            for of_c, axis in axes.items():
                position[axis] = place[of_c]
        return Lanes(generic, positions, axes.get(len(places[0]) - 1))

    @cached_property
    def _axes(self) -> list[dict[int, int]]:
        """For each operation, the axis of its iteration that follows an axis of C."""
        of_c = Generic(self.contraction).maps[_C]
        places = [of_c.index(axis) for axis in self.run.rows[self._number]]
        return [dict(zip(places, rows, strict=True)) for rows in self.run.rows]


def _results(step: Step, lanes: Lanes, known: dict[ir.Value, list[ir.Value]]) -> list[list[ir.Value]]:
    """Emit an elementwise operation; what was computed before is at hand, and what is not used is not read."""
    columns = [_elements(step, operand, lanes, known) for operand in range(len(step.op.operands))]
    return lanes.compute(columns)


def _elements(step: Step, operand: int, lanes: Lanes, known: dict[ir.Value, list[ir.Value]]) -> list[ir.Value]:
    given = step.op.operands[operand]
    if operand >= step.inputs and not step.starts_from(operand):
        return [zero(ir.MemRefType(given.type).element_type)] * len(lanes.positions)
    found = known.get(_root(step, operand)) if isinstance(given.type, ir.MemRefType) else None
    return lanes.load(operand) if found is None else found


def _totals(lanes: Lanes, known: dict[ir.Value, list[ir.Value]], sums: Sequence[ir.Value]) -> list[ir.Value]:
    """Emit what C becomes: the sums, added to what it is before unless that is zero."""
    c = lanes.generic.op.operands[_C]
    old = known.get(root_of(c)[0]) or lanes.load(_C)
    totals = [x if is_zero(y) else combine("add", extend(y, x.type), x) for x, y in zip(sums, old, strict=True)]
    element = ir.MemRefType(c.type).element_type
    return [x if x.type == element else arith.truncf(element, x) for x in totals]


def _root(step: Step, operand: int) -> ir.Value:
    return root_of(step.op.operands[operand])[0]
