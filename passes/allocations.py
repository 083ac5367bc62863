"""Buffers in the body of a function: where each is allocated, and where it was used last.

A buffer can be a place in a workspace if that is known: its uses are those of the memrefs that may be the same memory.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from mlir import ir
from mlir.dialects import func

from catgrad.passes.base import DiagnosticError
from catgrad.passes.kernels.view import width
from catgrad.passes.kernels.walk import named
from catgrad.passes.places import ALIGNMENT

__all__ = ["Allocation", "Body", "refuse_elsewhere"]

_UNKNOWN = ir.ShapedType.get_dynamic_size()
_ALLOCATE = ("memref.alloc", "memref.alloca", "memref.realloc")
_HAND_UP = frozenset({"memref.alloca_scope.return", "scf.condition", "scf.yield"})
"""Operations whose operands are results of the operation that they are in."""
_REVEAL = frozenset({"builtin.unrealized_conversion_cast", "memref.extract_aligned_pointer_as_index"})
"""Operations that make of a buffer what may stand for it, and is no memref."""


@dataclass(frozen=True)
class Allocation:
    """A buffer that has no place yet.

    Attributes:
        op: What allocates it.
        start: In which operation of the function's body that happens, by position.
        end: The position behind its last use.
    """

    op: ir.Operation
    start: int
    end: int

    @property
    def type(self) -> ir.MemRefType:
        """The type of the buffer."""
        return ir.MemRefType(self.op.result.type)

    @property
    def known_bytes(self) -> int:
        """Its size in bytes where all unknown extents are 1."""
        elements = 1
        for extent in self.type.shape:
            elements *= 1 if extent == _UNKNOWN else extent
        return elements * -(-width(self.type.element_type) // 8)


class Body:
    """The operations of a function's one block, by position.

    Attributes:
        operations: The operations; what is inside of one has its position.
    """

    def __init__(self, function: func.FuncOp) -> None:
        self._function = function
        self.operations = [view.operation for view in function.entry_block.operations]
        self._positions = {op: position for position, op in enumerate(self.operations)}

    def position(self, op: ir.Operation) -> int:
        """Return the position of the operation of the block that `op` is in."""
        while op not in self._positions:
            op = op.parent.operation
        return self._positions[op]

    def allocations(self) -> list[Allocation]:
        """Return the buffers that have no place yet, in order of allocation.

        Raises:
            DiagnosticError: One of them cannot have a place.
        """
        found = named(self._function.operation, *_ALLOCATE)
        return [Allocation(op, self.position(op), self._checked_last_use(op) + 1) for op in found]

    def _checked_last_use(self, op: ir.Operation) -> int:
        _check(op)
        last = self.position(op)
        for user in _users(op.result):
            last = max(last, self.position(user))
            if user.name in _REVEAL:
                raise DiagnosticError(user.location, f"the address of a buffer leaves it by {user.name}")
            if user.name in _HAND_UP and user.parent.operation == op.parent.operation:
                raise DiagnosticError(op.location, "a buffer leaves the loop, or the branch, that allocates it")
        return last


def refuse_elsewhere(module: ir.Operation) -> None:
    """Raise `DiagnosticError` at an allocation that is in no function of the module itself."""
    for op in module.regions[0].blocks[0].operations:
        found = [] if isinstance(op, func.FuncOp) else named(op.operation, *_ALLOCATE)
        if found:
            raise DiagnosticError(found[0].location, "only functions of the module itself have a workspace")


def _users(buffer: ir.Value) -> Iterator[ir.Operation]:
    """Yield the operations that use a buffer, or a memref that may be the same memory."""
    todo, seen = [buffer], set()
    while todo:
        for use in todo.pop().uses:
            op = use.owner.operation
            yield op
            results = op.parent.operation.results if op.name in _HAND_UP else op.results
            fresh = [x for x in results if isinstance(x.type, ir.MemRefType) and x not in seen]
            seen.update(fresh)
            todo += fresh


def _check(op: ir.Operation) -> None:
    """Raise `DiagnosticError` at an allocation of what a workspace does not hold."""
    kind = ir.MemRefType(op.result.type)
    if op.name == "memref.realloc":
        raise DiagnosticError(op.location, "a buffer that grows has no place")
    if not isinstance(kind.element_type, ir.IntegerType | ir.FloatType):
        raise DiagnosticError(op.location, f"a workspace holds numbers, not the elements of {kind}")
    if kind.has_static_shape and prod(kind.shape) * 8 > sys.maxsize:
        raise DiagnosticError(op.location, f"{kind} is larger than an address")
    if "alignment" in op.attributes and ir.IntegerAttr(op.attributes["alignment"]).value > ALIGNMENT:
        raise DiagnosticError(op.location, f"a buffer in a workspace begins at a multiple of {ALIGNMENT}, not of more")
