"""A `linalg.generic` as threads read it: extents, operands at a place of the iteration, and its body as scalar code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mlir import ir
from mlir.dialects import memref

from catgrad.cached import cached_property
from catgrad.passes.kernels.emit import Index, extent, value

__all__ = ["Generic"]


@dataclass(frozen=True)
class Generic:
    """One operation on memrefs.

    Attributes:
        op: A `linalg.generic` whose index maps pick axes or are constant.
    """

    op: ir.Operation

    @cached_property
    def maps(self) -> list[list[int | None]]:
        """For each axis of each operand, the axis of the iteration that it follows, or None for position 0."""
        maps = (attribute.value for attribute in self.op.attributes["indexing_maps"])
        return [[_axis(expr) for expr in map.results] for map in maps]

    @cached_property
    def iterators(self) -> list[str]:
        """For each axis of the iteration, "parallel" or "reduction"."""
        return [str(kind).partition("<")[2].rstrip(">") for kind in self.op.attributes["iterator_types"]]

    @cached_property
    def extents(self) -> list[Index]:
        """The extent of each axis of the iteration."""
        found: dict[int, Index] = {}
        for buffer, axes in zip(self.op.operands, self.maps, strict=True):
            for position, axis in enumerate(axes):
                if axis is not None and not isinstance(found.get(axis), int):
                    found[axis] = extent(buffer, position)
        return [found[axis] for axis in range(len(self.iterators))]

    @cached_property
    def inputs(self) -> int:
        """The number of operands that are only read."""
        return int(self.op.attributes["operandSegmentSizes"][0])

    @property
    def results(self) -> int:
        """The number of operands that are written."""
        return int(self.op.attributes["operandSegmentSizes"][1])

    @property
    def body(self) -> ir.Block:
        """Body of one iteration."""
        return self.op.regions[0].blocks[0]

    def place(self, operand: int, position: Sequence[Index]) -> list[ir.Value]:
        """Return where an iteration reads or writes an operand."""
        return [value(0 if axis is None else position[axis]) for axis in self.maps[operand]]

    def load(self, operand: int, position: Sequence[Index]) -> ir.Value:
        """Emit an operand's element for an iteration; a scalar operand is one."""
        given = self.op.operands[operand]
        return memref.load(given, self.place(operand, position)) if isinstance(given.type, ir.MemRefType) else given

    def store(self, result: int, scalar: ir.Value, position: Sequence[Index]) -> None:
        """Emit the writing of a result's element."""
        operand = self.inputs + result
        memref.store(scalar, self.op.operands[operand], self.place(operand, position))

    def compute(self, scalars: Sequence[ir.Value], position: Sequence[Index]) -> list[ir.Value]:
        """Emit the body for one iteration, given an element of each operand; return what it yields."""
        known = dict(zip(self.body.arguments, scalars, strict=True))
        *steps, terminator = (view.operation for view in self.body.operations)
        for step in steps:
            if step.name == "linalg.index":
                known[step.result] = value(position[ir.IntegerAttr(step.attributes["dim"]).value])
                continue
            copy = step.clone()
            for i, operand in enumerate(step.operands):
                copy.operands[i] = known.get(operand, operand)
            known.update(zip(step.results, copy.results, strict=True))
        return [known.get(scalar, scalar) for scalar in terminator.operands]


def _axis(expr: ir.AffineExpr) -> int | None:
    return expr.position if isinstance(expr, ir.AffineDimExpr) else None
