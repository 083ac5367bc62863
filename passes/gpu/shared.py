"""Matrices in shared memory, laid out so that the threads of a warp meet in none of its banks.

A matrix has a row of 16-byte chunks for each position along one direction, its *lines*. Threads that access the same
chunk of several lines at once would meet in the same banks; so chunk c of line l lies at c ⊕ t(l), where the *twist*
t(l) = ⌊l / period⌋ · step mod chunks takes lines that are accessed together apart.

Reference: Kerr, "Developing CUDA kernels to push tensor cores to the absolute limit on NVIDIA A100" (2020), on permuted
shared memory layouts.
"""

from __future__ import annotations

from dataclasses import dataclass

from mlir import ir

from catgrad.passes.kernels.emit import Index, divide, exclusive_or, multiply, remainder, value

__all__ = ["CHUNKS", "SharedMatrix", "TileLayout"]

CHUNKS = 8
"""Chunks that the 32 banks of 4 bytes serve at once."""


@dataclass(frozen=True)
class TileLayout:
    """Layout of a matrix with an outer direction and a depth.

    Attributes:
        outer: Its rows, or columns.
        depth: Its extent along the depth.
        deep: Whether the lines go along the depth.
        chunk: Elements of a chunk.
        period: How many neighbouring lines have the same twist.
        step: How much the twist grows.
    """

    outer: int
    depth: int
    deep: bool
    chunk: int
    period: int
    step: int

    @property
    def shape(self) -> tuple[int, int]:
        """Lines, and elements of a line."""
        return (self.outer, self.depth) if self.deep else (self.depth, self.outer)

    def place(self, outer: Index, depth: Index) -> tuple[Index, Index]:
        """Return the line of an element, and its place in it; neighbours in a chunk stay neighbours."""
        line, along = (outer, depth) if self.deep else (depth, outer)
        chunks = self.shape[1] // self.chunk
        twist = remainder(multiply(divide(line, self.period), self.step), min(chunks, CHUNKS))
        return line, exclusive_or(along, multiply(twist, self.chunk))


@dataclass(frozen=True)
class SharedMatrix:
    """The stages of a matrix in shared memory.

    Attributes:
        buffer: The memref, [stages, lines, elements].
        layout: Where its elements are.
    """

    buffer: ir.Value
    layout: TileLayout

    @property
    def element(self) -> ir.Type:
        """The type of its elements."""
        return ir.MemRefType(self.buffer.type).element_type

    def at(self, stage: Index, outer: Index, depth: Index) -> list[ir.Value]:
        """Return the position of an element in the memref."""
        return [value(stage), *map(value, self.layout.place(outer, depth))]
