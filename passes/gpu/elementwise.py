"""Elementwise runs as one kernel: each thread computes a few neighbouring elements, read and written at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from mlir import ir
from mlir.dialects import arith

from catgrad.passes.gpu.elements import Chunk, Row
from catgrad.passes.gpu.launch import ceil_divide, guarded, launch
from catgrad.passes.gpu.machine import GpuMachine
from catgrad.passes.gpu.values import Values
from catgrad.passes.kernels.emit import Index, add, loop, multiply, product, split, value
from catgrad.passes.kernels.problem import collapse
from catgrad.passes.kernels.view import is_whole, width
from catgrad.passes.runs import Run

__all__ = ["emit_elementwise"]


def emit_elementwise(run: Run, machine: GpuMachine) -> None:
    """Emit the kernel of a run that folds nothing and whose operations are all over the same axes."""
    values = Values(replace(run, rows=((),) * len(run.steps), inner=run.rows))
    extents = values.inner_extents
    total = product(extents)
    if total == 0:
        return
    flat = {place: _flattened(values.buffer(*place)) for place in values.in_memory() if _is_flat(values, *place)}
    lanes = _lanes(values, flat, machine)
    with launch([ceil_divide(total, lanes * machine.block)], [machine.block]) as here:
        first = arith.addi(multiply(here.block[0], machine.block), here.thread[0])
        group = _Group(values, flat, extents, total, lanes)
        group.emit(value(multiply(first, lanes)), machine)


@dataclass(frozen=True)
class _Group:
    """The neighbouring elements that one thread computes.

    Attributes:
        values: What flows through the run.
        flat: Operands whose elements are in the order of the iteration, with one axis.
        extents: The extents of the iteration.
        total: Their product.
        lanes: How many elements a thread computes.
    """

    values: Values
    flat: Mapping[tuple[int, int], ir.Value]
    extents: list[Index]
    total: Index
    lanes: int

    def emit(self, first: ir.Value, machine: GpuMachine) -> None:
        """Emit the code for the elements from the `first` on, of which some may not be there."""
        behind = add(first, self.lanes)
        with guarded(arith.cmpi(arith.CmpIPredicate.ule, value(behind), value(self.total))):
            self._emit_elements(first, self.lanes)
        is_whole = isinstance(self.total, int) and self.total % (self.lanes * machine.block) == 0
        if self.lanes > 1 and not is_whole:
            is_cut = arith.cmpi(arith.CmpIPredicate.ugt, value(behind), value(self.total))
            with guarded(is_cut), loop(first, self.total) as i:
                self._emit_elements(value(i), 1)

    def _emit_elements(self, first: ir.Value, lanes: int) -> None:
        chunk = Chunk(Row(self.values, ()), split(first, self.extents), lanes, flat=self.flat, number=first)
        chunk.store(self.values.outputs)


def _is_flat(values: Values, i: int, operand: int) -> bool:
    """Return whether an operand's elements are in memory in the order of the iteration."""
    given = values.buffer(i, operand)
    followed = [axis for axis in values.generics[i].maps[operand] if axis in values.run.inner[i]]
    return is_whole(given) and bool(followed) and followed == list(values.run.inner[i])


def _lanes(values: Values, flat: Mapping[tuple[int, int], ir.Value], machine: GpuMachine) -> int:
    """Return how many elements one thread computes: as many as one access moves, where all have one row."""
    if not flat:
        return 1
    widest = max(width(values.element(*place)) for place in flat)
    lanes = max(1, machine.access_bytes * 8 // widest)
    has_index = any(view.operation.name == "linalg.index" for each in values.generics for view in each.body.operations)
    needs_rows = has_index or any(values.is_inner(*place) and place not in flat for place in values.in_memory())
    last = values.inner_extents[-1]
    return lanes if not needs_rows or (isinstance(last, int) and last % lanes == 0) else 1


def _flattened(buffer: ir.Value) -> ir.Value:
    """Return a buffer with one axis."""
    return collapse(buffer, [list(range(ir.MemRefType(buffer.type).rank))])
