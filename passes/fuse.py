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
from itertools import chain
from typing import ClassVar

from mlir import ir
from mlir.dialects import linalg

from catgrad.dialect.functions import functions
from catgrad.passes.base import Pass
from catgrad.passes.clusters import Clusters
from catgrad.passes.views import Generic, covers_iteration, forward_views, inputs_of, is_read, is_used

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
    if not any(map(is_read, block.operations)):
        return
    forward_views(block)
    clusters = Clusters(block, bounds.max_operands, bounds.max_members)
    clusters.grow_reductions()
    clusters.join_neighbours()
    order = clusters.order()
    *ops, terminator = clusters.ops
    for index in chain.from_iterable(order):
        if index < len(ops):
            ops[index].operation.move_before(terminator.operation)
    # Readers first: what they read has not been replaced yet.
    for members in reversed(order):
        if all(index in clusters.generics for index in members):
            _rebuild([clusters.generics[index] for index in members])


# The generic of a cluster


def _kept(members: Sequence[Generic]) -> list[tuple[Generic, int]]:
    """Return the results, each as a member and a number, that are read outside of the cluster, or folded into."""
    inside = {generic.op.operation for generic in members}
    results = [(generic, n, result) for generic in members for n, result in enumerate(generic.op.results)]
    return [
        (generic, n)
        for generic, n, result in results
        if any(use.owner.operation not in inside for use in result.uses)
        or is_used(generic.arguments[len(generic.inputs) + n])
    ]


def _rebuild(members: Sequence[Generic]) -> None:
    """Replace a cluster by one generic that has neither unused inputs nor unused results."""
    kept, last = _kept(members), members[-1]
    if not kept or (len(members) == 1 and not _has_unused_input(last)):
        return
    _connect(members)
    inputs = inputs_of(members)
    outputs = [(generic.outputs[n], generic.maps[len(generic.inputs) + n]) for generic, n in kept]
    with ir.InsertionPoint(last.op), ir.Location.fused([generic.op.location for generic in members]):
        fused = linalg.GenericOp(
            [value.type for value, _ in outputs],
            [value for value, _ in inputs],
            [value for value, _ in outputs],
            ir.ArrayAttr.get([ir.AffineMapAttr.get(map) for _, map in (*inputs, *outputs)]),
            last.op.iterator_types,
        )
    arguments = [*inputs.values(), *([generic.arguments[len(generic.inputs) + n]] for generic, n in kept)]
    _fill_body(fused, arguments, members, kept)
    for (generic, n), result in zip(kept, fused.results, strict=True):
        generic.op.results[n].replace_all_uses_with(result)
    for generic in reversed(members):
        generic.op.operation.erase()


def _has_unused_input(generic: Generic) -> bool:
    """Return whether an input can be left out."""
    read = inputs_of([generic])
    maps = [*(map for _, map in read), *generic.maps[len(generic.inputs) :]]
    return len(read) < len(generic.inputs) and covers_iteration(maps)


def _connect(members: Sequence[Generic]) -> None:
    """Let the bodies use the scalars that the bodies of other members make of the same iteration."""
    scalars = {result: (generic.end, n) for generic in members for n, result in enumerate(generic.op.results)}
    for generic in members:
        for value, argument in zip(generic.inputs, generic.arguments, strict=False):
            if value in scalars:
                end, n = scalars[value]
                argument.replace_all_uses_with(end.operands[n])


def _fill_body(
    fused: linalg.GenericOp,
    arguments: Sequence[Sequence[ir.Value]],
    members: Sequence[Generic],
    kept: Sequence[tuple[Generic, int]],
) -> None:
    """Move the bodies of the members into one, where each argument takes the place of several."""
    types = [ir.RankedTensorType(value.type).element_type for value in (*fused.inputs, *fused.outputs)]
    body = fused.regions[0].blocks.append(*types)
    for old, new in zip(arguments, body.arguments, strict=True):
        for argument in old:
            argument.replace_all_uses_with(new)
    yielded = [generic.end.operands[n] for generic, n in kept]
    for step in (step for generic in members for step in generic.steps):
        body.append(step)
    with ir.InsertionPoint(body), fused.location:
        linalg.YieldOp(yielded)
