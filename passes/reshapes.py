"""Reshapes that upstream does not lower without memory, as views of the same elements."""

from __future__ import annotations

from typing import ClassVar

from mlir import ir
from mlir.dialects import memref

from catgrad.passes.base import Pass
from catgrad.passes.kernels.emit import Index, multiply, value
from catgrad.passes.kernels.walk import named

__all__ = ["ReshapeViews"]


class ReshapeViews(Pass):
    """Turn memref.reshape into memref.reinterpret_cast.

    Upstream reads the extents from a buffer, into which `tensor.from_elements` has put them; they are values already.
    """

    name: ClassVar[str] = "catgrad-reshape-views"

    def run(self, module: ir.Operation) -> None:
        """Replace every reshape whose extents are stored one by one, and remove the buffers of extents."""
        shapes = {op: _stored(op.operands[1]) for op in named(module, "memref.reshape")}
        for op, extents in shapes.items():
            if len(extents) == ir.MemRefType(op.result.type).rank:
                with ir.InsertionPoint(op), op.location:
                    op.result.replace_all_uses_with(_view(op.operands[0], op.result.type, extents))
                _remove(op)


def _stored(buffer: ir.Value) -> dict[int, ir.Value]:
    """Return what is stored in a buffer of extents, by place; nothing if that is not certain."""
    found: dict[int, ir.Value] = {}
    for use in buffer.uses:
        op = use.owner.operation
        if op.name == "memref.reshape":
            continue
        place = _number(op.operands[2]) if op.name == "memref.store" and use.operand_number == 1 else None
        if place is None or place in found:
            return {}
        found[place] = op.operands[0]
    return found


def _number(index: ir.Value) -> int | None:
    owner = index.owner
    is_constant = isinstance(owner, ir.OpView) and owner.operation.name == "arith.constant"
    return ir.IntegerAttr(owner.attributes["value"]).value if is_constant else None


def _view(source: ir.Value, kind: ir.Type, extents: dict[int, ir.Value]) -> ir.Value:
    """Emit the elements of a buffer, row by row, as another shape."""
    shape, (strides, _) = kind.shape, kind.get_strides_and_offset()
    sizes: list[Index] = [extents[axis] if kind.is_dynamic_dim(axis) else size for axis, size in enumerate(shape)]
    steps: list[Index] = [1]
    for size in reversed(sizes[1:]):
        steps.insert(0, multiply(steps[0], size))
    dynamic_sizes = [value(size) for axis, size in enumerate(sizes) if kind.is_dynamic_dim(axis)]
    unknown = [kind.is_dynamic_stride_or_offset(stride) for stride in strides]
    dynamic_steps = [value(step) for step, is_unknown in zip(steps, unknown, strict=False) if is_unknown]
    return memref.reinterpret_cast(kind, source, [], dynamic_sizes, dynamic_steps, [0], shape, strides)


def _remove(op: ir.Operation) -> None:
    """Remove a reshape, and the buffer of its extents if no other needs it."""
    buffer = op.operands[1]
    op.erase()
    users = [use.owner.operation for use in buffer.uses]
    if all(user.name == "memref.store" for user in users):
        for user in users:
            user.erase()
        buffer.owner.erase()
