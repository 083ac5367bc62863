"""Sizes of the types of the LLVM dialect in memory, in bytes."""

from __future__ import annotations

import re
from math import prod

from mlir import ir
from mlir.dialects import llvm

__all__ = ["natural_alignment", "size_of"]

_POINTER = 8
_ARRAY = re.compile(r"!llvm\.array<(\d+) x (.+)>")


def size_of(kind: ir.Type) -> int | None:
    """Return the bytes that a load or store of the type touches, or None for a type that has no fixed size here."""
    if isinstance(kind, llvm.PointerType):
        return _POINTER
    if isinstance(kind, ir.VectorType):
        element = size_of(kind.element_type)
        return None if element is None else -(-prod(kind.shape) * _bits(kind.element_type, element) // 8)
    if isinstance(kind, (ir.IntegerType, ir.FloatType)):
        return int(-(-kind.width // 8))
    array = _ARRAY.fullmatch(str(kind))  # a type that the bindings have no class for
    if array is None:
        return None
    element = size_of(_element(array[2]))
    return None if element is None else int(array[1]) * element


def _element(text: str) -> ir.Type:
    return ir.Type.parse(text if not text.startswith(("array", "ptr", "struct")) else f"!llvm.{text}")


def _bits(kind: ir.Type, size: int) -> int:
    return int(kind.width) if isinstance(kind, ir.IntegerType) else 8 * size


def natural_alignment(kind: ir.Type) -> int:
    """Return the alignment that a device expects of the type where the program states none: a power of two."""
    array = _ARRAY.fullmatch(str(kind))
    if array is not None:
        return natural_alignment(_element(array[2]))
    size = size_of(kind) or 1
    return 1 << (size - 1).bit_length()
