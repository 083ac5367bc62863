"""Floats of 16 bits as their bits, in the LLVM dialect.

Once nothing is computed in them (`catgrad.passes.narrow_floats`), they are only moved. LLVM may take a vector of them
apart and convert each element to f32 and back, by a function of the compiler's run-time library; integers it moves.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import ml_dtypes
import numpy as np
from mlir import ir
from mlir.dialects import llvm

from catgrad.passes.base import DiagnosticError, Pass

__all__ = ["FloatBits"]

_WIDENS = "llvm.fpext"
_NARROW = re.compile(r"b?f16\b")
_MOVES = frozenset(
    f"llvm.{name}"
    for name in (
        *("bitcast", "br", "call", "cond_br", "extractelement", "extractvalue", "insertelement", "insertvalue", "load"),
        *("mlir.poison", "mlir.undef", "mlir.zero", "return", "select", "shufflevector", "store", "switch"),
        *("intr.masked.gather", "intr.masked.load", "intr.masked.scatter", "intr.masked.store"),
    )
)


@dataclass(frozen=True)
class FloatBits(Pass):
    """Let loads, stores and all else that moves f16 and bf16, in the LLVM dialect, move i16."""

    name: ClassVar[str] = "catgrad-float-bits"

    def run(self, module: ir.Operation) -> None:
        """Rewrite the types of all values, but beside conversions between f16 and f32."""
        with module.context:
            functions = [op.operation for op in module.regions[0].blocks[0] if op.operation.name == "llvm.func"]
            values = _narrow_values(module, functions)
            for function in functions if values else ():
                kind = ir.TypeAttr(function.attributes["function_type"]).value
                function.attributes["function_type"] = ir.TypeAttr.get(_bits(kind))
            for value in values:
                for use in list(value.uses):
                    _adapt_user(use.owner.operation, value.type)
                _adapt(value)


def _narrow_values(module: ir.Operation, functions: Iterable[ir.Operation]) -> list[ir.Value]:
    """Return the values that are floats of 16 bits, or have them as elements."""
    is_narrow = cache(lambda kind: _bits(kind) != kind)  # most values are of a few types
    blocks = (block for function in functions for block in function.regions[0].blocks)
    found: list[ir.Value] = [value for block in blocks for value in block.arguments if is_narrow(value.type)]

    def visit(op: ir.Operation) -> ir.WalkResult:
        found.extend(value for value in op.results if is_narrow(value.type))
        return ir.WalkResult.ADVANCE

    module.walk(visit)
    return found


def _adapt_user(op: ir.Operation, kind: ir.Type) -> None:
    if op.name not in _MOVES | {_WIDENS}:
        raise DiagnosticError(op.location, f"{op.name} computes in {kind}: expected floats of 16 bits to be moved only")
    if op.name == _WIDENS:
        with ir.InsertionPoint(op), op.location:
            op.operands[0] = llvm.bitcast(kind, op.operands[0])


def _adapt(value: ir.Value) -> None:
    """Make a value its bits, or give those who use it the bits."""
    op = value.owner
    rewrite = None if isinstance(op, ir.Block) else _PRODUCERS.get(op.operation.name)
    if rewrite is None:
        value.set_type(_bits(value.type))
    else:
        rewrite(op.operation, value.type)


def _narrow(op: ir.Operation, kind: ir.Type) -> None:
    with ir.InsertionPoint.after(op), op.location:
        bits = llvm.bitcast(_bits(kind), op.results[0])
    op.results[0].replace_all_uses_except(bits, bits.owner.operation)


def _constant(op: ir.Operation, kind: ir.Type) -> None:
    """Make a number, or a vector that repeats one, that of its bits."""
    value = op.attributes["value"]
    is_splat = isinstance(value, ir.DenseElementsAttr) and value.is_splat
    number = value.get_splat_value() if is_splat else value
    if not isinstance(number, ir.FloatAttr):
        return _narrow(op, kind)
    dtype = ml_dtypes.bfloat16 if isinstance(number.type, ir.BF16Type) else np.float16
    bits = ir.IntegerAttr.get(_bits(number.type), int(np.array(number.value, dtype).view(np.int16)))
    op.attributes["value"] = ir.DenseElementsAttr.get_splat(_bits(value.type), bits) if is_splat else bits
    return op.results[0].set_type(_bits(kind))


_PRODUCERS: dict[str, Callable[[ir.Operation, ir.Type], None]] = {
    "llvm.fptrunc": _narrow,
    "llvm.mlir.constant": _constant,
}
"""What makes floats of 16 bits out of something else."""


def _bits(kind: ir.Type) -> ir.Type:
    """Return a type with i16 in the place of floats of 16 bits."""
    text = str(kind)
    bits = _NARROW.sub("i16", text)
    return kind if bits == text else ir.Type.parse(bits)
