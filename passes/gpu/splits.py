"""Few and long rows: many blocks fold one, each a part, and leave the parts in memory, where another kernel folds them.

How a row is cut depends on extents and the GPU alone, so results are reproducible.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

from mlir import ir
from mlir.dialects import linalg, memref

from catgrad.passes.accesses import Step
from catgrad.passes.gpu.folds import Fold
from catgrad.passes.gpu.layout import Layout
from catgrad.passes.gpu.machine import GpuMachine
from catgrad.passes.gpu.rows import row_kernel
from catgrad.passes.gpu.values import Values
from catgrad.passes.gpu.work import accounted
from catgrad.passes.runs import Run

__all__ = ["divided"]


def divided(run: Run, machine: GpuMachine) -> Run:
    """Emit the kernel that folds parts of rows, if blocks are to share a row; return what is left to be done.

    The operations of the run that this does are erased.
    """
    rows, terms = run.extents(run.rows), run.extents(run.inner)
    if min(*rows, *terms, 1) < 1:
        return run
    values = Values(run)
    layout = Layout.of(values, machine)
    splits = _count_splits(values, layout, prod(rows), prod(terms), machine)
    if splits == 1:
        return run
    folds = {i: each for i, each in values.folds.items() if each is not None}
    with ir.InsertionPoint(run.steps[-1].op), run.steps[-1].op.location:
        parts = {i: [_allocated([splits, *rows], kind) for kind in fold.kinds] for i, fold in folds.items()}
        with accounted([step.op for step in run.steps]), row_kernel(values, layout, machine, splits) as kernel:
            if kernel is not None:
                kernel.emit_parts(parts)
        new = {i: Step(_emit_fold(run, i, each, parts[i])) for i, each in folds.items()}
    return _replaced(run, new)


def _count_splits(values: Values, layout: Layout, rows: int, terms: int, machine: GpuMachine) -> int:
    """Return how many blocks share a row: as many as there is room for, if all of them have enough to do."""
    if values.elements or values.sweeps != 1 or layout.chunks is not None or layout.threads == 1:
        return 1
    blocks = -(-rows // layout.rows)
    return max(1, min(machine.multiprocessors // blocks, terms // (layout.threads * machine.elements)))


def _allocated(shape: Sequence[int], element: ir.Type) -> ir.Value:
    return memref.alloc(ir.MemRefType.get(shape, element), [], [])


def _replaced(run: Run, new: Mapping[int, Step]) -> Run:
    """Put other folds in the place of a run's; what was computed for each element goes with these."""
    rank = len(run.rows[0])
    kept = [i for i, inner in enumerate(run.inner) if i in new or not inner]
    gone = [step.op for i, step in enumerate(run.steps) if i in new or i not in kept]
    for op in reversed(gone):
        op.erase()
    return Run(
        steps=tuple(new.get(i, run.steps[i]) for i in kept),
        rows=tuple(tuple(range(rank)) if i in new else run.rows[i] for i in kept),
        inner=tuple((rank,) if i in new else () for i in kept),
    )


def _emit_fold(run: Run, i: int, fold: Fold, parts: Sequence[ir.Value]) -> ir.Operation:
    """Emit the fold of the parts of operation `i` into its results."""
    step, rank = run.steps[i], len(run.rows[i])
    rows = [ir.AffineExpr.get_dim(row) for row in range(rank)]
    whole = ir.AffineMap.get(rank + 1, 0, [ir.AffineExpr.get_dim(rank), *rows])
    place = dict(zip(run.rows[i], rows, strict=True))
    results = [_renamed(map, place, rank + 1) for map in step.maps[step.inputs :]]
    iterators = ["parallel"] * rank + ["reduction"]
    op = linalg.GenericOp(
        [],
        list(parts),
        list(step.op.operands)[step.inputs :],
        ir.ArrayAttr.get([ir.AffineMapAttr.get(map) for map in (*[whole] * len(parts), *results)]),
        ir.ArrayAttr.get([ir.Attribute.parse(f"#linalg.iterator_type<{kind}>") for kind in iterators]),
    )
    block = op.regions[0].blocks.append(*fold.kinds, *fold.kinds)
    found, old = list(block.arguments)[: len(parts)], list(block.arguments)[len(parts) :]
    with ir.InsertionPoint(block):
        linalg.YieldOp(fold.join(old, found))
    return op.operation


def _renamed(map: ir.AffineMap, place: Mapping[int, ir.AffineExpr], rank: int) -> ir.AffineMap:
    """Return where a result is, given by the row classes."""
    zero = ir.AffineExpr.get_constant(0)
    axes = [expr.position if isinstance(expr, ir.AffineDimExpr) else None for expr in map.results]
    return ir.AffineMap.get(rank, 0, [zero if axis is None else place.get(axis, zero) for axis in axes])
