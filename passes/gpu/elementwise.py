"""Elementwise operations as one kernel: each thread computes a few neighbouring elements, read and written at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mlir import ir
from mlir.dialects import arith, memref, vector

from catgrad.passes.gpu.generic import Generic
from catgrad.passes.gpu.launch import ceil_divide, guarded, launch, product, split
from catgrad.passes.gpu.machine import GpuMachine
from catgrad.passes.kernels.emit import Index, add, loop, multiply, value, vector_of, zero
from catgrad.passes.kernels.problem import collapse
from catgrad.passes.kernels.view import is_whole, width

__all__ = ["emit_elementwise"]


def emit_elementwise(generic: Generic, machine: GpuMachine) -> None:
    """Emit the kernel of a generic without reductions."""
    total = product(generic.extents)
    if total == 0:
        return
    flat = [_is_flat(generic, operand) for operand in range(len(generic.maps))]
    lanes = _lanes(generic, flat, machine)
    blocks = ceil_divide(total, lanes * machine.block)
    buffers = [_flattened(x) if is_flat else x for x, is_flat in zip(generic.op.operands, flat, strict=True)]
    with launch([blocks], [machine.block]) as here:
        first = arith.addi(multiply(here.block[0], machine.block), here.thread[0])
        group = _Group(generic, flat, buffers, lanes, value(multiply(first, lanes)))
        if lanes > 1:
            with guarded(arith.cmpi(arith.CmpIPredicate.ule, add(group.first, lanes), value(total))):
                group.emit_whole()
        if lanes == 1 or not isinstance(total, int) or total % (lanes * machine.block):
            group.emit_rest(total)


@dataclass(frozen=True)
class _Group:
    """The neighbouring elements that one thread computes.

    Attributes:
        generic: The operation.
        flat: Whether each operand is read or written element by element, in the order of the iteration.
        buffers: The operands, those that are flat with one axis.
        lanes: How many elements there are.
        first: The first of them among all.
    """

    generic: Generic
    flat: Sequence[bool]
    buffers: Sequence[ir.Value]
    lanes: int
    first: ir.Value

    def emit_whole(self) -> None:
        """Emit the code for all elements, each operand's in one access where they are neighbours in memory."""
        positions = self._positions()
        columns = [self._load(operand, positions) for operand in range(len(self.buffers))]
        rows = [self.generic.compute(row, at) for row, at in zip(zip(*columns, strict=True), positions, strict=True)]
        for result, scalars in enumerate(zip(*rows, strict=True)):
            self._store(result, scalars, positions)

    def emit_rest(self, total: Index) -> None:
        """Emit the code for the elements that there are of a group that is not whole; one alone is never whole."""
        if self.lanes == 1:
            with guarded(arith.cmpi(arith.CmpIPredicate.ult, self.first, value(total))):
                self._emit_one(self.first)
            return
        behind = add(self.first, self.lanes)
        is_cut = arith.cmpi(arith.CmpIPredicate.ugt, behind, value(total))
        with guarded(is_cut), loop(self.first, total) as i:
            self._emit_one(value(i))

    def _emit_one(self, i: ir.Value) -> None:
        one = _Group(self.generic, self.flat, self.buffers, 1, i)
        one.emit_whole()

    def _positions(self) -> list[list[Index]]:
        """Return the place of each element in the iteration; neighbours differ in the last axis alone."""
        start = split(self.first, self.generic.extents)
        return [[*start[:-1], *(add(axis, lane) for axis in start[-1:])] for lane in range(self.lanes)]

    def _load(self, operand: int, positions: Sequence[Sequence[Index]]) -> list[ir.Value]:
        """Emit an operand's elements; a result is not read."""
        buffer = self.buffers[operand]
        if operand >= self.generic.inputs:
            return [zero(ir.MemRefType(buffer.type).element_type)] * self.lanes
        if self.flat[operand] and self.lanes > 1:
            lanes = vector.load(vector_of(self.lanes, ir.MemRefType(buffer.type).element_type), buffer, [self.first])
            return [vector.extract(lanes, [], [lane]) for lane in range(self.lanes)]
        if self.flat[operand]:
            return [memref.load(buffer, [self.first])]
        last = len(self.generic.extents) - 1
        if last in self.generic.maps[operand]:
            return [self.generic.load(operand, position) for position in positions]
        return [self.generic.load(operand, positions[0])] * self.lanes

    def _store(self, result: int, scalars: Sequence[ir.Value], positions: Sequence[Sequence[Index]]) -> None:
        operand = self.generic.inputs + result
        if not self.flat[operand]:
            for scalar, position in zip(scalars, positions, strict=True):
                self.generic.store(result, scalar, position)
        elif self.lanes == 1:
            memref.store(scalars[0], self.buffers[operand], [self.first])
        else:
            lanes = vector.from_elements(vector_of(self.lanes, scalars[0].type), scalars)
            vector.store(lanes, self.buffers[operand], [self.first])


def _is_flat(generic: Generic, operand: int) -> bool:
    """Return whether an operand's elements are in memory in the order of the iteration."""
    rank = len(generic.extents)
    given = generic.op.operands[operand]
    is_buffer = isinstance(given.type, ir.MemRefType)
    return is_buffer and rank > 0 and generic.maps[operand] == list(range(rank)) and is_whole(given)


def _lanes(generic: Generic, flat: Sequence[bool], machine: GpuMachine) -> int:
    """Return how many elements one thread computes: as many as one access moves, where all have one row."""
    kinds = [x.type for x, is_flat in zip(generic.op.operands, flat, strict=True) if is_flat]
    if not kinds:
        return 1
    widest = max(width(ir.MemRefType(kind).element_type) for kind in kinds)
    lanes = max(1, machine.access_bytes * 8 // widest)
    has_place = [any(axis is not None for axis in axes) for axes in generic.maps]
    has_index = any(view.operation.name == "linalg.index" for view in generic.body.operations)
    needs_rows = has_index or any(has and not is_flat for has, is_flat in zip(has_place, flat, strict=True))
    last = generic.extents[-1]
    return lanes if not needs_rows or (isinstance(last, int) and last % lanes == 0) else 1


def _flattened(buffer: ir.Value) -> ir.Value:
    """Return a buffer with one axis."""
    return collapse(buffer, [list(range(ir.MemRefType(buffer.type).rank))])
