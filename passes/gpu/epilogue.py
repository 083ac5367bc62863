"""Epilogue of a contraction: operations of its run on the sums before they leave the registers.

A run of a contraction and of elementwise operations (`catgrad/passes/runs.py`) touches whatever it writes at one place
for each element of C. So whoever has the sum that belongs to an element does the rest there: what C is filled with, and
all that is computed of C. A buffer that nobody else uses is never written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mlir import ir
from mlir.dialects import arith

from catgrad.cached import cached_property
from catgrad.passes.gpu.elements import Chunk, Row
from catgrad.passes.gpu.rowwise import has_few_buffers
from catgrad.passes.gpu.values import Values
from catgrad.passes.kernels.contraction import is_zero
from catgrad.passes.kernels.emit import Index, combine, is_float
from catgrad.passes.kernels.view import extend, width
from catgrad.passes.runs import Run

__all__ = ["Epilogue", "accumulator", "is_contraction"]

_CONTRACTION = "linalg.contract"
_C = 2
"""The number of the operand of a contraction that is added to."""


def is_contraction(run: Run) -> bool:
    """Return whether a run is one contraction, and operations on single elements of its result."""
    others = [inner for step, inner in zip(run.steps, run.inner, strict=True) if step.op.name != _CONTRACTION]
    return len(others) == len(run.steps) - 1 and not any(others) and has_few_buffers(run)


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

    @cached_property
    def _axes(self) -> list[int]:
        """The axes of C whose extent may differ from 1."""
        return [axis for axis, of in enumerate(self._c_axes) if of in self.run.rows[self._number]]

    @cached_property
    def _values(self) -> Values:
        """Values of the run, with C as its one row: its elements are in the order in which they are in C."""
        rows = self.run.rows[self._number]
        order = [rows.index(self._c_axes[axis]) for axis in self._axes]
        inner = tuple(tuple(axes[k] for k in order) for axes in self.run.rows)
        return Values(replace(self.run, rows=((),) * len(inner), inner=inner))

    @property
    def _c_axes(self) -> list[int]:
        """The axes of the contraction's iteration that those of C follow."""
        return [expr.position for expr in self.run.steps[self._number].maps[_C].results]

    def emit(self, place: Sequence[Index], sums: Sequence[ir.Value]) -> None:
        """Emit the operations for neighbouring elements of C, whose number divides the length of its rows.

        Args:
            place: The position of the first along the axes of C.
            sums: The sum of the products for each.
        """
        row = Row(self._values, ())
        chunk = Chunk(row, [place[axis] for axis in self._axes], len(sums))
        totals = [self._total(chunk, lane, x) for lane, x in enumerate(sums)]
        row.known[self._number] = totals[:1]
        chunk.known.update({(self._number, lane): [total] for lane, total in enumerate(totals)})
        chunk.store(self._values.outputs)

    def _total(self, chunk: Chunk, lane: int, products: ir.Value) -> ir.Value:
        """Emit what an element of C becomes: the sum, added to what it is before unless that is zero."""
        old = chunk.operand(self._number, _C, lane)
        total = products if is_zero(old) else combine("add", extend(old, products.type), products)
        return total if total.type == old.type else arith.truncf(old.type, total)
