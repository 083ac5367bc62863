"""The values of a run: its buffers in single-assignment form.

What an operation reads is what the last one before it wrote, or memory if there is none; so a buffer that is updated in
place has several values, and one that is private to the run is never read from memory.

Reference: Cytron et al., "Efficiently computing static single assignment form" (1991).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mlir import ir

from catgrad.cached import cached_property
from catgrad.passes.gpu.folds import Fold, fold_of
from catgrad.passes.gpu.generic import Generic
from catgrad.passes.kernels.emit import Index
from catgrad.passes.kernels.view import is_whole
from catgrad.passes.runs import Run

__all__ = ["Result", "Values"]

Result = tuple[int, int]
"""A value that a run makes: the number of the operation, and of its result."""


@dataclass(frozen=True)
class Values:
    """Values of a run, in SSA form.

    Attributes:
        run: The run; all its operations are generics.
    """

    run: Run

    @cached_property
    def generics(self) -> list[Generic]:
        """The operations."""
        return [Generic(step.op) for step in self.run.steps]

    @cached_property
    def folds(self) -> dict[int, Fold | None]:
        """Combiner of each operation that folds, by its number; None where that needs an order."""
        return {i: fold_of(self.generics[i]) for i, step in enumerate(self.run.steps) if step.folded}

    @cached_property
    def sources(self) -> list[list[Result | None]]:
        """For each operand of each operation, the value that it is, or None if it is in memory or not read."""
        current: dict[ir.Value, Result] = {}
        found = []
        for i, step in enumerate(self.run.steps):
            found.append([None if access is None else current.get(access.root) for access in step.accesses])
            current.update((access.root, (i, result)) for result, access in enumerate(step.writes))
        return found

    @cached_property
    def outputs(self) -> list[Result]:
        """The values that stay in memory."""
        private = set(self.run.private())
        last = {
            access.root: (i, result)
            for i, step in enumerate(self.run.steps)
            for result, access in enumerate(step.writes)
        }
        return [result for root, result in last.items() if root not in private]

    @cached_property
    def levels(self) -> list[int]:
        """Depth in folds: how many, one after the other, each operation has to wait for, itself included."""
        found: list[int] = []
        for i, step in enumerate(self.run.steps):
            before = [found[source[0]] for o, source in enumerate(self.sources[i]) if source and self.is_read(i, o)]
            found.append(max(before, default=0) + (1 if step.folded else 0))
        return found

    @cached_property
    def row_extents(self) -> list[Index]:
        """The extent of each row class; emitted where it is first asked for."""
        return self._extents(self.run.rows)

    @cached_property
    def inner_extents(self) -> list[Index]:
        """The extent of each inner class, likewise."""
        return self._extents(self.run.inner)

    def _extents(self, classes: Sequence[Sequence[int]]) -> list[Index]:
        known = [[generic.extents[axis] for axis in axes] for generic, axes in zip(self.generics, classes, strict=True)]
        return [
            min(each, key=lambda extent: not isinstance(extent, int)) for each in zip(*filter(None, known), strict=True)
        ]

    @cached_property
    def elements(self) -> list[Result]:
        """Those values that stay in memory that have several elements for each row."""
        return [(i, result) for i, result in self.outputs if self.run.inner[i] and not self.run.steps[i].folded]

    @cached_property
    def stores(self) -> list[list[Result]]:
        """Those of them that are written after so many folds: when they are known, or last if they replace an input."""
        steps, last = self.run.steps, max(self.levels)
        read = {each.root for i, operand in self.reads() if (each := steps[i].accesses[operand]) is not None}
        found: list[list[Result]] = [[] for _ in range(last + 1)]
        for i, result in self.elements:
            found[last if steps[i].writes[result].root in read else self.levels[i]].append((i, result))
        return found

    @property
    def sweeps(self) -> int:
        """Number of sweeps: how often all elements of a row are needed, one time after the other."""
        return max(self.levels) + bool(self.stores[-1])

    def is_read(self, i: int, operand: int) -> bool:
        """Return whether operation `i` reads an operand."""
        step = self.run.steps[i]
        return operand < step.inputs or step.starts_from(operand)

    def reads(self) -> Iterator[tuple[int, int]]:
        """Yield what is read from memory: operations, and the numbers of their operands."""
        for i, step in enumerate(self.run.steps):
            for operand, access in enumerate(step.accesses):
                if access is not None and self.sources[i][operand] is None and self.is_read(i, operand):
                    yield i, operand

    def in_memory(self) -> list[tuple[int, int]]:
        """Return all operands that are read from memory, or written to it."""
        return [*self.reads(), *((i, self.run.steps[i].inputs + result) for i, result in self.outputs)]

    def is_inner(self, i: int, operand: int) -> bool:
        """Return whether an operand has more than one element for each row."""
        return any(axis in self.run.inner[i] for axis in self.generics[i].maps[operand])

    def is_wide(self, i: int, operand: int) -> bool:
        """Return whether neighbours along the last inner axis are neighbours in memory."""
        followed, inner = self.generics[i].maps[operand], self.run.inner[i]
        return bool(followed and inner) and followed[-1] == inner[-1] and is_whole(self.buffer(i, operand))

    def key(self, i: int, operand: int) -> object:
        """Return what is equal for operands that are the same element of the same buffer."""
        classes = {axis: number for number, axis in enumerate((*self.run.rows[i], *self.run.inner[i]))}
        return self.buffer(i, operand), tuple(
            axis if axis is None else classes.get(axis) for axis in self.generics[i].maps[operand]
        )

    def element(self, i: int, operand: int) -> ir.Type:
        """Return the type of an operand's elements."""
        return ir.MemRefType(self.buffer(i, operand).type).element_type

    def buffer(self, i: int, operand: int) -> ir.Value:
        """Return an operand."""
        return self.run.steps[i].op.operands[operand]

    def position(self, i: int, rows: Sequence[Index], inner: Sequence[Index]) -> list[Index]:
        """Return a place in the iteration of operation `i`."""
        found: list[Index] = [0] * len(self.run.steps[i].extents)
        for axes, places in ((self.run.rows[i], rows), (self.run.inner[i], inner)):
            for axis, place in zip(axes, places, strict=False):
                found[axis] = place
        return found
