"""Clusters: the elementwise generics of a block, partitioned into those that become one operation each.

A cluster knows what it reads and what others read of it, so that two are compared without looking at their operations;
and of the readers of a value only the last few are candidates. So finding the clusters takes linear time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

from mlir import ir

from catgrad.passes.partition import Partition
from catgrad.passes.views import Generic, covers_iteration, inputs_of, is_identity, is_read

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
    """Operand of a generic.

    Attributes:
        map: Where.
        maker: The generic that makes it, if one does.
        in_place: Whether it is read at the position of the iteration itself.
    """

    map: ir.AffineMap
    maker: int | None
    in_place: bool


_Use: TypeAlias = tuple[int, bool]
"""An operation that reads a result, and whether it is a generic that reads at the position of the iteration."""


class Clusters:
    """The dependences of a block, partitioned into clusters.

    Operation i is node 2i. What it makes for readers that read elsewhere than at the position of their own iteration
    passes through node 2i + 1, so that it never shares a cluster with them.

    Args:
        block: Its generics on tensors become clusters.
        max_operands: Tensors that a cluster may read and write.
        max_members: Generics that it may have.

    Attributes:
        ops: The operations.
        generics: Those that become clusters, by number.
    """

    def __init__(self, block: ir.Block, max_operands: int, max_members: int) -> None:
        self._most_operands, self._most_members = max_operands, max_members
        self.ops = list(block.operations)
        self._index = {op.operation: index for index, op in enumerate(self.ops)}
        maps: dict[ir.Attribute, list[ir.AffineMap]] = {}
        self.generics = {index: Generic.of(op, maps) for index, op in enumerate(self.ops) if is_read(op)}
        self._free = {index for index, generic in self.generics.items() if generic.is_parallel}
        self._reductions = [index for index in self.generics if index not in self._free]
        uses = [[[self._use(use) for use in result.uses] for result in op.results] for op in self.ops]
        self._partition = Partition(self._successors(uses))
        self._readers = {
            (index, number): frozenset(reader for reader, _ in of_result)
            for index in self.generics
            for number, of_result in enumerate(uses[index])
        }
        self._reads, self._read_by = self._all_reads()
        self._clusters = {index: self._single(index) for index in self.generics}

    def grow_reductions(self) -> None:
        """Merge each reduction with what makes its inputs, and theirs, and has no other reader."""
        for index in self._reductions:
            todo = list(self._makers(index))
            while todo and len(self._clusters[index].members) < self._most_members:
                maker = todo.pop()
                if maker in self._free and self._take(index, maker):
                    self._free.remove(maker)
                    todo += self._makers(maker)

    def join_neighbours(self) -> None:
        """Merge each other generic with its makers, then with the last readers of what the cluster reads in place."""
        readers: dict[int, list[int]] = {}
        for index in sorted(self._free):
            for maker in self._makers(index):
                self._join(index, maker)
            if self._waits(index):
                continue
            sources = [read for read in sorted(self._clusters[index].read) if self._reads[read].in_place]
            for other in [reader for read in sources for reader in reversed(readers.get(read, []))]:
                self._join(index, other)
            for read in sources:
                others = [i for i in readers.get(read, []) if self._clusters[i] is not self._clusters[index]]
                readers[read] = [*others[1 - _NEAR :], index]

    def _waits(self, index: int) -> bool:
        """Return whether a generic has one reader, which will take it: beside others, it would have to be stored."""
        readers = frozenset[int]().union(*(self._readers[result] for result in self._clusters[index].kept))
        return len(readers) == 1 and all(reader in self._free and index in self._makers(reader) for reader in readers)

    def order(self) -> list[list[int]]:
        """Return the numbers of the operations, by clusters, in an order that respects the dependences."""
        classes = ([node // 2 for node in nodes if node % 2 == 0] for nodes in self._partition.order())
        return [members for members in classes if members]

    def _successors(self, uses: Sequence[Sequence[Sequence[_Use]]]) -> list[set[int]]:
        """Return the edges, given the uses of each result of each operation."""
        successors: list[set[int]] = []
        for index, results in enumerate(uses):
            here = {2 * reader for result in results for reader, in_place in result if in_place}
            elsewhere = {2 * reader for result in results for reader, in_place in result if not in_place}
            successors += here | {2 * index + 1} if elsewhere else here, elsewhere
        effectful = [i for i, op in enumerate(self.ops) if not (op.results and op.operation.name.startswith(_PURE))]
        for before, after in pairwise(effectful):
            successors[2 * before].add(2 * after)
        return successors

    def _use(self, use: ir.OpOperand) -> _Use:
        """Return the operation of the block that a use is in, and whether that is a generic that reads in place."""
        op, number = use.owner.operation, use.operand_number
        if op in self._index:
            index = self._index[op]
            generic = self.generics.get(index)
            return index, generic is not None and number < len(generic.inputs) and is_identity(generic.maps[number])
        while op not in self._index:
            op = op.parent.operation
        return self._index[op], False

    def _all_reads(self) -> tuple[list[_Read], dict[int, list[int]]]:
        """Return what generics read, each tensor with an index map once, and the numbers of what each of them reads."""
        makers = {result: index for index, generic in self.generics.items() for result in generic.op.results}
        numbers: dict[tuple[ir.Value, ir.AffineMap], int] = {}
        read_by = {
            index: [numbers.setdefault(read, len(numbers)) for read in inputs_of([generic])]
            for index, generic in self.generics.items()
        }
        return [_Read(map, makers.get(value), is_identity(map)) for value, map in numbers], read_by

    def _single(self, index: int) -> _Cluster:
        """Return the cluster of one generic."""
        results = [(index, number) for number in range(len(self.generics[index].outputs))]
        kept = frozenset(result for result in results if self._readers[result])
        return _Cluster(frozenset([index]), frozenset(self._read_by[index]), kept)

    def _joined(self, a: _Cluster, b: _Cluster) -> _Cluster:
        members = a.members | b.members
        read = frozenset(each for each in a.read | b.read if self._reads[each].maker not in members)
        return _Cluster(
            members, read, frozenset(each for each in a.kept | b.kept if not self._readers[each] <= members)
        )

    def _join(self, a: int, b: int) -> None:
        """Merge the clusters of two generics if they are small enough to be one."""
        first, second = self._clusters[a], self._clusters[b]
        if first is not second and len(first.members) + len(second.members) <= self._most_members:
            joined = self._joined(first, second)
            if joined.operands <= self._most_operands:
                self._merge(a, b, joined)

    def _take(self, reduction: int, maker: int) -> bool:
        """Merge a generic with a reduction if it can be computed inside; return whether it was done."""
        cluster, generic = self._clusters[reduction], self.generics[reduction]
        if not all(self._readers[result] <= cluster.members for result in self._clusters[maker].kept):
            return False
        joined = self._joined(cluster, self._clusters[maker])
        maps = [*(self._reads[each].map for each in joined.read), *generic.maps[len(generic.inputs) :]]
        return covers_iteration(maps) and self._merge(reduction, maker, joined)

    def _merge(self, a: int, b: int, joined: _Cluster) -> bool:
        """Let the clusters of two generics be one if no path between them leaves them; return whether it was done."""
        if not self._partition.merge(2 * a, 2 * b):
            return False
        self._clusters.update(dict.fromkeys(joined.members, joined))
        return True

    def _makers(self, index: int) -> list[int]:
        """Return the free generics that make what a generic reads in place."""
        reads = [self._reads[each] for each in self._read_by[index]]
        return [read.maker for read in reads if read.in_place and read.maker in self._free]
