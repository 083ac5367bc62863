"""Temporary buffers of kernels, which get a place in the workspace like all others."""

from __future__ import annotations

from collections.abc import Sequence

from mlir import ir
from mlir.dialects import memref

from catgrad.passes.kernels.emit import Index

__all__ = ["scratch"]


def scratch(shape: Sequence[Index], element: ir.Type) -> ir.Value:
    """Emit an uninitialised memref of `shape`."""
    dynamic = ir.ShapedType.get_dynamic_size()
    sizes = [size if isinstance(size, int) else dynamic for size in shape]
    return memref.alloc(ir.MemRefType.get(sizes, element), [size for size in shape if not isinstance(size, int)], [])
