"""A contraction C += A · B in normal form: neighbouring indices merged, roles of the indices known.

Each dimension of the iteration space has one role (Goto and van de Geijn's letters in brackets):

    batch    in A, B and C
    rows     in A and C      [m]
    columns  in B and C      [n]
    depth    in A and B      [k], summed: if there are several, in row-major order
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, permutations
from math import prod

from mlir import ir
from mlir.dialects import memref

from catgrad.passes.kernels.emit import Index, extent
from catgrad.passes.kernels.view import View, is_whole

__all__ = ["NONE", "Problem", "collapse", "collapsed", "extents_of", "groups_of", "read"]

NONE = -1
"""A dimension that no operand has; its extent is 1."""


@dataclass(frozen=True)
class Problem:
    """One contraction over memrefs.

    Attributes:
        a: The operand whose free dimensions are the rows.
        b: The operand whose free dimensions are the columns.
        c: What is added to.
        extents: The extent of each dimension.
    """

    a: View
    b: View
    c: View
    extents: Mapping[int, Index]

    def _in(self, *, a: bool, b: bool, c: bool) -> tuple[int, ...]:
        """Return the dimensions that some operands have and the others have not, in order."""
        wanted = a, b, c
        views = self.a, self.b, self.c
        return tuple(dim for dim in self.extents if tuple(dim in view.axes for view in views) == wanted)

    @property
    def batch(self) -> tuple[int, ...]:
        """The dimensions of A, B and C."""
        return self._in(a=True, b=True, c=True)

    @property
    def rows(self) -> tuple[int, ...]:
        """The dimensions of A and C."""
        return self._in(a=True, b=False, c=True)

    @property
    def columns(self) -> tuple[int, ...]:
        """The dimensions of B and C."""
        return self._in(a=False, b=True, c=True)

    @property
    def depth(self) -> tuple[int, ...]:
        """The dimensions of A and B."""
        return self._in(a=True, b=True, c=False)

    @property
    def empty(self) -> bool:
        """Whether some extent is known to be 0: there is nothing to add."""
        return 0 in [size for size in self.extents.values() if isinstance(size, int)]

    def extent(self, dim: int) -> Index:
        """Return the extent of `dim`; that of `NONE` is 1."""
        return self.extents.get(dim, 1)

    def moved(self, offsets: Mapping[int, Index]) -> Problem:
        """Return the part of the problem that begins at `offsets`."""
        return replace(self, a=self.a.moved(offsets), b=self.b.moved(offsets), c=self.c.moved(offsets))

    def oriented(self) -> Problem:
        """Return the problem with A and B exchanged if that makes the last axis of C a column."""
        last = self.c.axes[-1] if self.c.axes else NONE
        return replace(self, a=self.b, b=self.a) if last in self.rows else self


def read(op: ir.Operation) -> Problem:
    """Return the problem that a `linalg.contract` on memrefs states; emits the collapsed views it needs."""
    maps = [
        [ir.AffineDimExpr(result).position for result in attr.value.results] for attr in op.attributes["indexing_maps"]
    ]
    depth = sorted({dim for axes in maps for dim in axes} - set(maps[-1]))
    groups = groups_of(op.operands, maps, [depth])
    a, b, c = (collapsed(buffer, axes, groups) for buffer, axes in zip(op.operands, maps, strict=True))
    return Problem(a, b, c, extents_of([a, b, c]))


def extents_of(views: Sequence[View]) -> dict[int, Index]:
    """Return the extent of each dimension that some view follows, in order."""
    found = {dim: extent(view.buffer, axis) for view in views for axis, dim in enumerate(view.axes) if dim != NONE}
    return dict(sorted(found.items()))


def groups_of(
    buffers: Sequence[ir.Value], maps: Sequence[Sequence[int]], ordered: Sequence[Sequence[int]]
) -> list[list[int]]:
    """Return the dimensions of extent ≠ 1, those that are neighbours in every operand merged into one group.

    Args:
        buffers: The operands.
        maps: The dimension that each axis of each operand follows, or `NONE`.
        ordered: Dimensions whose order has a meaning: they are merged with those behind them only.
    """
    extents = _static_extents(buffers, maps)
    slim = [[dim for dim in axes if extents[dim] != 1] for axes in maps]
    chains = [[dim for dim in chain if extents[dim] != 1] for chain in ordered]
    whole = [is_whole(buffer) for buffer in buffers]
    groups = [[dim] for dim in sorted({dim for axes in slim for dim in axes})]
    while pair := _mergeable(groups, slim, chains, whole):
        first, second = pair
        first += second
        groups.remove(second)
    return groups


def _static_extents(buffers: Sequence[ir.Value], maps: Sequence[Sequence[int]]) -> dict[int, int]:
    """Return the static extent of each dimension, or a negative number where no operand knows it; `NONE` has 1."""
    extents: dict[int, int] = {}
    for buffer, axes in zip(buffers, maps, strict=True):
        kind = ir.MemRefType(buffer.type)
        for axis, dim in enumerate(axes):
            known = NONE if kind.is_dynamic_dim(axis) else kind.shape[axis]
            extents[dim] = max(known, extents.get(dim, NONE))
    return {**extents, NONE: 1}


def _mergeable(
    groups: list[list[int]], maps: Sequence[Sequence[int]], chains: Sequence[Sequence[int]], whole: Sequence[bool]
) -> tuple[list[int], list[int]] | None:
    """Return the first two groups that can be merged, if there are such."""
    for first, second in permutations(groups, 2):
        p, q = first[-1], second[0]
        touched = [(axes, is_whole) for axes, is_whole in zip(maps, whole, strict=True) if p in axes or q in axes]
        chained = [chain for chain in chains if p in chain or q in chain]
        if all(is_whole and (p, q) in pairwise(axes) for axes, is_whole in touched) and all(
            (p, q) in pairwise(chain) for chain in chained
        ):
            return first, second
    return None


def collapsed(buffer: ir.Value, axes: Sequence[int], groups: Sequence[Sequence[int]]) -> View:
    """Return a view of `buffer` with one axis a group, named by the first dimension of the group."""
    if not is_whole(buffer):
        return View(buffer, tuple(axes))
    name = {dim: group[0] for group in groups for dim in group}
    parts: list[list[int]] = []
    names: list[int] = []
    leading: list[int] = []
    for axis, dim in enumerate(axes):
        if dim not in name:
            (parts[-1] if parts else leading).append(axis)
        elif names and names[-1] == name[dim]:
            parts[-1].append(axis)
        else:
            parts.append([*leading, axis])
            names.append(name[dim])
            leading = []
    return View(collapse(buffer, parts), tuple(names))


def collapse(buffer: ir.Value, parts: list[list[int]]) -> ir.Value:
    """Return `buffer` with the axes of each part made one."""
    kind = ir.MemRefType(buffer.type)
    if len(parts) == kind.rank:
        return buffer
    dynamic = ir.ShapedType.get_dynamic_size()
    sizes = [[kind.shape[axis] for axis in part] for part in parts]
    shape = [dynamic if any(size < 0 for size in part) else prod(part) for part in sizes]
    return memref.collapse_shape(ir.MemRefType.get(shape, kind.element_type), buffer, parts)
