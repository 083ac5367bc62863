"""Runs: operations on buffers that one kernel can do row by row.

Give the axes of the operations *classes*: an axis of an operation and the axis of a buffer that it follows have one
class. The **rows** of several operations are the classes that all of them have and none of them folds; the others are
*inner*. The operations are a run if

* each is over the rows alone or over the rows and all inner classes, and folds all of these or none;
* what one of them writes is touched by all at the same place of the rows, and inside of them either at the same place
  or at one for the whole row. So nothing that belongs to one row is seen from another one.

Then all operations on a row may be done before those on the next one, and a buffer that nobody else uses needs no
memory. The softmax of a matrix, its gradient, a layer's normalisation and any elementwise chain are runs.

Runs partition a block such that the quotient of its dependence graph stays acyclic (`passes/partition.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from mlir import ir

from catgrad.passes.accesses import Access, Step, is_known, is_local, root_of
from catgrad.passes.dependences import effects, successors_of
from catgrad.passes.partition import Partition

__all__ = ["Run", "find_runs"]

_MOST = 48
"""Operations that a run may have; a longer one gains nothing more."""

_NEAR = 16
"""Operations, of those that touched a buffer last, that a further one may join."""


@dataclass(frozen=True)
class Run:
    """Operations of one block that can be done row by row.

    Attributes:
        steps: The operations, in order.
        rows: For each of them, the axis of its iteration that is each row class.
        inner: For each of them, the axis that is each inner class; empty for those over the rows alone.
    """

    steps: tuple[Step, ...]
    rows: tuple[tuple[int, ...], ...]
    inner: tuple[tuple[int, ...], ...]

    @staticmethod
    def of(steps: Sequence[Step]) -> Run | None:
        """Return some operations as a run, or None if they are none; one alone is, if its body reads other buffers."""
        if len(steps) > 1 and any(step.captured for step in steps):
            return None
        classes = _classes(steps)
        if classes is None:
            return None
        rows = {each for each in classes[0].values() if all(each in free for free in _free(steps, classes))}
        inner = {each for own in classes for each in own.values()} - rows
        is_run = all(_is_step(step, own, rows, inner) for step, own in zip(steps, classes, strict=True))
        if len(steps) > 1 and not (is_run and all(_is_apart(each, rows, inner) for each in _written(steps, classes))):
            return None
        return Run(tuple(steps), *(_axes(classes, kind) for kind in (rows, inner)))

    def private(self) -> list[ir.Value]:
        """Return the buffers that are allocated in the run's block and used by its operations alone."""
        members = {step.op for step in self.steps}
        block = self.steps[0].op.block
        written = dict.fromkeys(access.root for step in self.steps for access in step.writes)
        return [root for root in written if is_local(root, block) and _users(root) <= members]

    def extents(self, axes: Sequence[Sequence[int]]) -> list[int]:
        """Return the extent of each class, negative if no type tells it.

        Args:
            axes: `self.rows` or `self.inner`.
        """
        known = [[step.extents[axis] for axis in own] for step, own in zip(self.steps, axes, strict=True)]
        return [max(each) for each in zip(*filter(None, known), strict=True)]


def find_runs(block: ir.Block, is_wanted: Callable[[Run], bool]) -> list[Run]:
    """Partition the operations of a block into runs, and put those of each side by side.

    Args:
        block: The block; its operations are moved, each run to where its last operation is.
        is_wanted: Whether operations that can be one run, several of them, should be one.

    Returns:
        The runs, in order. An operation that shares its run with no other is one by itself if it is a step.
    """
    graph = _Graph(block)
    graph.join(is_wanted)
    return graph.sort()


# What is a run


_Classes = Sequence[dict[int, int]]
"""For each operation, the class of each axis of its iteration."""

_Names = dict[tuple[int, int], tuple[int, int]]
"""For each axis, given as the number of its operation and its own, the least one of its class."""


def _classes(steps: Sequence[Step]) -> _Classes | None:
    """Return the classes of the axes, or None if two axes of one operation would have the same.

    What is only read may be read at different places; it tells nothing then. Nor need axes of equal extent have
    different classes.
    """
    names = {(number, axis): (number, axis) for number, step in enumerate(steps) for axis in step.axes}
    written = {access.root for step in steps for access in step.writes}
    touched = _touched(steps)
    if len(steps) > 1 and not all(map(is_known, touched)):
        return None
    for root in sorted(touched, key=lambda root: root not in written):
        merged = _merged(names, [[(i, axis) for axis in access.axes or ()] for i, access in touched[root]])
        if merged is None and root in written:
            return None
        names = merged or names
    for axes in _of_one_extent(steps):
        names = _merged(names, [[axis] for axis in axes]) or names
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names.values()))}
    return [{axis: numbers[names[number, axis]] for axis in sorted(step.axes)} for number, step in enumerate(steps)]


def _merged(names: _Names, followers: Sequence[Sequence[tuple[int, int | None]]]) -> _Names | None:
    """Return the classes after those of axes at equal positions became one, or None if that cannot be."""
    new = dict(names)
    for axes in zip(*followers, strict=False):
        same = {new[number, axis] for number, axis in axes if axis is not None}
        new = {each: min(same) if name in same else name for each, name in new.items()}
    distinct = {(number, name) for (number, _), name in new.items()}
    return new if len(distinct) == len(new) else None


def _of_one_extent(steps: Sequence[Step]) -> Iterable[list[tuple[int, int]]]:
    """Return the axes of each extent that is known."""
    found: dict[int, list[tuple[int, int]]] = {}
    for number, step in enumerate(steps):
        for axis in sorted(step.axes):
            found.setdefault(step.extents[axis], []).append((number, axis))
    return [axes for extent, axes in found.items() if extent >= 0]


def _touched(steps: Sequence[Step]) -> dict[ir.Value, list[tuple[int, Access]]]:
    """Return for each buffer the numbers of the operations that touch it, and where."""
    found: dict[ir.Value, list[tuple[int, Access]]] = {}
    for number, step in enumerate(steps):
        for access in _all(step):
            found.setdefault(access.root, []).append((number, access))
    return found


def _free(steps: Sequence[Step], classes: _Classes) -> Iterator[set[int]]:
    """Yield the classes that each operation does not fold."""
    for step, own in zip(steps, classes, strict=True):
        yield {each for axis, each in own.items() if axis not in step.folded}


def _is_step(step: Step, own: dict[int, int], rows: set[int], inner: set[int]) -> bool:
    """Return whether an operation is over the rows, or over them and all that is inner, which it folds or does not."""
    folded = {own[axis] for axis in step.folded}
    return set(own.values()) in (rows, rows | inner) and folded in (set(), inner)


def _written(steps: Sequence[Step], classes: _Classes) -> Iterator[list[list[int | None] | None]]:
    """Yield for each buffer that is written the classes along its axes wherever it is touched; None if unknown."""
    written = {access.root for step in steps for access in step.writes}
    for root, accesses in _touched(steps).items():
        if root in written:
            yield [
                None if access.axes is None else [None if axis is None else classes[i][axis] for axis in access.axes]
                for i, access in accesses
            ]


def _is_apart(touched: Sequence[Sequence[int | None] | None], rows: set[int], inner: set[int]) -> bool:
    """Return whether each row has its own part of a buffer, with one element or one for each inner place."""
    places = [None if place is None else tuple(place) for place in touched]
    first = places[0]
    is_one_place = first is not None and all(place == first for place in places) and len(set(first)) == len(first)
    return is_one_place and set(first or ()) in (rows, rows | inner)


def _axes(classes: _Classes, kind: set[int]) -> tuple[tuple[int, ...], ...]:
    """Return for each operation its axes of some classes, in the order of the first operation that has all of these."""
    order = next((list(own.values()) for own in classes if kind <= set(own.values())), [])
    wanted = [each for each in order if each in kind]
    axis_of = [{each: axis for axis, each in own.items()} for own in classes]
    return tuple(tuple(own[each] for each in wanted if each in own) for own in axis_of)


def _all(step: Step) -> Iterator[Access]:
    yield from (access for access in step.accesses if access is not None)


def _users(root: ir.Value) -> set[ir.Operation]:
    """Return the operations that use the elements of a buffer."""
    found: set[ir.Operation] = set()
    todo = [root]
    while todo:
        buffer = todo.pop()
        for use in buffer.uses:
            op = use.owner.operation
            if op.results and root_of(op.results[0])[0] == root:
                todo.append(op.results[0])
            elif op.name not in ("memref.dim", "memref.dealloc"):
                found.add(op)
    return found


# Which operations of a block


class _Graph:
    """The dependences of a block, partitioned into runs."""

    def __init__(self, block: ir.Block) -> None:
        self._ops = [view.operation for view in block.operations]
        self._steps = {i: step for i, op in enumerate(self._ops) if (step := Step.of(op)) is not None}
        self._partition = Partition(successors_of(self._ops, self._steps))

    def join(self, is_wanted: Callable[[Run], bool]) -> None:
        """Merge the runs of operations of which one writes what the other one touches, or both read an array.

        A later operation may show that axes of earlier ones have one class, so this goes on until nothing changes.
        """
        pairs = list(self._neighbours())
        while any([self._merge(a, b, is_wanted) for a, b in pairs]):
            pass

    def _neighbours(self) -> Iterator[tuple[int, int]]:
        """Yield the pairs of operations that may be one run because of a buffer, the later one last."""
        touching: dict[ir.Value, list[tuple[int, bool]]] = {}
        for index, step in self._steps.items():
            for root, is_written in effects(step):
                is_array = ir.MemRefType(root.type).rank > 0
                before = touching.setdefault(root, [])
                for other, wrote in reversed(before[-_NEAR:]):
                    if other != index and (is_array or is_written or wrote):
                        yield other, index
                before.append((index, is_written))

    def sort(self) -> list[Run]:
        """Put the operations of the block in an order in which runs are side by side; return the runs."""
        *_, terminator = self._ops
        found = []
        for nodes in self._partition.order():
            for node in nodes:
                if self._ops[node] != terminator:
                    self._ops[node].move_before(terminator)
            run = Run.of([self._steps[node] for node in nodes]) if nodes[0] in self._steps else None
            found += [] if run is None else [run]
        return found

    def _merge(self, a: int, b: int, is_wanted: Callable[[Run], bool]) -> bool:
        """Merge the runs of two operations if that is possible and wanted; return whether it was done."""
        members = sorted({*self._partition.members(a), *self._partition.members(b)})
        if b in self._partition.members(a) or len(members) > _MOST:
            return False
        run = Run.of([self._steps[node] for node in members])
        return run is not None and is_wanted(run) and self._partition.merge(a, b)
