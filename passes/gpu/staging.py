"""Staging: the threads of a block move a tile of an operand from global to shared memory, zeros where nothing is.

Neighbouring threads read neighbours in memory, up to 16 bytes each: as many as divide the length of a row. An access
that changes neither the elements nor their order is asynchronous and passes no register; others are begun before the
products of the current stage and finished behind them, so that they arrive meanwhile.

Reference: PTX ISA, section "cp.async".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd

from mlir import ir
from mlir.dialects import arith, memref, nvgpu, scf, vector

from catgrad.cached import cached_property
from catgrad.passes.gpu.launch import less
from catgrad.passes.gpu.shared import SharedMatrix
from catgrad.passes.kernels.emit import Index, add, divide, multiply, remainder, split, value, vector_of, zero
from catgrad.passes.kernels.view import View, extend, is_whole, width

__all__ = ["Axis", "Staging", "is_deep", "lanes_of"]

_ASYNCHRONOUS = (4, 8, 16)
"""Bytes that can be moved asynchronously."""


@dataclass(frozen=True)
class Axis:
    """A direction of a matrix that may be several dimensions, whose elements are counted row by row.

    Attributes:
        dims: The dimensions.
        extents: Their extents.
        count: The product of the extents.
    """

    dims: Sequence[int]
    extents: Sequence[Index]
    count: Index

    def positions(self, at: Index) -> dict[int, Index]:
        """Return the position in each dimension."""
        return dict(zip(self.dims, split(value(at), self.extents), strict=True))


def is_deep(operand: View, depth: Sequence[int]) -> bool:
    """Return whether neighbours along the depth are neighbours in memory."""
    return bool(depth) and operand.contiguous(depth[-1])


def lanes_of(operand: View, dims: Sequence[int], most: int) -> int:
    """Return how many elements along the last of `dims` one access reads: up to `most`, where all rows hold as many."""
    is_row = bool(dims) and operand.contiguous(dims[-1]) and is_whole(operand.buffer)
    is_known = is_row and not operand.type.is_dynamic_dim(len(operand.axes) - 1)
    return gcd(operand.type.shape[-1], most) if is_known else 1


@dataclass(frozen=True)
class Staging:
    """The moving of tiles of one operand.

    Attributes:
        operand: Where they come from.
        outer: The operand's rows, or columns.
        depth: Its depth.
        first: Where the block's rows, or columns, begin.
        target: Where the tiles go.
        lanes: Elements of one access.
        thread: The number of the thread.
        threads: How many there are.
    """

    operand: View
    outer: Axis
    depth: Axis
    first: Index
    target: SharedMatrix
    lanes: int
    thread: ir.Value
    threads: int

    @cached_property
    def _deep(self) -> bool:
        return is_deep(self.operand, self.depth.dims)

    @cached_property
    def _is_asynchronous(self) -> bool:
        size = self.lanes * width(self.operand.element) // 8
        keeps_order = self.lanes == 1 or self._deep == self.target.layout.deep
        return size in _ASYNCHRONOUS and keeps_order and self.operand.element == self.target.element

    @cached_property
    def _places(self) -> list[tuple[Index, Index]]:
        """The positions in the tile, along the outer direction and the depth, of the accesses of this thread."""
        layout = self.target.layout
        lines, along = (layout.outer, layout.depth) if self._deep else (layout.depth, layout.outer)
        width = along // self.lanes
        line, chunk = divide(self.thread, width), remainder(self.thread, width)
        found = []
        for start in range(0, lines * width, self.threads):
            place = add(line, start // width), multiply(add(chunk, start % width), self.lanes)
            found.append(place if self._deep else place[::-1])
        return found

    @cached_property
    def _sources(self) -> list[tuple[View, ir.Value | None]]:
        """For each access, the operand from its row or column on, and whether there is such a one."""
        found = []
        for outer, _ in self._places:
            at = add(self.first, outer)
            inside = less(at, self.outer.count, self.target.layout.outer)
            found.append((self.operand.moved(self.outer.positions(at)), inside))
        return found

    def prepare(self) -> None:
        """Emit what does not depend on the stage."""
        _ = self._places, self._sources

    def begin(self, start: Index, stage: Index) -> list[ir.Value]:
        """Emit the reading of the tile that begins at a place of the depth; return what is still to be written."""
        read = []
        for place, (source, inside) in zip(self._places, self._sources, strict=True):
            deep = add(start, place[1])
            is_left = arith.cmpi(arith.CmpIPredicate.ult, value(deep), value(self.depth.count))
            here = is_left if inside is None else arith.andi(inside, is_left)
            source = source.moved(self.depth.positions(deep))
            if self._is_asynchronous:
                self._copy(source, here, self.target.at(stage, *place))
            else:
                read.append(self._load(source, here))
        return read

    def finish(self, stage: Index, elements: Sequence[ir.Value]) -> None:
        """Emit the writing of what `begin` has read: nothing if it went there asynchronously."""
        for (outer, depth), x in zip(self._places, elements, strict=False):
            if self.lanes > 1 and self._deep == self.target.layout.deep:
                vector.store(x, self.target.buffer, self.target.at(stage, outer, depth))
                continue
            scalars = [x] if self.lanes == 1 else [vector.extract(x, [], [lane]) for lane in range(self.lanes)]
            for lane, scalar in enumerate(scalars):
                place = (outer, add(depth, lane)) if self._deep else (add(outer, lane), depth)
                memref.store(scalar, self.target.buffer, self.target.at(stage, *place))

    def _copy(self, source: View, here: ir.Value, place: Sequence[ir.Value]) -> None:
        """Emit an asynchronous copy, of nothing but zeros where the operand has ended."""
        size = arith.select(here, value(self.lanes), value(0))
        at = source.indices({})
        token = ir.Type.parse("!nvgpu.device.async.token")
        bypass = True if self.lanes * width(self.operand.element) == max(_ASYNCHRONOUS) * 8 else None
        nvgpu.DeviceAsyncCopyOp(
            self.target.buffer, place, source.buffer, at, self.lanes, srcElements=size, bypassL1=bypass, results=[token]
        )

    def _load(self, source: View, here: ir.Value) -> ir.Value:
        """Emit a read, of zeros where the operand has ended, converted for the products."""
        element = self.target.element
        kind = element if self.lanes == 1 else vector_of(self.lanes, element)
        choice = scf.IfOp(here, [kind], has_else=True)
        with ir.InsertionPoint(choice.then_block):
            scf.yield_([self._converted(source)])
        with ir.InsertionPoint(choice.else_block):
            scf.yield_([zero(kind)])
        return choice.results[0]

    def _converted(self, source: View) -> ir.Value:
        loaded = source.load({}) if self.lanes == 1 else source.load_vector(self.lanes, {})
        return extend(loaded, self.target.element)
