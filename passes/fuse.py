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

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from mlir import ir
from mlir.dialects import linalg

from catgrad.dialect.functions import functions
from catgrad.passes.base import Pass
from catgrad.passes.partition import Partition
from catgrad.passes.views import (
    body_of,
    covers_iteration,
    forward_views,
    generics,
    inline_splats,
    is_identity,
    is_parallel,
    maps_of,
    yields_of,
)

__all__ = ["FuseElementwise"]

_PURE = ("arith.", "linalg.", "math.", "tensor.")
"""Operations that may move among others: if they have results, they have no effects."""


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
    graph = _Graph(block)
    graph.grow_reductions(bounds)
    graph.join_neighbours(bounds)
    graph.rebuild()


class _Graph:
    """The dependences of a block, partitioned into clusters.

    Operation i is node 2i. What it makes for readers that read elsewhere than at the position of their own iteration
    passes through node 2i + 1, so that it never shares a cluster with them.
    """

    def __init__(self, block: ir.Block) -> None:
        self._ops = list(block.operations)
        self._index = {op.operation: index for index, op in enumerate(self._ops)}
        self._partition = Partition(self._successors())
        found = [self._index[op.operation] for op in generics(block)]
        self._free = {index for index in found if is_parallel(self._ops[index])}
        self._reductions = [index for index in found if index not in self._free]
        self._reads = {index: self._operands_read(index) for index in self._free}
        self._readers = {index: self._result_readers(index) for index in self._free}

    def grow_reductions(self, bounds: FuseElementwise) -> None:
        """Merge each reduction with what makes its inputs, and theirs, and has no other reader."""
        for index in self._reductions:
            cluster, todo = {index}, self._makers(index)
            while todo and len(cluster) < bounds.max_members:
                maker = todo.pop()
                if self._belongs(maker, cluster) and self._partition.merge(2 * index, 2 * maker):
                    cluster.add(maker)
                    self._free.remove(maker)
                    todo += self._makers(maker)

    def join_neighbours(self, bounds: FuseElementwise) -> None:
        """Merge each other generic with the makers, and with the earlier readers, of what it reads in place."""
        for index in sorted(self._free):
            for other in (*self._makers(index), *self._siblings(index)):
                cluster = self._cluster(index)
                joined = cluster | self._cluster(other)
                small = len(joined) <= bounds.max_members and self._operands(joined) <= bounds.max_operands
                if other not in cluster and small:
                    self._partition.merge(2 * index, 2 * other)

    def rebuild(self) -> None:
        """Replace each cluster by one generic, and put the operations of the block in an order that respects it."""
        *_, terminator = self._ops
        for nodes in self._partition.order():
            members = [self._ops[node // 2] for node in nodes if node % 2 == 0]
            for op in members:
                if op != terminator:
                    op.operation.move_before(terminator.operation)
            if members and all(isinstance(op, linalg.GenericOp) for op in members):
                _rebuild(members)

    def _successors(self) -> list[set[int]]:
        successors: list[set[int]] = []
        for index, op in enumerate(self._ops):
            uses = [(2 * self._reader(use), self._is_in_place(use)) for result in op.results for use in result.uses]
            successors.append({reader for reader, in_place in uses if in_place} | {2 * index + 1})
            successors.append({reader for reader, in_place in uses if not in_place})
        effectful = [i for i, op in enumerate(self._ops) if not (op.results and op.operation.name.startswith(_PURE))]
        for before, after in pairwise(effectful):
            successors[2 * before].add(2 * after)
        return successors

    def _is_in_place(self, use: ir.OpOperand) -> bool:
        """Return whether a use is a generic's reading at the position of the iteration itself."""
        op, number = use.owner, use.operand_number
        is_input = op.operation in self._index and isinstance(op, linalg.GenericOp) and number < len(op.inputs)
        return is_input and is_identity(maps_of(op)[number])

    def _reader(self, use: ir.OpOperand) -> int:
        """Return the operation of the block that a use is in."""
        op = use.owner.operation
        while op not in self._index:
            op = op.parent.operation
        return self._index[op]

    def _cluster(self, index: int) -> set[int]:
        return {node // 2 for node in self._partition.members(2 * index)}

    def _operands_read(self, index: int) -> set[tuple[ir.Value, ir.AffineMap]]:
        """Return what a generic reads, and where."""
        return set(_inputs([self._ops[index]]))

    def _result_readers(self, index: int) -> list[set[int]]:
        """Return, for each result of a generic, the operations that read it."""
        return [{self._reader(use) for use in result.uses} for result in self._ops[index].results]

    def _operands(self, cluster: set[int]) -> int:
        """Return how many tensors the generic of a cluster reads and writes."""
        made = {result for index in cluster for result in self._ops[index].results}
        read = {(value, map) for index in cluster for value, map in self._reads[index] if value not in made}
        return len(read) + sum(not readers <= cluster for index in cluster for readers in self._readers[index])

    def _belongs(self, maker: int, cluster: set[int]) -> bool:
        """Return whether a generic can be computed inside the reduction that `cluster` is."""
        readers = {self._reader(use) for result in self._ops[maker].results for use in result.uses}
        members = [self._ops[index] for index in sorted({maker, *cluster})]
        return maker in self._free and readers <= cluster and covers_iteration(_outer_maps(members))

    def _read_in_place(self, index: int) -> list[ir.Value]:
        op = self._ops[index]
        return [value for value, map in zip(op.inputs, maps_of(op), strict=False) if is_identity(map)]

    def _makers(self, index: int) -> list[int]:
        owners = [value.owner for value in self._read_in_place(index) if isinstance(value, ir.OpResult)]
        found = [self._index.get(owner.operation) for owner in owners]
        return [maker for maker in found if maker in self._free]

    def _siblings(self, index: int) -> Iterator[int]:
        for value in self._read_in_place(index):
            for use in value.uses:
                reader = self._reader(use)
                if reader < index and reader in self._free and self._is_in_place(use):
                    yield reader


# The generic of a cluster


def _inputs(members: Sequence[linalg.GenericOp]) -> dict[tuple[ir.Value, ir.AffineMap], list[ir.Value]]:
    """Return what a cluster reads from outside: for each tensor and index map, the body arguments it becomes."""
    made = {result for op in members for result in op.results}
    found: dict[tuple[ir.Value, ir.AffineMap], list[ir.Value]] = {}
    for op in members:
        for value, map, argument in zip(op.inputs, maps_of(op), body_of(op).arguments, strict=False):
            if value not in made and list(argument.uses):
                found.setdefault((value, map), []).append(argument)
    return found


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
    return [map for _, map in _inputs(members)] + maps_of(last)[-len(last.outputs) :]


def _rebuild(members: Sequence[linalg.GenericOp]) -> None:
    """Replace a cluster by one generic that has neither unused inputs nor unused results."""
    kept = _kept(members)
    if len(members) == 1 and not (kept and _has_unused_input(members[0])):
        return
    _connect(members)
    inputs = _inputs(members)
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
    return len(_inputs([op])) < len(op.inputs) and covers_iteration(_outer_maps([op]))


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
