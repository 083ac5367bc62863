"""One workspace for a module: whoever calls the code provides the memory that it works in, so that no call allocates.

    @f(%n: index, %x: memref<?xf32>)    becomes    @f(%n: index, %x: memref<?xf32>, %room: memref<?xi8>)
                                        and        @f.workspace(the same) -> index

Every buffer, of the heap or of the stack, is a place in the workspace of its function. Buffers of known size are placed
first fit; behind them, a buffer of unknown size takes over the place of a dead one of the same size, or the next
free place. A callee works behind what its caller has placed by then. `@f.workspace` says how many bytes all this takes:
it is the slice of @f that computes sizes, and touches no array.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import ClassVar

from mlir import ir
from mlir.dialects import arith, func, memref

from catgrad.passes.allocations import Allocation, Body, refuse_elsewhere
from catgrad.passes.base import DiagnosticError, Pass
from catgrad.passes.calls import is_private
from catgrad.passes.kernels.emit import Index, add, multiply, round_up, subtract, value
from catgrad.passes.kernels.walk import named
from catgrad.passes.places import ALIGNMENT, Buffer, aligned, place
from catgrad.passes.slices import copy_slice
from catgrad.runtime.buffers import MEASURE

__all__ = ["Workspace"]

_UNKNOWN = ir.ShapedType.get_dynamic_size()


@dataclass(frozen=True)
class Workspace(Pass):
    """Put every buffer into a workspace, the last argument of every public function.

    `@f.workspace` takes the arguments of a public function `@f` and returns how many bytes @f needs. A workspace begins
    at a multiple of 64 bytes.
    """

    name: ClassVar[str] = "catgrad-workspace"

    def run(self, module: ir.Operation) -> None:
        """Rewrite every function that has a body, callees before callers."""
        refuse_elsewhere(module)
        needs: dict[str, int | None] = {}
        for function in _callees_first(module):
            frame = _Frame(function, needs)
            if frame.is_needed:
                needs[function.sym_name.value] = frame.rewrite()


def _callees_first(module: ir.Operation) -> list[func.FuncOp]:
    """Return the functions that have a body, each after those that it calls."""
    operations = module.regions[0].blocks[0].operations
    functions = {f.sym_name.value: f for f in operations if isinstance(f, func.FuncOp) and not f.is_external}
    calls = {
        name: {call.opview.callee.value for call in named(f.operation, "func.call")} for name, f in functions.items()
    }
    try:
        order = list(TopologicalSorter(calls).static_order())
    except CycleError as error:
        callee = error.args[1][0]
        raise DiagnosticError(functions[callee].location, f"@{callee} calls itself: it has no workspace") from error
    return [functions[name] for name in order if name in functions]


@dataclass
class _Place:
    """A part of the workspace that buffers of one size have one after the other.

    Attributes:
        offset: Where it begins.
        end: The position from which it is free.
    """

    offset: Index
    end: int


@dataclass
class _Frame:
    """The workspace of one function, being laid out.

    Attributes:
        function: The function.
        needs: The sizes of its callees' workspaces, None where a function tells it; callees without one are missing.
        top: The first byte behind all places.
        called: The callees that need a workspace, and where it begins.
    """

    function: func.FuncOp
    needs: Mapping[str, int | None]
    top: Index = 0
    called: list[tuple[func.CallOp, Index]] = field(default_factory=list)

    def __post_init__(self) -> None:
        if len(self.function.body.blocks) != 1:
            raise DiagnosticError(self.function.location, "a function of several blocks has no workspace")
        self._body = Body(self.function)
        self._allocations = self._body.allocations()
        calls = [op.opview for op in named(self.function.operation, "func.call")]
        self._calls = [call for call in calls if call.callee.value in self.needs]
        self._places: dict[Hashable, list[_Place]] = defaultdict(list)
        outer = [*self.function.entry_block.arguments, *(x for op in self._body.operations for x in op.results)]
        self._outer = {value: value for value in outer}

    @property
    def is_public(self) -> bool:
        """Whether the function can be called from outside, where all functions look alike."""
        return not is_private(self.function)

    @property
    def is_needed(self) -> bool:
        """Whether the function takes a workspace."""
        return bool(self.is_public or self._allocations or self._calls)

    def rewrite(self) -> int | None:
        """Give every buffer a place and every callee a workspace; return the size if it is known."""
        offsets = self._lay_out()
        for op in named(self.function.operation, "memref.dealloc"):
            op.erase()
        room = self._add_argument()
        for allocation in self._allocations:
            _move(allocation.op, room, offsets[allocation.op])
        size = self._tell_size()
        rests: dict[Index, ir.Value] = {}
        for call, offset in self.called:
            if offset not in rests:
                rests[offset] = self._rest(room, offset)
            _add_operand(call, rests[offset])
        return size

    def _lay_out(self) -> dict[ir.Operation, Index]:
        """Return where each buffer begins."""
        known = [a for a in self._allocations if a.type.has_static_shape]
        buffers = [Buffer(a.start, a.end, a.known_bytes) for a in known]
        offsets: dict[ir.Operation, Index] = dict(zip((a.op for a in known), place(buffers), strict=True))
        self.top = max((aligned(offsets[a.op] + a.known_bytes) for a in known), default=0)
        events = [(a.start, a) for a in self._allocations if not a.type.has_static_shape]
        events += [(self._body.position(call.operation), call) for call in self._calls]
        for position, event in sorted(events, key=lambda event: event[0]):
            if isinstance(event, func.CallOp):
                self.called.append((event, self.top))
            else:
                offsets[event.op] = self._place(event, position)
        return offsets

    def _place(self, allocation: Allocation, position: int) -> Index:
        """Return where a buffer of unknown size begins."""
        op = self._body.operations[position]
        with ir.InsertionPoint(op), op.location:
            extents = [copy_slice(extent, self._outer) for extent in allocation.op.operands]
            places = self._places[allocation.known_bytes, tuple(extents)]
            for each in places:
                if each.end <= position:
                    each.end = allocation.end
                    return each.offset
            places.append(_Place(self.top, allocation.end))
            self.top = add(self.top, _size(allocation.known_bytes, extents))
        return places[-1].offset

    def _add_argument(self) -> ir.Value:
        """Add the workspace to the arguments of the function."""
        function, location = self.function, self.function.location
        room = function.entry_block.add_argument(_room_type(), location)
        kinds = [argument.type for argument in function.entry_block.arguments]
        function.attributes["function_type"] = ir.TypeAttr.get(ir.FunctionType.get(kinds, function.type.results))
        if "arg_attrs" in function.attributes:
            known = list(function.attributes["arg_attrs"])
            function.attributes["arg_attrs"] = ir.ArrayAttr.get([*known, ir.DictAttr.get({})])
        return room

    def _rest(self, room: ir.Value, offset: Index) -> ir.Value:
        """Return the workspace from an offset on, for callees."""
        start = ir.InsertionPoint.at_block_begin(self.function.entry_block)
        with start if isinstance(offset, int) else ir.InsertionPoint.after(offset.owner), self.function.location:
            rest = subtract(memref.dim(room, value(0)), offset)
            return memref.view(_room_type(), room, value(offset), [rest])

    def _tell_size(self) -> int | None:
        """Return the size of the workspace if it is known; else, or if the function is public, make its function."""
        needs = [self.needs[call.callee.value] for call, _ in self.called]
        offsets = [offset for _, offset in self.called]
        is_known = all(isinstance(number, int) for number in (self.top, *needs, *offsets))
        if self.is_public or not is_known:
            self._make_size_function()
        return max([self.top, *map(add, offsets, needs)]) if is_known else None

    def _make_size_function(self) -> None:
        function, index = self.function, ir.IndexType.get()
        kinds = function.type.inputs
        with ir.InsertionPoint(function), function.location:
            made = func.FuncOp(function.sym_name.value + MEASURE, (kinds, [index]))
        made.arg_attrs = function.arg_attrs
        if not self.is_public:
            made.sym_visibility = ir.StringAttr.get("private")
        block = made.add_entry_block()
        known = dict(zip(function.entry_block.arguments, block.arguments, strict=True))
        with ir.InsertionPoint(block), function.location:
            size = _copy(self.top, known)
            for call, offset in self.called:
                need = self._need(call, known, block.arguments[-1])
                size = _maximum(size, add(_copy(offset, known), need))
            func.ReturnOp([value(size)])

    def _need(self, call: func.CallOp, known: dict[ir.Value, ir.Value], room: ir.Value) -> Index:
        """Return the size of the workspace of a callee, in the size function, where any memref stands for it."""
        name = call.callee.value
        need = self.needs[name]
        if need is not None:
            return need
        operands = [_stand_in(operand, known, room) for operand in call.operands]
        return func.CallOp([ir.IndexType.get()], name + MEASURE, [*operands, room]).result


def _stand_in(operand: ir.Value, known: dict[ir.Value, ir.Value], room: ir.Value) -> ir.Value:
    """Return an operand of a size function, where of a memref only the extents matter."""
    view = operand.owner
    if operand in known or not isinstance(view, memref.ViewOp):
        return copy_slice(operand, known)
    return memref.view(operand.type, room, value(0), [copy_slice(extent, known) for extent in view.sizes])


def _room_type() -> ir.MemRefType:
    return ir.MemRefType.get([_UNKNOWN], ir.IntegerType.get_signless(8))


def _size(known_bytes: int, extents: list[ir.Value]) -> Index:
    """Return the size of a buffer, in whole cache lines."""
    size: Index = known_bytes
    for extent in extents:
        size = multiply(extent, size)
    return round_up(size, ALIGNMENT)


def _maximum(a: Index, b: Index) -> Index:
    return max(a, b) if isinstance(a, int) and isinstance(b, int) else arith.maxsi(value(a), value(b))


def _copy(index: Index, known: dict[ir.Value, ir.Value]) -> Index:
    return index if isinstance(index, int) else copy_slice(index, known)


def _move(alloc: ir.Operation, room: ir.Value, offset: Index) -> None:
    """Replace an allocation by a view of the workspace."""
    with ir.InsertionPoint(alloc), alloc.location:
        view = memref.view(alloc.result.type, room, value(offset), list(alloc.operands))
    alloc.result.replace_all_uses_with(view)
    alloc.erase()


def _add_operand(call: func.CallOp, operand: ir.Value) -> None:
    with ir.InsertionPoint(call), call.location:
        made = func.CallOp(list(call.operation.results.types), call.callee.value, [*call.operands, operand])
    for old, new in zip(call.results, made.results, strict=True):
        old.replace_all_uses_with(new)
    call.operation.erase()
