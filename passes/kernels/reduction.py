"""The pass that makes loops of folds, which add in the order of `order.py`.

Folds of inner dimensions are vectors of partial results; folds of outer dimensions are sums of rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar

from mlir import ir

from catgrad.passes.base import Pass
from catgrad.passes.kernels.columns import Columns
from catgrad.passes.kernels.emit import Index, combine
from catgrad.passes.kernels.interleaved import Interleaved, lies_apart
from catgrad.passes.kernels.order import CHAIN
from catgrad.passes.kernels.problem import NONE
from catgrad.passes.kernels.rows import emit_rows
from catgrad.passes.kernels.terms import Terms
from catgrad.passes.kernels.totals import WideTotals
from catgrad.passes.kernels.walk import named
from catgrad.passes.machine import Machine

__all__ = ["ReductionKernels"]


@dataclass(frozen=True)
class ReductionKernels(Pass):
    """Lower folds by float sums, products and extrema, which need no order of their own, to loops.

    They are linalg.generic operations on memrefs. Others are left.
    """

    name: ClassVar[str] = "catgrad-reduction-kernels"

    machine: Machine = field(default_factory=Machine.host)

    def run(self, module: ir.Operation) -> None:
        """Rewrite every fold."""
        for op in named(module, "linalg.generic"):
            with ir.InsertionPoint(op), op.location:
                terms = Terms.read(op)
                if terms is not None:
                    _emit(terms, self.machine)
                    op.erase()


def _emit(terms: Terms, machine: Machine) -> None:
    if 0 in terms.extents.values():
        return
    if terms.dims("inner"):
        if lies_apart(terms):
            Interleaved(terms).emit()
        else:
            emit_rows(terms, machine)
        return

    def fold(place: Mapping[int, Index], so_far: ir.Value) -> ir.Value:
        return combine(terms.kind, so_far, terms.scalar(place))

    column = max(terms.dims("parallel"), default=NONE)
    totals = partial(WideTotals.of, terms.kind, terms.neutral, CHAIN)
    outer = terms.dims("outer")
    Columns(terms.output, terms.extents, column, outer, fold, CHAIN, totals, terms.kind, terms.neutral).emit()
