"""The pass that vectorises reductions where LLVM would not: row reductions, and sums over leading axes.

A *row reduction* folds the last, contiguous axis of its operands: it becomes vectors of partial results, several in
flight, with a masked tail. The order is fixed by the extents and the machine alone, so results are reproducible.

A reduction over leading axes is a sum of rows: its loops are interchanged so that the innermost runs along the rows,
which LLVM vectorises.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import ClassVar

from mlir import ir
from mlir.dialects import arith

from catgrad.passes.base import Pass
from catgrad.passes.kernels.accumulate import accumulate
from catgrad.passes.kernels.emit import Index, combine, constant, extent, loop, reduce_lanes, splat, vector_of
from catgrad.passes.kernels.view import View, width
from catgrad.passes.kernels.walk import named
from catgrad.passes.machine import Machine

__all__ = ["ReductionKernels"]

_KINDS = {
    "arith.addf": ("add", 0.0),
    "arith.mulf": ("mul", 1.0),
    "arith.maximumf": ("maximumf", float("-inf")),
    "arith.minimumf": ("minimumf", float("inf")),
}
"""The combining operations: what ∘ is called, and its neutral element."""

_LANEWISE_MATH = frozenset({"absf", "ceil", "copysign", "floor", "fma", "rint", "roundeven", "sqrt", "trunc"})
"""The operations of `math` that processors have on vectors."""


@dataclass(frozen=True)
class ReductionKernels(Pass):
    """Vectorise linalg.generic reductions on memrefs that the loop vectoriser leaves scalar.

    Row reductions of floats become explicit vectors; reductions over leading axes are interchanged. Others are left.
    """

    name: ClassVar[str] = "catgrad-reduction-kernels"

    machine: Machine = field(default_factory=Machine.host)

    def run(self, module: ir.Operation) -> None:
        """Rewrite every reduction that fits."""
        for op in named(module, "linalg.generic"):
            with ir.InsertionPoint(op), op.location:
                _rewrite(op, self.machine)


def _rewrite(op: ir.Operation, machine: Machine) -> None:
    """Replace `op` by vector loops or an interchanged `op`, or leave it."""
    maps = [attr.value for attr in op.attributes["indexing_maps"]]
    if not _is_plain(op, maps):
        return
    views = [View(x, tuple(_positions(m))) for x, m in zip(op.operands, maps, strict=True)]
    inner = views[0].axes[-1] if views[0].axes else None
    if inner is None or not views[0].contiguous(inner):
        return
    if inner in views[-1].axes:
        if _iterators(op)[-1] == "reduction":
            _interchange(op, maps, inner)
    elif _is_row_reduction(op, views, inner):
        _Row(views, inner, op.regions[0].blocks[0], machine).emit(maps[0].n_dims)
        op.erase()


@dataclass(frozen=True)
class _Row:
    """A reduction of one dimension, along which the operands are contiguous or constant.

    Attributes:
        views: The operands; the last is folded into.
        inner: The dimension.
        body: Computes one term from one element of each operand, and combines it with the last.
        machine: The processor.
    """

    views: Sequence[View]
    inner: int
    body: ir.Block
    machine: Machine

    @property
    def _steps(self) -> list[ir.Operation]:
        """The operations that compute a term."""
        return [op.operation for op in self.body.operations][:-2]

    @property
    def _combining(self) -> ir.Operation:
        """The operation that folds a term into the result."""
        return [op.operation for op in self.body.operations][-2]

    def emit(self, dims: int) -> None:
        """Emit the loops over the `dims` dimensions of the iteration space, all but the inner one outside."""
        extents = {dim: extent(view.buffer, axis) for view in self.views for axis, dim in enumerate(view.axes)}
        with ExitStack() as stack:
            place = {dim: stack.enter_context(loop(0, extents[dim])) for dim in range(dims) if dim != self.inner}
            here = [view.moved(place) for view in self.views]
            self._fold(here, extents[self.inner])

    def _fold(self, views: Sequence[View], length: Index) -> None:
        """Emit the reduction of one row."""
        *inputs, output = views
        kind, number = _KINDS[self._combining.name]
        lanes = self.machine.lanes(width(output.element))
        neutral = splat(constant(output.element, number), lanes)
        outside = self._outside(inputs, lanes)

        def step(at: Index, mask: ir.Value | None, partials: list[ir.Value]) -> list[ir.Value]:
            term = self._term(inputs, at, mask, outside, lanes)
            return [combine(kind, partials[0], term if mask is None else arith.select(mask, term, neutral))]

        unroll = max(self.machine.multiply_adds_in_flight // max(len(self._steps), 2), 1)
        (total,) = accumulate(length, lanes, unroll, [neutral], step, lambda x, y: combine(kind, x, y))
        output.store(combine(kind, output.load({}), reduce_lanes(kind, total)), {})

    def _outside(self, inputs: Sequence[View], lanes: int) -> dict[ir.Value, ir.Value]:
        """Return what does not change along the row, repeated in every lane."""
        arguments = zip(self.body.arguments, inputs, strict=False)
        constants = {x: splat(view.load({}), lanes) for x, view in arguments if self.inner not in view.axes}
        used = [x for op in [*self._steps, self._combining] for x in op.operands]
        return constants | {x: splat(x, lanes) for x in used if _owner_block(x) != self.body and x not in constants}

    def _term(
        self, inputs: Sequence[View], at: Index, mask: ir.Value | None, outside: dict[ir.Value, ir.Value], lanes: int
    ) -> ir.Value:
        """Emit the body on vectors; return the terms."""
        arguments = zip(self.body.arguments, inputs, strict=False)
        varying = [(x, view) for x, view in arguments if self.inner in view.axes]
        known = outside | {x: view.load_vector(lanes, {self.inner: at}, mask) for x, view in varying}
        for op in self._steps:
            known[op.results[0]] = _lanewise(op, known, lanes)
        term = next(x for x in self._combining.operands if x != self.body.arguments[-1])
        return known[term]


def _iterators(op: ir.Operation) -> list[str]:
    """Return "parallel" or "reduction" for each dimension."""
    return ["reduction" if "reduction" in str(kind) else "parallel" for kind in op.attributes["iterator_types"]]


def _positions(indexing: ir.AffineMap) -> list[int]:
    """Return the dimension that each result of a projected permutation is."""
    return [ir.AffineDimExpr(result).position for result in indexing.results]


def _is_plain(op: ir.Operation, maps: Sequence[ir.AffineMap]) -> bool:
    """Return whether `op` reduces inputs into one output, all of them memrefs, and uses no indices."""
    inputs, outputs = op.attributes["operandSegmentSizes"]
    names = {step.operation.name for step in op.regions[0].blocks[0].operations}
    return (
        inputs > 0
        and outputs == 1
        and "reduction" in _iterators(op)
        and "linalg.index" not in names
        and all(isinstance(x.type, ir.MemRefType) for x in op.operands)
        and all(indexing.is_projected_permutation for indexing in maps)
    )


def _is_row_reduction(op: ir.Operation, views: Sequence[View], inner: int) -> bool:
    """Return whether `op` folds `inner` by an associative operation, in a body that works on vectors."""
    body = op.regions[0].blocks[0]
    steps = [step.operation for step in body.operations]
    return (
        len(steps) >= 2
        and all(inner not in view.axes or view.contiguous(inner) for view in views)
        and all(_is_lanewise(step) for step in steps[:-2])
        and _is_associative(steps[-2])
        and steps[-1].operands[0] == steps[-2].results[0]
        and body.arguments[-1] in steps[-2].operands
        and len(list(body.arguments[-1].uses)) == 1
    )


def _is_lanewise(op: ir.Operation) -> bool:
    """Return whether `op` acts alike on the lanes of vectors, and processors do so at once."""
    dialect, _, name = op.name.partition(".")
    return len(op.results) == 1 and (dialect == "arith" or (dialect == "math" and name in _LANEWISE_MATH))


def _is_associative(op: ir.Operation) -> bool:
    """Return whether `op` may combine terms in any order."""
    if op.name not in _KINDS:
        return False
    flags = str(op.attributes["fastmath"])
    return op.name in {"arith.maximumf", "arith.minimumf"} or "reassoc" in flags or "fast>" in flags


def _owner_block(x: ir.Value) -> ir.Block:
    """Return the block that `x` is defined in."""
    return x.owner if isinstance(x.owner, ir.Block) else x.owner.operation.block


def _lanewise(op: ir.Operation, known: dict[ir.Value, ir.Value], lanes: int) -> ir.Value:
    """Return the result of `op` on vectors."""
    if not op.operands:
        return splat(op.clone().results[0], lanes)
    kinds = [vector_of(lanes, result.type) for result in op.results]
    operands = [known[x] for x in op.operands]
    return ir.Operation.create(op.name, kinds, operands, dict(op.attributes.items())).results[0]


def _interchange(op: ir.Operation, maps: Sequence[ir.AffineMap], inner: int) -> None:
    """Replace `op` by the same with `inner` as its last dimension."""
    dims = maps[0].n_dims
    order = [*(dim for dim in range(dims) if dim != inner), inner]
    place = {dim: ir.AffineDimExpr.get(position) for position, dim in enumerate(order)}
    renamed = [ir.AffineMap.get(dims, 0, [place[dim] for dim in _positions(indexing)]) for indexing in maps]
    attributes = dict(op.attributes.items())
    attributes["indexing_maps"] = ir.ArrayAttr.get([ir.AffineMapAttr.get(indexing) for indexing in renamed])
    attributes["iterator_types"] = ir.ArrayAttr.get([attributes["iterator_types"][dim] for dim in order])
    new = ir.Operation.create("linalg.generic", [], list(op.operands), attributes, regions=1)
    op.regions[0].blocks[0].append_to(new.regions[0])
    op.erase()
