"""Clusters: the elementwise generics of a block, partitioned into those that become one operation each.

A cluster knows what it reads and what others read of it, so that two are compared without looking at their operations;
and of the readers of a value only the last few are candidates. So finding the clusters takes linear time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from mlir import ir
from mlir.dialects import linalg

from catgrad.passes.partition import Partition
from catgrad.passes.views import covers_iteration, generics, inputs_of, is_identity, is_parallel, maps_of

__all__ = ["Clusters"]

_PURE = ("arith.", "linalg.", "math.", "tensor.")
"""Operations that may move among others: if they have results, they have no effects."""

_NEAR = 8
"""Clusters, of those that read a tensor last, that a further reader may join."""


@dataclass(frozen=True)
class _Cluster:
    """Generics that are to be one; all by their numbers.

    Attributes:
        members: The generics.
        read: What they read of others: tensors with index maps.
        kept: The results that others read, each as a member and a number.
    """

    members: frozenset[int]
    read: frozenset[int]
    kept: frozenset[tuple[int, int]]

    @property
    def operands(self) -> int:
        """The number of tensors that its generic reads and writes."""
        return len(self.read) + len(self.kept)


@dataclass(frozen=True)
class _Read:
    """What a generic reads.

    Attributes:
        map: Where.
        maker: The generic that makes it, if one does.
        in_place: Whether it is read at the position of the iteration itself.
    """

    map: ir.AffineMap
    maker: int | None
    in_place: bool


class Clusters:
    """The dependences of a block, partitioned into clusters.

    Operation i is node 2i. What it makes for readers that read elsewhere than at the position of their own iteration
    passes through node 2i + 1, so that it never shares a cluster with them.

    Args:
        block: Its generics on tensors become clusters.
        max_operands: Tensors that a cluster may read and write.
        max_members: Generics that it may have.
    """

    def __init__(self, block: ir.Block, max_operands: int, max_members: int) -> None:
        self._most_operands, self._most_members = max_operands, max_members
        self._ops = list(block.operations)
        self._index = {op.operation: index for index, op in enumerate(self._ops)}
        self._partition = Partition(self._successors())
        found = [self._index[op.operation] for op in generics(block)]
        self._free = {index for index in found if is_parallel(self._ops[index])}
        self._reductions = [index for index in found if index not in self._free]
        self._readers = {
            (index, number): frozenset(self._reader(use) for use in result.uses)
            for index in found
            for number, result in enumerate(self._ops[index].results)
        }
        self._reads, self._read_by = self._all_reads(found)
        self._clusters = {index: self._single(index) for index in found}

    def grow_reductions(self) -> None:
        """Merge each reduction with what makes its inputs, and theirs, and has no other reader."""
        for index in self._reductions:
            todo = list(self._makers(index))
            while todo and len(self._clusters[index].members) < self._most_members:
                maker = todo.pop()
                if maker in self._free and self._belongs(maker, index) and self._merge(index, maker):
                    self._free.remove(maker)
                    todo += self._makers(maker)

    def join_neighbours(self) -> None:
        """Merge each other generic with its makers, then with the last readers of what the cluster reads in place."""
        readers: dict[int, list[int]] = {}
        for index in sorted(self._free):
            for maker in self._makers(index):
                if self._is_wanted(self._clusters[index], self._clusters[maker]):
                    self._merge(index, maker)
            if self._waits(index):
                continue
            sources = [read for read in sorted(self._clusters[index].read) if self._reads[read].in_place]
            for other in [reader for read in sources for reader in reversed(readers.get(read, []))]:
                if self._is_wanted(self._clusters[index], self._clusters[other]):
                    self._merge(index, other)
            for read in sources:
                others = [i for i in readers.get(read, []) if self._clusters[i] is not self._clusters[index]]
                readers[read] = [*others[1 - _NEAR :], index]

    def _waits(self, index: int) -> bool:
        """Return whether a generic has one reader, which will take it: beside others, it would have to be stored."""
        readers = frozenset[int]().union(*(self._readers[result] for result in self._clusters[index].kept))
        return len(readers) == 1 and all(reader in self._free and index in self._makers(reader) for reader in readers)

    def order(self) -> Iterator[list[ir.OpView]]:
        """Yield the operations of each cluster, and each other one, in an order that respects the dependences."""
        for nodes in self._partition.order():
            members = [self._ops[node // 2] for node in nodes if node % 2 == 0]
            if members:
                yield members

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
        return is_input and is_identity(op.indexing_maps[number].value)

    def _reader(self, use: ir.OpOperand) -> int:
        """Return the operation of the block that a use is in."""
        op = use.owner.operation
        while op not in self._index:
            op = op.parent.operation
        return self._index[op]

    def _all_reads(self, found: Sequence[int]) -> tuple[list[_Read], dict[int, list[int]]]:
        """Return what generics read, each tensor with an index map once, and the numbers of what each of them reads."""
        makers = {result: index for index in found for result in self._ops[index].results}
        numbers: dict[tuple[ir.Value, ir.AffineMap], int] = {}
        read_by = {
            index: [numbers.setdefault(read, len(numbers)) for read in inputs_of([self._ops[index]])] for index in found
        }
        return [_Read(map, makers.get(value), is_identity(map)) for value, map in numbers], read_by

    def _single(self, index: int) -> _Cluster:
        """Return the cluster of one generic."""
        results = [(index, number) for number in range(len(self._ops[index].results))]
        kept = frozenset(result for result in results if self._readers[result])
        return _Cluster(frozenset([index]), frozenset(self._read_by[index]), kept)

    def _joined(self, a: _Cluster, b: _Cluster) -> _Cluster:
        members = a.members | b.members
        read = frozenset(each for each in a.read | b.read if self._reads[each].maker not in members)
        return _Cluster(
            members, read, frozenset(each for each in a.kept | b.kept if not self._readers[each] <= members)
        )

    def _is_wanted(self, a: _Cluster, b: _Cluster) -> bool:
        """Return whether two clusters are small enough to be one."""
        if a is b or len(a.members) + len(b.members) > self._most_members:
            return False
        return self._joined(a, b).operands <= self._most_operands

    def _belongs(self, maker: int, reduction: int) -> bool:
        """Return whether a generic can be computed inside a reduction."""
        cluster, op = self._clusters[reduction], self._ops[reduction]
        if not all(self._readers[result] <= cluster.members for result in self._clusters[maker].kept):
            return False
        read = self._joined(cluster, self._clusters[maker]).read
        return covers_iteration([*(self._reads[each].map for each in read), *maps_of(op)[-len(op.outputs) :]])

    def _merge(self, a: int, b: int) -> bool:
        """Merge the clusters of two generics if no path between them leaves them; return whether it was done."""
        if not self._partition.merge(2 * a, 2 * b):
            return False
        joined = self._joined(self._clusters[a], self._clusters[b])
        self._clusters.update(dict.fromkeys(joined.members, joined))
        return True

    def _makers(self, index: int) -> list[int]:
        """Return the free generics that make what a generic reads in place."""
        reads = [self._reads[each] for each in self._read_by[index]]
        return [read.maker for read in reads if read.in_place and read.maker in self._free]
