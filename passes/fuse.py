"""Fusion of elementwise loops: generics over one iteration space become one generic with several results.

Upstream's fusion takes a producer that has one use. An optimizer's update or a softmax has values with several, and a
producer that is fused into each of them is computed more than once. Here nothing is:

* A generic that only moves elements (a broadcast, a transpose) disappears into the index maps of its readers.
* Generics whose axes are all parallel join a *cluster* where one reads a result of another, or both read a tensor, at
  the position of the iteration. The clusters partition the operations of a block, and the quotient of the dependence
  graph by this partition stays acyclic, which is what makes it possible to run a cluster as one operation.
* A cluster that only one reduction reads joins the reduction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from mlir import ir
from mlir.dialects import linalg

from catgrad.dialect.functions import functions
from catgrad.passes.base import Pass
from catgrad.passes.clusters import Clusters
from catgrad.passes.views import (
    body_of,
    covers_iteration,
    forward_views,
    generics,
    inline_splats,
    inputs_of,
    maps_of,
    yields_of,
)

__all__ = ["FuseElementwise"]


@dataclass(frozen=True)
class FuseElementwise(Pass):
    """Fuse elementwise `linalg.generic`s on tensors, also where a value has several readers.

    Run `canonicalize,cse` before, which makes equal operands visible, and after, which removes what is left over.

    Attributes:
        max_operands: Tensors that one generic may read and write. A loop over many has no registers left for their
            addresses, and LLVM gives up proving that so many do not overlap.
        max_members: Operations that one generic may be made of; a longer body gains nothing more.
    """

    name: ClassVar[str] = "catgrad-fuse-elementwise"

    max_operands: int = 16
    max_members: int = 64

    def run(self, module: ir.Operation) -> None:
        """Fuse in the body of every function."""
        for function in functions(module):
            if not function.is_external:
                _fuse(function.entry_block, self)


def _fuse(block: ir.Block, bounds: FuseElementwise) -> None:
    if not generics(block):
        return
    forward_views(block)
    for op in generics(block):
        inline_splats(op)
    clusters = Clusters(block, bounds.max_operands, bounds.max_members)
    clusters.grow_reductions()
    clusters.join_neighbours()
    *_, terminator = block.operations
    for members in clusters.order():
        for op in members:
            if op != terminator:
                op.operation.move_before(terminator.operation)
        if all(isinstance(op, linalg.GenericOp) for op in members):
            _rebuild(members)


# The generic of a cluster


def _kept(members: Sequence[linalg.GenericOp]) -> list[tuple[linalg.GenericOp, int]]:
    """Return the results, each as a member and a number, that are read outside of the cluster, or folded into."""
    inside = {op.operation for op in members}
    results = [(op, n, result) for op in members for n, result in enumerate(op.results)]
    return [
        (op, n)
        for op, n, result in results
        if any(use.owner.operation not in inside for use in result.uses)
        or any(body_of(op).arguments[len(op.inputs) + n].uses)
    ]


def _outer_maps(members: Sequence[linalg.GenericOp]) -> list[ir.AffineMap]:
    """Return the index maps of a cluster's generic."""
    last = members[-1]
    return [map for _, map in inputs_of(members)] + maps_of(last)[-len(last.outputs) :]


def _rebuild(members: Sequence[linalg.GenericOp]) -> None:
    """Replace a cluster by one generic that has neither unused inputs nor unused results."""
    kept = _kept(members)
    if len(members) == 1 and not (kept and _has_unused_input(members[0])):
        return
    _connect(members)
    inputs = inputs_of(members)
    outputs = [(op.outputs[n], maps_of(op)[len(op.inputs) + n]) for op, n in kept]
    with ir.InsertionPoint(members[-1]), ir.Location.fused([op.location for op in members]):
        fused = linalg.GenericOp(
            [value.type for value, _ in outputs],
            [value for value, _ in inputs],
            [value for value, _ in outputs],
            ir.ArrayAttr.get([ir.AffineMapAttr.get(map) for _, map in (*inputs, *outputs)]),
            members[-1].iterator_types,
        )
    arguments = [*inputs.values(), *([body_of(op).arguments[len(op.inputs) + n]] for op, n in kept)]
    _fill_body(fused, arguments, members, kept)
    for (op, n), result in zip(kept, fused.results, strict=True):
        op.results[n].replace_all_uses_with(result)
    for op in reversed(members):
        op.operation.erase()


def _has_unused_input(op: linalg.GenericOp) -> bool:
    """Return whether an input can be left out."""
    return len(inputs_of([op])) < len(op.inputs) and covers_iteration(_outer_maps([op]))


def _connect(members: Sequence[linalg.GenericOp]) -> None:
    """Let the bodies use the scalars that the bodies of other members make of the same iteration."""
    scalars = {result: (op, n) for op in members for n, result in enumerate(op.results)}
    for op in members:
        for value, argument in zip(op.inputs, body_of(op).arguments, strict=False):
            if value in scalars:
                maker, n = scalars[value]
                argument.replace_all_uses_with(yields_of(maker)[n])


def _fill_body(
    fused: linalg.GenericOp,
    arguments: Sequence[Sequence[ir.Value]],
    members: Sequence[linalg.GenericOp],
    kept: Sequence[tuple[linalg.GenericOp, int]],
) -> None:
    """Move the bodies of the members into one, where each argument takes the place of several."""
    types = [ir.RankedTensorType(value.type).element_type for value in (*fused.inputs, *fused.outputs)]
    body = fused.regions[0].blocks.append(*types)
    for old, new in zip(arguments, body.arguments, strict=True):
        for argument in old:
            argument.replace_all_uses_with(new)
    yielded = [yields_of(op)[n] for op, n in kept]
    for op in members:
        for inner in list(body_of(op).operations)[:-1]:
            body.append(inner)
    with ir.InsertionPoint(body), fused.location:
        linalg.YieldOp(yielded)
