"""Temporary buffers of kernels: small ones on the stack, others from the heap around the kernel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import prod

from mlir import ir
from mlir.dialects import memref

from catgrad.passes.kernels.emit import Index
from catgrad.passes.kernels.view import width

__all__ = ["scratch"]

_STACK_BYTES = 16 << 10
_ALIGNMENT = 64


@contextmanager
def scratch(shape: Sequence[Index], element: ir.Type) -> Iterator[ir.Value]:
    """Provide an uninitialised memref of `shape` while the body is emitted."""
    dynamic = ir.ShapedType.get_dynamic_size()
    sizes = [size if isinstance(size, int) else dynamic for size in shape]
    unknown = [size for size in shape if not isinstance(size, int)]
    kind = ir.MemRefType.get(sizes, element)
    if not unknown and prod(sizes) * width(element) // 8 <= _STACK_BYTES:
        with ir.InsertionPoint.at_block_begin(_entry()):
            buffer = memref.alloca(kind, [], [], alignment=_ALIGNMENT)
        yield buffer
        return
    buffer = memref.alloc(kind, unknown, [], alignment=_ALIGNMENT)
    yield buffer
    memref.dealloc(buffer)


def _entry() -> ir.Block:
    """Return the first block of the function around the insertion point: an `alloca` in a loop would pile up."""
    op = ir.InsertionPoint.current.block.owner
    while op.operation.name != "func.func":
        op = op.operation.parent
    return op.regions[0].blocks[0]
