"""A memref seen from inside a loop nest: which loop each axis follows, and where the current tile begins.

If axis a of the memref follows dimension d(a), then `view.load({m: i, k: p})` reads element
(origin[d(a)] + offset[d(a)]) for every axis a. `moved` shifts the origin, so the same emitter serves the whole array,
a cache block and a register tile.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from mlir import ir
from mlir.dialects import arith, memref, vector

from catgrad.passes.kernels.emit import Index, add, is_float, splat, value, vector_of, zero

__all__ = ["View", "extend", "is_whole", "width"]


@dataclass(frozen=True)
class View:
    """A window into a memref.

    Attributes:
        buffer: The memref.
        axes: The dimension of the iteration space that each axis follows.
        origin: Where the window begins, per dimension; absent means 0.
    """

    buffer: ir.Value
    axes: tuple[int, ...]
    origin: Mapping[int, Index] = field(default_factory=dict)

    @property
    def type(self) -> ir.MemRefType:
        """The type of the memref."""
        return ir.MemRefType(self.buffer.type)

    @property
    def element(self) -> ir.Type:
        """The element type of the memref."""
        return self.type.element_type

    def contiguous(self, dim: int) -> bool:
        """Return whether consecutive elements along `dim` are neighbours in memory."""
        return bool(self.axes) and self.axes[-1] == dim and self.strides[-1] == 1

    @property
    def strides(self) -> list[int]:
        """The stride of each axis in elements; negative where that is dynamic."""
        strides, _ = self.type.get_strides_and_offset()
        return list(strides)

    def stride_bytes(self, dim: int) -> int | None:
        """Return how many bytes apart neighbours along `dim` lie: 0 if it is no axis, None if that is dynamic."""
        if dim not in self.axes:
            return 0
        stride = self.strides[self.axes.index(dim)]
        return None if stride < 0 else stride * width(self.element) // 8

    def moved(self, offsets: Mapping[int, Index]) -> View:
        """Return the window that begins `offsets` further along the given dimensions."""
        shifted = {dim: add(self.origin.get(dim, 0), offset) for dim, offset in offsets.items()}
        return replace(self, origin={**self.origin, **shifted})

    def indices(self, offsets: Mapping[int, Index]) -> list[ir.Value]:
        """Return the position of an element along each axis of the memref."""
        return [value(add(self.origin.get(dim, 0), offsets.get(dim, 0))) for dim in self.axes]

    def load(self, offsets: Mapping[int, Index]) -> ir.Value:
        """Read one element."""
        return memref.load(self.buffer, self.indices(offsets))

    def store(self, scalar: ir.Value, offsets: Mapping[int, Index]) -> None:
        """Write one element."""
        memref.store(scalar, self.buffer, self.indices(offsets))

    def load_vector(self, lanes: int, offsets: Mapping[int, Index], mask: ir.Value | None = None) -> ir.Value:
        """Read `lanes` neighbours along the last axis; lanes that `mask` disables are zero."""
        kind = vector_of(lanes, self.element)
        if mask is None:
            return vector.load(kind, self.buffer, self.indices(offsets))
        return vector.maskedload(kind, self.buffer, self.indices(offsets), mask, zero(kind))

    def store_vector(self, lanes: ir.Value, offsets: Mapping[int, Index], mask: ir.Value | None = None) -> None:
        """Write neighbours along the last axis, where `mask` allows."""
        if mask is None:
            vector.store(lanes, self.buffer, self.indices(offsets))
        else:
            vector.maskedstore(self.buffer, self.indices(offsets), mask, lanes)

    def broadcast(self, lanes: int, offsets: Mapping[int, Index], element: ir.Type) -> ir.Value:
        """Read one element, convert it to `element`, and repeat it in every lane."""
        return splat(extend(self.load(offsets), element), lanes)


def is_whole(buffer: ir.Value) -> bool:
    """Return whether a memref is laid out row by row without gaps."""
    kind = ir.MemRefType(buffer.type)
    identity = ir.AffineMapAttr.get(ir.AffineMap.get_identity(kind.rank))
    return isinstance(kind.layout, ir.AffineMapAttr) and kind.layout == identity


def width(element: ir.Type) -> int:
    """Return the number of bits of a scalar type."""
    bits: int = element.width if is_float(element) else ir.IntegerType(element).width
    return bits


def extend(x: ir.Value, element: ir.Type) -> ir.Value:
    """Convert a scalar or a vector to the wider (or equal) element type `element`."""
    is_vector = isinstance(x.type, ir.VectorType)
    source = ir.VectorType(x.type).element_type if is_vector else x.type
    if source == element:
        return x
    target = vector_of(ir.VectorType(x.type).shape[0], element) if is_vector else element
    return arith.extf(target, x) if is_float(source) else arith.extsi(target, x)
