"""The pass that makes kernels of all linalg operations on buffers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

from mlir import ir
from mlir.dialects import linalg

from catgrad.passes.base import DiagnosticError, Pass
from catgrad.passes.gpu.constants import copy_constants
from catgrad.passes.gpu.contraction import emit_contraction
from catgrad.passes.gpu.elementwise import emit_elementwise
from catgrad.passes.gpu.generic import Generic
from catgrad.passes.gpu.machine import GpuMachine
from catgrad.passes.gpu.reduction import emit_reduction
from catgrad.passes.gpu.work import accounted
from catgrad.passes.kernels.contraction import replace_contractions
from catgrad.passes.kernels.problem import Problem
from catgrad.passes.kernels.walk import named

__all__ = ["GpuKernels"]

_IN_SHORT = ("linalg.fill", "linalg.copy", "memref.copy")
"""Operations that are generics in short."""


@dataclass(frozen=True)
class GpuKernels(Pass):
    """Make a kernel of every linalg operation on memrefs, and of every copy: no element is touched by the host."""

    name: ClassVar[str] = "catgrad-gpu-kernels"

    machine: GpuMachine = field(default_factory=lambda: GpuMachine.named("sm_80"))

    def run(self, module: ir.Operation) -> None:
        """Replace each operation by a launch.

        Raises:
            DiagnosticError: An operation is on tensors.
        """
        copy_constants(module, self.machine)
        replace_contractions(module, _contract)
        for name in _IN_SHORT:
            _replace(module, name, lambda op: _elementwise(*op.operands))
        _replace(module, "linalg.generic", lambda op: self._emit(Generic(op)))

    def _emit(self, generic: Generic) -> None:
        emit = emit_reduction if "reduction" in generic.iterators else emit_elementwise
        with accounted(generic.op):
            emit(generic, self.machine)


def _replace(module: ir.Operation, name: str, emit: Callable[[ir.Operation], None]) -> None:
    """Replace the operations of a name by what `emit` emits."""
    for op in named(module, name):
        if op.results:
            raise DiagnosticError(op.location, "a kernel works on memrefs, not on tensors")
        with ir.InsertionPoint(op), op.location:
            emit(op)
        op.erase()


def _contract(problem: Problem, is_zero: bool) -> bool:
    with accounted(ir.InsertionPoint.current.ref_operation, fresh=is_zero):
        emit_contraction(problem, fresh=is_zero)
    return is_zero


def _elementwise(source: ir.Value, target: ir.Value) -> None:
    """Emit the generic that writes a scalar, or the elements of a buffer, into a buffer."""
    rank = ir.MemRefType(target.type).rank
    identity = ir.AffineMap.get_identity(rank)
    is_scalar = not isinstance(source.type, ir.MemRefType)
    maps = [ir.AffineMap.get(rank, 0, []) if is_scalar else identity, identity]
    op = linalg.GenericOp(
        [],
        [source],
        [target],
        ir.ArrayAttr.get([ir.AffineMapAttr.get(map) for map in maps]),
        ir.ArrayAttr.get([ir.Attribute.parse("#linalg.iterator_type<parallel>")] * rank),
    )
    element = ir.MemRefType(target.type).element_type
    block = op.regions[0].blocks.append(element, element)
    with ir.InsertionPoint(block):
        linalg.YieldOp([block.arguments[0]])
