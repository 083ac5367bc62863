"""The terms that a `linalg.generic` on memrefs folds, and the roles of its dimensions.

    parallel   the result has it
    inner      folded, and no parallel dimension comes after it: the terms of a row
    outer      folded, before some parallel dimension

Roles follow from the order of the dimensions alone, not from how buffers lie in memory, so that the order in which
terms are added does not either.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mlir import ir

from catgrad.cached import cached_property
from catgrad.passes.kernels.emit import Index, splat, value, vector_of
from catgrad.passes.kernels.problem import NONE, collapsed, extents_of, groups_of
from catgrad.passes.kernels.view import View

__all__ = ["ROUNDED", "Terms"]

_KINDS = {
    "arith.addf": ("add", 0.0),
    "arith.mulf": ("mul", 1.0),
    "arith.maximumf": ("maximumf", float("-inf")),
    "arith.minimumf": ("minimumf", float("inf")),
}
"""The combining operations: what ∘ is called, and its neutral element."""
ROUNDED = frozenset({"add", "mul"})
"""Those whose results depend on the order."""

_LANEWISE_MATH = frozenset({"absf", "ceil", "copysign", "floor", "fma", "rint", "roundeven", "sqrt", "trunc"})
"""The operations of `math` that processors have on vectors."""


@dataclass(frozen=True)
class Terms:
    """A fold of one term for each place of an iteration into one result for each place of the parallel dimensions.

    Attributes:
        body: Computes a term from an element of each input, and combines it with what was folded so far.
        inputs: What is read; an axis that follows no dimension is read at position 0.
        output: What is folded into.
        roles: For each dimension of more than one element, in order, "parallel", "inner" or "outer".
        extents: The extent of each of them.
    """

    body: ir.Block
    inputs: Sequence[View]
    output: View
    roles: Mapping[int, str]
    extents: Mapping[int, Index]

    @staticmethod
    def read(op: ir.Operation) -> Terms | None:
        """Return what `op` folds; None if it is no fold into one result by an operation that needs no order.

        Emits collapsed views of the buffers, so that dimensions that are neighbours everywhere are one.
        """
        if not _is_fold(op):
            return None
        maps = [[_dim(result) for result in attr.value.results] for attr in op.attributes["indexing_maps"]]
        roles = _roles([str(kind) for kind in op.attributes["iterator_types"]])
        body = op.regions[0].blocks[0]
        reads_position = any(step.operation.name == "linalg.index" for step in body.operations)
        ordered = [[dim] for dim in roles] if reads_position else [_with(roles, role) for role in ("outer", "inner")]
        groups = groups_of(op.operands, maps, ordered)
        *inputs, output = (collapsed(buffer, axes, groups) for buffer, axes in zip(op.operands, maps, strict=True))
        sizes = extents_of([*inputs, output])
        extents = {group[0]: sizes[group[0]] for group in sorted(groups)}
        return Terms(body, inputs, output, {dim: roles[dim] for dim in extents}, extents)

    def dims(self, role: str) -> tuple[int, ...]:
        """Return the dimensions of a role, in order."""
        return _with(self.roles, role)

    def sizes(self, role: str) -> list[Index]:
        """Return their extents."""
        return [self.extents[dim] for dim in self.dims(role)]

    @cached_property
    def steps(self) -> list[ir.Operation]:
        """The operations that compute a term."""
        return [op.operation for op in self.body.operations][:-2]

    @property
    def _combining(self) -> ir.Operation:
        return [op.operation for op in self.body.operations][-2]

    @property
    def kind(self) -> str:
        """Name of the combining operation ∘."""
        return _KINDS[self._combining.name][0]

    @property
    def is_rounded(self) -> bool:
        """Whether the results of ∘ depend on the order."""
        return self.kind in ROUNDED

    @property
    def neutral(self) -> float:
        """Neutral element of ∘."""
        return _KINDS[self._combining.name][1]

    @property
    def is_lanewise(self) -> bool:
        """Whether a term is computed by operations that act alike on the lanes of vectors."""
        return all(_is_lanewise(step) for step in self.steps)

    def scalar(self, place: Mapping[int, Index]) -> ir.Value:
        """Emit the term at a place."""
        known = {x: view.load(place) for x, view in self._arguments()}
        for op in self.steps:
            if op.name == "linalg.index":
                known[op.result] = value(place.get(ir.IntegerAttr(op.attributes["dim"]).value, 0))
                continue
            copy = op.clone()
            for i, operand in enumerate(op.operands):
                copy.operands[i] = known.get(operand, operand)
            known.update(zip(op.results, copy.results, strict=True))
        return known.get(self._term, self._term)

    def vector(self, place: Mapping[int, Index], inner: int, lanes: int, mask: ir.Value | None) -> ir.Value:
        """Emit the terms at a place and behind it along `inner`; where the mask says no, they may be anything."""
        known: dict[ir.Value, ir.Value] = {}
        for x, view in self._arguments():
            varies = inner in view.axes
            known[x] = view.load_vector(lanes, place, mask) if varies else splat(view.load(place), lanes)
        for op in self.steps:
            known[op.result] = _on_lanes(op, known, lanes)
        return known[self._term] if self._term in known else splat(self._term, lanes)

    @property
    def _term(self) -> ir.Value:
        """The term that is combined with the result so far."""
        return next(x for x in self._combining.operands if x != self.body.arguments[-1])

    def _arguments(self) -> list[tuple[ir.Value, View]]:
        """Return the arguments that terms depend on, and what they are read from."""
        pairs = zip(self.body.arguments, self.inputs, strict=False)
        return [(x, view) for x, view in pairs if list(x.uses)]


def _is_fold(op: ir.Operation) -> bool:
    inputs, outputs = op.attributes["operandSegmentSizes"]
    names = [str(kind) for kind in op.attributes["iterator_types"]]
    maps = [attr.value for attr in op.attributes["indexing_maps"]]
    steps = [step.operation for step in op.regions[0].blocks[0].operations]
    return (
        inputs > 0
        and outputs == 1
        and len(steps) >= 2
        and any("reduction" in name for name in names)
        and all(isinstance(x.type, ir.MemRefType) for x in op.operands)
        and all(_picks(map) for map in maps)
        and _is_free(steps[-2])
        and steps[-1].operands[0] == steps[-2].results[0]
        and [use.owner.operation for use in op.regions[0].blocks[0].arguments[-1].uses] == [steps[-2]]
    )


def _picks(map: ir.AffineMap) -> bool:
    """Return whether a map picks dimensions, each once, or position 0."""
    dims = [_dim(result) for result in map.results]
    picked = [dim for dim in dims if dim != NONE]
    constants = [ir.AffineConstantExpr(x).value for x in map.results if isinstance(x, ir.AffineConstantExpr)]
    is_simple = all(isinstance(x, ir.AffineDimExpr | ir.AffineConstantExpr) for x in map.results)
    return is_simple and not any(constants) and len(set(picked)) == len(picked)


def _dim(expr: ir.AffineExpr) -> int:
    return expr.position if isinstance(expr, ir.AffineDimExpr) else NONE


def _is_free(op: ir.Operation) -> bool:
    """Return whether `op` may combine terms in another order than that of the iteration."""
    if op.name not in _KINDS:
        return False
    return _KINDS[op.name][0] not in ROUNDED or "reassoc" in str(op.attributes["fastmath"])


def _roles(iterators: Sequence[str]) -> dict[int, str]:
    """Return the role of each dimension."""
    folded = ["reduction" in kind for kind in iterators]
    last = max((dim for dim, is_folded in enumerate(folded) if not is_folded), default=-1)
    return {dim: ("inner" if dim > last else "outer") if each else "parallel" for dim, each in enumerate(folded)}


def _with(roles: Mapping[int, str], role: str) -> tuple[int, ...]:
    return tuple(dim for dim, each in roles.items() if each == role)


def _is_lanewise(op: ir.Operation) -> bool:
    """Return whether `op` acts alike on the lanes of vectors, and processors do so at once."""
    dialect, _, name = op.name.partition(".")
    return len(op.results) == 1 and (dialect == "arith" or (dialect == "math" and name in _LANEWISE_MATH))


def _on_lanes(op: ir.Operation, known: Mapping[ir.Value, ir.Value], lanes: int) -> ir.Value:
    """Emit `op` on vectors."""
    if not op.operands:
        return splat(op.clone().results[0], lanes)
    kinds = [vector_of(lanes, result.type) for result in op.results]
    operands = [known[x] if x in known else splat(x, lanes) for x in op.operands]
    return ir.Operation.create(op.name, kinds, operands, dict(op.attributes.items())).results[0]
