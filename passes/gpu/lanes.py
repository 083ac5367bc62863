"""Neighbouring iterations of one operation: their elements, read and written in one access where memory has them so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mlir import ir
from mlir.dialects import vector

from catgrad.passes.gpu.generic import Generic
from catgrad.passes.kernels.emit import Index, value, vector_of
from catgrad.passes.kernels.view import is_whole

__all__ = ["Lanes"]


@dataclass(frozen=True)
class Lanes:
    """Iterations that differ in the position along one axis alone, by one each.

    Attributes:
        generic: The operation.
        positions: Where they are; the first is a multiple of their number along that axis.
        axis: The axis, or None if there is but one iteration.
    """

    generic: Generic
    positions: Sequence[Sequence[Index]]
    axis: int | None

    def load(self, operand: int) -> list[ir.Value]:
        """Emit the reading of an operand's element for each iteration."""
        count, first = len(self.positions), self.positions[0]
        if self._is_one_access(operand):
            buffer = self.generic.op.operands[operand]
            kind = vector_of(count, ir.MemRefType(buffer.type).element_type)
            lanes = vector.load(kind, buffer, self.generic.place(operand, first))
            return [vector.extract(lanes, [], [lane]) for lane in range(count)]
        if self.axis in self.generic.maps[operand]:
            return [self.generic.load(operand, position) for position in self.positions]
        return [self.generic.load(operand, first)] * count

    def store(self, operand: int, scalars: Sequence[ir.Value]) -> None:
        """Emit the writing of a result's element for each iteration."""
        if self._is_one_access(operand):
            lanes = vector.from_elements(vector_of(len(scalars), scalars[0].type), scalars)
            place = self.generic.place(operand, self.positions[0])
            vector.store(lanes, self.generic.op.operands[operand], list(map(value, place)))
            return
        for scalar, position in zip(scalars, self.positions, strict=True):
            self.generic.store(operand - self.generic.inputs, scalar, position)

    def compute(self, columns: Sequence[Sequence[ir.Value]]) -> list[list[ir.Value]]:
        """Emit the body for each iteration, given the elements of each operand; return those of each result."""
        rows = zip(zip(*columns, strict=True), self.positions, strict=True)
        results = [self.generic.compute(scalars, position) for scalars, position in rows]
        return [list(column) for column in zip(*results, strict=True)]

    def _is_one_access(self, operand: int) -> bool:
        """Return whether the elements of an operand are neighbours in memory, in one row of it, for all iterations."""
        buffer, axes = self.generic.op.operands[operand], self.generic.maps[operand]
        if len(self.positions) == 1 or not isinstance(buffer.type, ir.MemRefType) or axes.count(self.axis) != 1:
            return False
        kind = ir.MemRefType(buffer.type)
        is_row = axes[-1] == self.axis and is_whole(buffer) and not kind.is_dynamic_dim(kind.rank - 1)
        return is_row and kind.shape[-1] % len(self.positions) == 0
