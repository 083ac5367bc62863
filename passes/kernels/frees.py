"""The pass that decides when memory is freed.

Upstream knows who owns a buffer, but not that a function returns memory that nobody else has: it would compare
addresses at run time, and keep every result until the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from mlir import ir
from mlir.dialects import memref

from catgrad.passes.base import DiagnosticError, Pass
from catgrad.passes.kernels.walk import named

__all__ = ["FreeResults"]

_VIEWS = frozenset({
    "memref.cast",
    "memref.collapse_shape",
    "memref.expand_shape",
    "memref.extract_strided_metadata",
    "memref.reinterpret_cast",
    "memref.reshape",
    "memref.subview",
})
"""The operations whose first result shares the memory of their first operand."""

_OWNERS = frozenset({"memref.alloc", "func.call"})
"""The operations whose results nothing else shares when they return."""

_PASSING_ON = frozenset({"arith.select", "cf.br", "cf.cond_br", "func.return", "scf.condition", "scf.yield"})
"""The operations that make an operand known by another name, which is not followed."""


@dataclass(frozen=True)
class FreeResults(Pass):
    """Free what calls return, and what is allocated, after its last use, where that can be seen in one block.

    Runs between buffer-deallocation-simplification and bufferization-lower-deallocations.
    """

    name: ClassVar[str] = "catgrad-free-results"

    def run(self, module: ir.Operation) -> None:
        """Replace bufferization.dealloc by memref.dealloc; raise `DiagnosticError` where owners are not known."""
        for op in named(module, "bufferization.dealloc"):
            count, _, _ = op.attributes["operandSegmentSizes"]
            if _is_decided(op):
                _free(op)
            elif count > 1:
                raise DiagnosticError(op.location, "cannot decide which of several buffers to free")


def _owner_name(value: ir.Value) -> str:
    """Return the name of the operation that defines `value`; empty for the argument of a block."""
    return value.owner.operation.name if isinstance(value, ir.OpResult) else ""


def _origin(value: ir.Value) -> ir.Value:
    """Return the value that `value` is a view of."""
    while _owner_name(value) in _VIEWS:
        value = value.owner.operation.operands[0]
    return value


def _parts(op: ir.Operation) -> tuple[list[ir.Value], list[ir.Value], list[ir.Value]]:
    """Return the buffers, the conditions and the retained buffers of a bufferization.dealloc."""
    count, _, _ = op.attributes["operandSegmentSizes"]
    operands = list(op.operands)
    return operands[:count], operands[count : 2 * count], operands[2 * count :]


def _is_decided(op: ir.Operation) -> bool:
    """Return whether it is known of each buffer of a bufferization.dealloc what it shares memory with."""
    buffers, conditions, retained = _parts(op)
    block = op.block
    return (
        all(_owner_name(_origin(x)) in _OWNERS and _origin(x).owner.operation.block == block for x in buffers)
        and all(_is_true(x) for x in conditions)
        and all(_owner_name(_origin(x)) in _OWNERS or _is_argument(_origin(x)) for x in retained)
        and not any(_is_passed_on(_origin(x)) for x in buffers)
        and not any(list(result.uses) for result in op.results)
    )


def _is_true(condition: ir.Value) -> bool:
    """Return whether an i1 is known to be true."""
    return _owner_name(condition) == "arith.constant" and bool(condition.owner.operation.attributes["value"].value)


def _is_argument(value: ir.Value) -> bool:
    """Return whether `value` is an argument of a function."""
    return isinstance(value, ir.BlockArgument) and value.owner.owner.operation.name == "func.func"


def _is_passed_on(origin: ir.Value) -> bool:
    """Return whether `origin` may be used under a name that is not followed, other than by its caller."""
    return any(user.name in _PASSING_ON - {"func.return"} for user in _users(origin))


def _users(origin: ir.Value) -> Iterator[ir.Operation]:
    """Yield the operations that use the memory of `origin`, itself or through a view, other than to free it."""
    for use in origin.uses:
        user = use.owner.operation
        if user.name in _VIEWS:
            yield from _users(user.results[0])
        elif user.name != "bufferization.dealloc":
            yield user


def _free(op: ir.Operation) -> None:
    """Free each buffer of a bufferization.dealloc that is not retained, after its last use."""
    buffers, _, retained = _parts(op)
    kept = {_origin(x) for x in retained}
    for origin in dict.fromkeys(_origin(x) for x in buffers):
        if origin in kept:
            continue
        last = _last_use(origin)
        with ir.InsertionPoint(op), op.location:
            memref.dealloc(origin).operation.move_after(last)
    op.erase()


def _last_use(origin: ir.Value) -> ir.Operation:
    """Return the last operation in the block of `origin` that uses it, itself or inside."""
    last = origin.owner.operation
    for user in _users(origin):
        while user.block != last.block:
            user = user.parent.operation
        if last.is_before_in_block(user):
            last = user
    return last
