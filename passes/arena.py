"""Static memory planning: the buffers of a function become places in one allocation.

Every `memref.alloc` of static size that is freed in the same block lives from its allocation to its deallocation.
Buffers whose lives overlap get disjoint places, first fit in the order of allocation, so a call of the function costs
one allocation however many values it makes, and memory that is still in the cache is used again.

Reference: Wilson et al., "Dynamic storage allocation: a survey and critical review" (1995), section 3.6 (first fit).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar

from mlir import ir
from mlir.dialects import arith, memref

from catgrad.passes.base import Pass

__all__ = ["Arena", "Buffer", "place"]

ALIGNMENT = 64
"""Bytes: a cache line, and the widest vector register."""


STACK = 4096
"""Bytes up to which the stack is cheaper than the heap."""


@dataclass(frozen=True)
class Buffer:
    """A buffer in time.

    Attributes:
        start: When it is allocated.
        end: When it is freed.
        size: Its size in bytes.
    """

    start: int
    end: int
    size: int


def place(buffers: Sequence[Buffer]) -> list[int]:
    """Return an offset for each buffer, such that buffers whose lives overlap are disjoint.

    Args:
        buffers: In the order in which they are allocated.

    Example:
        >>> place([Buffer(0, 2, 100), Buffer(1, 3, 8), Buffer(2, 4, 64)])
        [0, 128, 0]
    """
    offsets: list[int] = []
    live: list[tuple[int, int, int]] = []
    for buffer in buffers:
        live = sorted(entry for entry in live if entry[2] > buffer.start)
        offset = 0
        for start, stop, _ in live:
            if offset + buffer.size <= start:
                break
            offset = max(offset, stop)
        offsets.append(offset)
        live.append((offset, offset + _aligned(buffer.size), buffer.end))
    return offsets


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


@dataclass(frozen=True)
class Arena(Pass):
    """Put the buffers of each function into one allocation, reusing memory that is free again.

    A small one is on the stack. Buffers of dynamic size, and those that are freed elsewhere, stay as they are.
    """

    name: ClassVar[str] = "catgrad-arena"

    def run(self, module: ir.Operation) -> None:
        """Rewrite every function that has a body."""
        for op in list(module.regions[0].blocks[0].operations):
            if op.operation.name == "func.func" and op.operation.regions[0].blocks:
                _rewrite(op.operation.regions[0].blocks[0])


@dataclass(frozen=True)
class _Allocation:
    """An allocation and its deallocation."""

    alloc: ir.Operation
    dealloc: ir.Operation
    buffer: Buffer


def _rewrite(block: ir.Block) -> None:
    found = list(_allocations(block))
    offsets = place([allocation.buffer for allocation in found])
    size = max((offset + _aligned(a.buffer.size) for offset, a in zip(offsets, found, strict=True)), default=0)
    if not size or (len(found) == 1 and size > STACK):
        return
    operations = [view.operation for view in block.operations]
    make = memref.alloca if size <= STACK else memref.alloc
    with operations[0].location, ir.InsertionPoint.at_block_begin(block):
        byte = ir.IntegerType.get_signless(8)
        arena = make(ir.MemRefType.get([size], byte), [], [], alignment=ALIGNMENT)
    if size > STACK:
        with operations[-1].location, ir.InsertionPoint(operations[-1]):
            memref.dealloc(arena)
    for allocation, offset in zip(found, offsets, strict=True):
        _move(allocation, arena, offset)


def _move(allocation: _Allocation, arena: ir.Value, offset: int) -> None:
    """Replace an allocation by a view of the arena."""
    with allocation.alloc.location, ir.InsertionPoint(allocation.alloc):
        shift = arith.constant(ir.IndexType.get(), offset)
        view = memref.view(allocation.alloc.result.type, arena, shift, [])
    allocation.dealloc.erase()
    allocation.alloc.result.replace_all_uses_with(view)
    allocation.alloc.erase()


def _allocations(block: ir.Block) -> Iterator[_Allocation]:
    """Return the static allocations of a block that the same block frees, in order."""
    operations = [view.operation for view in block.operations]
    freed = {op.operands[0]: (time, op) for time, op in enumerate(operations) if op.name == "memref.dealloc"}
    for time, op in enumerate(operations):
        if op.name == "memref.alloc" and op.result in freed and _is_static(op.result.type):
            end, dealloc = freed[op.result]
            yield _Allocation(op, dealloc, Buffer(time, end, _bytes(op.result.type)))


def _is_static(type: ir.Type) -> bool:
    return ir.MemRefType(type).has_static_shape and ir.MemRefType(type).layout == ir.AffineMapAttr.get(
        ir.AffineMap.get_identity(ir.MemRefType(type).rank)
    )


def _bytes(type: ir.Type) -> int:
    """Return the size of a buffer; an element takes whole bytes."""
    buffer = ir.MemRefType(type)
    bits = buffer.element_type.width if not isinstance(buffer.element_type, ir.IndexType) else 64
    return prod(buffer.shape) * -(-bits // 8)
