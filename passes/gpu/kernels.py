"""The pass that makes kernels of all linalg operations on buffers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from mlir import ir
from mlir.dialects import linalg

from catgrad.passes.accesses import MOVES, Step
from catgrad.passes.base import DiagnosticError, Pass
from catgrad.passes.gpu.constants import copy_constants
from catgrad.passes.gpu.contraction import emit_contraction
from catgrad.passes.gpu.elementwise import emit_elementwise
from catgrad.passes.gpu.epilogue import Epilogue, is_contraction
from catgrad.passes.gpu.machine import GpuMachine
from catgrad.passes.gpu.rows import emit_rows
from catgrad.passes.gpu.rowwise import is_rowwise
from catgrad.passes.gpu.splits import divided
from catgrad.passes.gpu.work import accounted
from catgrad.passes.kernels.walk import named
from catgrad.passes.runs import Run, find_runs

__all__ = ["GpuKernels"]


@dataclass(frozen=True)
class GpuKernels(Pass):
    """Make kernels of all linalg operations on memrefs, and of all copies: no element is touched by the host.

    Operations that can be done row by row become one kernel.
    """

    name: ClassVar[str] = "catgrad-gpu-kernels"

    machine: GpuMachine = field(default_factory=lambda: GpuMachine.named("sm_80"))

    def run(self, module: ir.Operation) -> None:
        """Replace the operations by launches.

        Raises:
            DiagnosticError: An operation is on tensors.
        """
        copy_constants(module, self.machine)
        for op in _on_memrefs(module, *MOVES):
            with ir.InsertionPoint(op), op.location:
                _elementwise(Step(op))
            op.erase()
        for block in dict.fromkeys(op.block for op in _on_memrefs(module, "linalg.contract", "linalg.generic")):
            for run in find_runs(block, self._is_kernel):
                self._launch(run)

    def _is_kernel(self, run: Run) -> bool:
        return is_contraction(run) or is_rowwise(run, self.machine)

    def _launch(self, run: Run) -> None:
        """Replace a run by one launch, or by two if blocks are to share a row."""
        if any(run.inner) and not is_contraction(run):
            run = divided(run, self.machine)
        ops = [step.op for step in run.steps]
        with ir.InsertionPoint(ops[-1]), accounted(ops):
            self._emit(run)
        for op in reversed(ops):
            op.erase()

    def _emit(self, run: Run) -> None:
        if is_contraction(run):
            emit_contraction(Epilogue(run), self.machine)
        elif any(run.inner):
            emit_rows(run, self.machine)
        else:
            emit_elementwise(run, self.machine)


def _on_memrefs(module: ir.Operation, *names: str) -> list[ir.Operation]:
    """Return the operations of some names, none of which is on tensors."""
    found = [op for name in names for op in named(module, name)]
    for op in found:
        if op.results:
            raise DiagnosticError(op.location, "a kernel works on memrefs, not on tensors")
    return found


def _elementwise(move: Step) -> None:
    """Emit the generic that writes a scalar, or the elements of a buffer, into a buffer."""
    source, target = move.op.operands
    op = linalg.GenericOp(
        [],
        [source],
        [target],
        ir.ArrayAttr.get([ir.AffineMapAttr.get(map) for map in move.maps]),
        ir.ArrayAttr.get([ir.Attribute.parse("#linalg.iterator_type<parallel>")] * move.maps[-1].n_dims),
    )
    element = ir.MemRefType(target.type).element_type
    block = op.regions[0].blocks.append(element, element)
    with ir.InsertionPoint(block):
        linalg.YieldOp([block.arguments[0]])
