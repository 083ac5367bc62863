"""Large constant arrays as strings of bytes: LLVM writes a string at once, and elements of other types one by one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from mlir import ir
from mlir.dialects import llvm

from catgrad.passes.base import Pass

__all__ = ["ConstantBytes"]

_LARGE = 1 << 12
"""Bytes from which an array is a string; of a smaller one LLVM may know elements."""


@dataclass(frozen=True)
class ConstantBytes(Pass):
    """Make large constants, in the LLVM dialect, arrays of i8, whose readers stay as they are: pointers have no type.

    What repeats one number stays, since it takes no time, and arrays of bf16, which the bindings cannot read.
    """

    name: ClassVar[str] = "catgrad-constant-bytes"

    def run(self, module: ir.Operation) -> None:
        """Rewrite the globals of a module."""
        with module.context:
            for op in module.regions[0].blocks[0].operations:
                content = _content(op) if isinstance(op, llvm.GlobalOp) else b""
                if len(content) >= _LARGE:
                    op.attributes["value"] = ir.StringAttr.get(content)
                    op.attributes["global_type"] = ir.TypeAttr.get(ir.Type.parse(f"!llvm.array<{len(content)} x i8>"))


def _content(op: llvm.GlobalOp) -> bytes:
    """Return the bytes of a global of different elements."""
    value = op.attributes["value"] if "value" in op.attributes else None
    if not isinstance(value, ir.DenseElementsAttr) or value.is_splat:
        return b""
    is_readable = not isinstance(ir.ShapedType(value.type).element_type, ir.BF16Type)
    return np.asarray(value).tobytes() if is_readable else b""
