"""The pass that turns every `linalg.contract` on memrefs into a vector kernel."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar

from mlir import ir

from catgrad.passes.base import Pass
from catgrad.passes.kernels.chains import emit_chains, emit_columns, has_few
from catgrad.passes.kernels.problem import NONE, Problem, read
from catgrad.passes.kernels.product import emit_product
from catgrad.passes.machine import Machine

__all__ = ["ContractionKernels", "is_zero"]

_WITHOUT_EFFECT = (
    "arith.",
    "memref.alloc",
    "memref.cast",
    "memref.collapse_shape",
    "memref.dim",
    "memref.expand_shape",
)
"""How the names of operations begin that may stand between a fill and its contraction."""


@dataclass(frozen=True)
class ContractionKernels(Pass):
    """Lower linalg.contract on memrefs to register-tiled, packed, masked vector loops.

    Any indices, layouts and extents are accepted. A fill with zero directly before is absorbed.
    """

    name: ClassVar[str] = "catgrad-contraction-kernels"

    machine: Machine = field(default_factory=Machine.host)

    def run(self, module: ir.Operation) -> None:
        """Replace every contraction whose operands are memrefs."""
        for block in list(_blocks(module)):
            last = None
            for op in [view.operation for view in block.operations]:
                if op.name == "linalg.contract" and all(isinstance(x.type, ir.MemRefType) for x in op.operands):
                    _replace(op, last, self.machine)
                    last = None
                elif not op.name.startswith(_WITHOUT_EFFECT):
                    last = op


def _blocks(op: ir.Operation) -> Iterator[ir.Block]:
    """Yield the blocks inside `op` that may contain contractions."""
    for region in op.regions:
        for block in region.blocks:
            yield block
            for view in block.operations:
                if not view.operation.name.startswith("linalg."):
                    yield from _blocks(view.operation)


def _replace(op: ir.Operation, last: ir.Operation | None, machine: Machine) -> None:
    """Put a kernel in the place of `op`; the operation with effect before it, `last`, goes if it fills with zero."""
    with ir.InsertionPoint(op), op.location:
        problem = read(op).oriented()
        fill = last if _is_zero_fill(last, op.operands[2]) else None
        absorbed = _emit(machine, problem, fill is not None)
    op.erase()
    if fill is not None and absorbed:
        fill.erase()


def _emit(machine: Machine, problem: Problem, is_zero: bool) -> bool:
    """Emit the kernel that fits `problem`; return whether it starts from zero by itself, where C is zero.

    Where the depth may be 0, nothing is computed.
    """
    if problem.empty:
        return False
    fresh = is_zero and all(isinstance(problem.extent(dim), int) for dim in problem.depth)
    last = problem.c.axes[-1] if problem.c.axes else NONE
    if last in problem.columns and problem.c.contiguous(last) and not has_few(problem):
        emit_product(problem, machine, fresh)
        return fresh
    if last in problem.batch and all(view.contiguous(last) for view in (problem.a, problem.b, problem.c)):
        emit_columns(problem)
        return False
    emit_chains(problem, fresh)
    return fresh


def _is_zero_fill(op: ir.Operation | None, buffer: ir.Value) -> bool:
    """Return whether `op` fills `buffer` with zero."""
    if op is None or op.name != "linalg.fill" or op.operands[1] != buffer:
        return False
    return is_zero(op.operands[0])


def is_zero(scalar: ir.Value) -> bool:
    """Return whether a scalar is the constant zero."""
    if not isinstance(scalar, ir.OpResult) or scalar.owner.operation.name != "arith.constant":
        return False
    number = scalar.owner.operation.attributes["value"]
    return isinstance(number, ir.FloatAttr | ir.IntegerAttr) and number.value == 0
