"""Views of a `linalg.generic`, and generics that only move elements: their readers can do without them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mlir import ir
from mlir.dialects import linalg

__all__ = ["CHOOSES", "Generic", "covers_iteration", "forward_views", "inputs_of", "is_identity", "is_read", "is_used"]

CHOOSES = "catgrad.chooses"
"""An attribute of choices, by an order, between what a reduction has and a new element; of equals, the first stays."""


@dataclass(frozen=True, eq=False)
class Generic:
    """A `linalg.generic` on tensors, taken apart once; its results and outputs correspond.

    Attributes:
        op: The operation.
        inputs: The tensors that it reads.
        outputs: The initial tensors of its results.
        maps: The index map of each of both.
        arguments: What each of them is in the body.
        steps: The operations of the body, but for the last.
        end: The last one, whose operands are the elements of the results.
    """

    op: linalg.GenericOp
    inputs: Sequence[ir.Value]
    outputs: Sequence[ir.Value]
    maps: Sequence[ir.AffineMap]
    arguments: Sequence[ir.Value]
    steps: Sequence[ir.OpView]
    end: ir.OpView

    @staticmethod
    def of(op: linalg.GenericOp, known: dict[ir.Attribute, list[ir.AffineMap]]) -> Generic:
        """Take an operation apart; what index maps are as attributes is looked up, and added, in `known`."""
        operands, body, attribute = list(op.operands), op.regions[0].blocks[0], op.indexing_maps
        if attribute not in known:
            known[attribute] = _maps_of(op)
        inputs = len(operands) - len(op.results)
        *steps, end = body.operations
        return Generic(op, operands[:inputs], operands[inputs:], known[attribute], list(body.arguments), steps, end)

    @property
    def is_parallel(self) -> bool:
        """Whether each iteration makes one element of each result from inputs alone."""
        inputs = len(self.inputs)
        return all(map(is_identity, self.maps[inputs:])) and not any(map(is_used, self.arguments[inputs:]))


def is_used(value: ir.Value) -> bool:
    """Return whether an operation reads a value."""
    return any(value.uses)


def is_read(op: ir.OpView) -> bool:
    """Return whether an operation is a generic with a result that another one reads; on memrefs it has none."""
    return isinstance(op, linalg.GenericOp) and any(map(is_used, op.results))


def inputs_of(members: Sequence[Generic]) -> dict[tuple[ir.Value, ir.AffineMap], list[ir.Value]]:
    """Return what generics read of others: for each tensor and index map, the body arguments it becomes."""
    made = {result for generic in members for result in generic.op.results}
    found: dict[tuple[ir.Value, ir.AffineMap], list[ir.Value]] = {}
    for generic in members:
        for value, map, argument in zip(generic.inputs, generic.maps, generic.arguments, strict=False):
            if value not in made and is_used(argument):
                found.setdefault((value, map), []).append(argument)
    return found


def is_identity(map: ir.AffineMap) -> bool:
    """Return whether an operand is read or written at the position of the iteration itself."""
    return bool(map == ir.AffineMap.get_identity(map.n_dims))


def covers_iteration(maps: Sequence[ir.AffineMap]) -> bool:
    """Return whether operands with these index maps tell the extent of every axis of the iteration."""
    used = {expr.position for map in maps for expr in map.results if isinstance(expr, ir.AffineDimExpr)}
    return used == set(range(maps[0].n_dims))


def forward_views(block: ir.Block) -> None:
    """Let the readers of each view read its source, where their index maps can say so.

    A transpose stays if several generics read it: each of them would have to read against the grain.
    """
    for op in list(block.operations):
        if is_read(op) and _is_view(op):
            _forward(op)


def _is_view(op: linalg.GenericOp) -> bool:
    """Return whether a generic only moves elements of its one input."""
    if len(op.operands) != 2:
        return False
    generic = Generic.of(op, {})
    return generic.is_parallel and generic.end.operands[0] == generic.arguments[0]


def _forward(view: linalg.GenericOp) -> None:
    source, source_map = view.operands[0], _maps_of(view)[0]
    uses = [(use.owner, use.operand_number) for use in view.results[0].uses]
    along_rows = is_identity(source_map) or not source_map.is_permutation
    for reader, operand in uses:
        if along_rows or len(uses) == 1 or isinstance(reader, linalg.ContractOp):
            _read_through(reader, operand, source, source_map)
    if not is_used(view.results[0]):
        view.operation.erase()


def _read_through(reader: ir.OpView, operand: int, source: ir.Value, source_map: ir.AffineMap) -> None:
    """Replace an input of a generic, or of a contraction if no axis vanishes, by the tensor that it is a view of."""
    is_contraction = isinstance(reader, linalg.ContractOp) and source_map.is_permutation
    if not (isinstance(reader, linalg.GenericOp) or is_contraction) or operand >= len(reader.inputs):
        return
    maps = _maps_of(reader)
    exprs = [expr.compose(maps[operand]) for expr in source_map.results]
    maps[operand] = ir.AffineMap.get(maps[operand].n_dims, 0, exprs)
    if covers_iteration(maps):
        reader.operation.operands[operand] = source
        reader.attributes["indexing_maps"] = ir.ArrayAttr.get([ir.AffineMapAttr.get(map) for map in maps])


def _maps_of(op: ir.OpView) -> list[ir.AffineMap]:
    """Return the index map of each operand."""
    return [attribute.value for attribute in op.indexing_maps]
