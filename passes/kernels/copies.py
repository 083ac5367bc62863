"""The pass that makes copies between strided buffers loops."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mlir import ir
from mlir.dialects import linalg

from catgrad.passes.base import Pass
from catgrad.passes.kernels.view import is_whole
from catgrad.passes.kernels.walk import named

__all__ = ["StridedCopies"]


@dataclass(frozen=True)
class StridedCopies(Pass):
    """Turn memref.copy from or to a strided buffer into linalg.copy; others become calls of memcpy.

    Upstream lowers a strided copy to a call of a run-time library, which compiled code should not need.
    """

    name: ClassVar[str] = "catgrad-strided-copies"

    def run(self, module: ir.Operation) -> None:
        """Replace every strided copy."""
        for op in named(module, "memref.copy"):
            source, target = op.operands
            if is_whole(source) and is_whole(target):
                continue
            with ir.InsertionPoint(op), op.location:
                linalg.copy(source, outs=[target])
            op.erase()
