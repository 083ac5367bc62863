"""Views of a `linalg.generic`, and generics that only move elements: their readers can do without them."""

from __future__ import annotations

from collections.abc import Sequence

from mlir import ir
from mlir.dialects import arith, linalg, tensor

__all__ = [
    "CHOOSES",
    "body_of",
    "covers_iteration",
    "forward_views",
    "generics",
    "inline_splats",
    "inputs_of",
    "is_identity",
    "is_parallel",
    "maps_of",
    "yields_of",
]

CHOOSES = "catgrad.chooses"
"""An attribute of choices, by an order, between what a reduction has and a new element; of equals, the first stays."""


_SCALARS = ("arith.", "math.", "scf.")
"""How the operations begin that depend on their operands alone, in bodies of scalars."""


def generics(block: ir.Block) -> list[linalg.GenericOp]:
    """Return the generics whose results are read; on memrefs they have none."""
    found = [op for op in block.operations if isinstance(op, linalg.GenericOp)]
    return [op for op in found if any(list(result.uses) for result in op.results)]


def body_of(op: linalg.GenericOp) -> ir.Block:
    """Return the block that computes one iteration."""
    return op.regions[0].blocks[0]


def yields_of(op: linalg.GenericOp) -> list[ir.Value]:
    """Return the scalars that an iteration makes."""
    *_, terminator = body_of(op).operations
    return list(terminator.operands)


def inputs_of(members: Sequence[linalg.GenericOp]) -> dict[tuple[ir.Value, ir.AffineMap], list[ir.Value]]:
    """Return what generics read of others: for each tensor and index map, the body arguments it becomes."""
    made = {result for op in members for result in op.results}
    found: dict[tuple[ir.Value, ir.AffineMap], list[ir.Value]] = {}
    for op in members:
        for value, map, argument in zip(op.inputs, maps_of(op), body_of(op).arguments, strict=False):
            if value not in made and list(argument.uses):
                found.setdefault((value, map), []).append(argument)
    return found


def maps_of(op: ir.OpView) -> list[ir.AffineMap]:
    """Return the index map of each operand."""
    return [attribute.value for attribute in op.indexing_maps]


def is_identity(map: ir.AffineMap) -> bool:
    """Return whether an operand is read or written at the position of the iteration itself."""
    return bool(map == ir.AffineMap.get_identity(map.n_dims))


def is_parallel(op: linalg.GenericOp) -> bool:
    """Return whether each iteration makes one element of each result from inputs alone."""
    outputs = len(op.outputs)
    return (
        all(str(kind) == "#linalg.iterator_type<parallel>" for kind in op.iterator_types)
        and all(map(is_identity, maps_of(op)[-outputs:]))
        and not any(list(argument.uses) for argument in list(body_of(op).arguments)[-outputs:])
    )


def covers_iteration(maps: Sequence[ir.AffineMap]) -> bool:
    """Return whether operands with these index maps tell the extent of every axis of the iteration."""
    used = {expr.position for map in maps for expr in map.results if isinstance(expr, ir.AffineDimExpr)}
    return used == set(range(maps[0].n_dims))


def inline_splats(op: linalg.GenericOp) -> None:
    """Let the body read as a scalar what all elements of a tensor are, where they are equal and depend on no tensor.

    If nothing else is left that an iteration depends on, the body itself is such a scalar, and is moved in front of the
    operation. So each scalar is computed once, however many bodies read it.
    """
    body = body_of(op)
    for value, argument in zip(op.inputs, body.arguments, strict=False):
        if list(argument.uses):
            with ir.InsertionPoint(op), op.location:
                scalar = _splat(value)
            if scalar is not None:
                argument.replace_all_uses_with(scalar)
    if _is_uniform(op):
        *steps, _ = body.operations
        for step in steps:
            step.operation.move_before(op.operation)


def _is_uniform(op: linalg.GenericOp) -> bool:
    """Return whether the body makes the same at every place, of scalars alone."""
    return not any(list(argument.uses) for argument in body_of(op).arguments) and _is_scalar(body_of(op))


def _is_scalar(body: ir.Block) -> bool:
    """Return whether a body has no operation but those on scalars; where it is in an iteration is none of them."""
    *steps, _ = (view.operation for view in body.operations)
    inner = [block for step in steps for region in step.regions for block in region.blocks]
    return all(step.name.startswith(_SCALARS) for step in steps) and all(map(_is_scalar, inner))


def _splat(value: ir.Value) -> ir.Value | None:
    """Return the scalar that all elements of a tensor are equal to, emitted if it is a literal; None if not known."""
    while isinstance(value.owner, tensor.ExpandShapeOp | tensor.CollapseShapeOp):
        value = value.owner.operands[0]
    if isinstance(value.owner, linalg.GenericOp):
        return _uniform_result(value.owner, value)
    elements = value.owner.value if isinstance(value.owner, arith.ConstantOp) else None
    if not (isinstance(elements, ir.DenseElementsAttr) and elements.is_splat):
        return None
    return arith.ConstantOp(elements.type.element_type, elements.get_splat_value()).result


def _uniform_result(maker: linalg.GenericOp, value: ir.Value) -> ir.Value | None:
    """Return what a generic makes at every place, if that is a scalar from outside of its body."""
    scalar = yields_of(maker)[list(maker.results).index(value)]
    block = scalar.owner if isinstance(scalar, ir.BlockArgument) else scalar.owner.operation.block
    return None if block == body_of(maker) else scalar


def forward_views(block: ir.Block) -> None:
    """Let the readers of each view read its source, where their index maps can say so.

    A transpose stays if several generics read it: each of them would have to read against the grain.
    """
    for op in generics(block):
        if _is_view(op):
            _forward(op)


def _is_view(op: linalg.GenericOp) -> bool:
    """Return whether a generic only moves elements of its one input."""
    one_to_one = len(op.inputs) == len(op.outputs) == 1 and is_parallel(op)
    return one_to_one and yields_of(op)[0] == body_of(op).arguments[0]


def _forward(view: linalg.GenericOp) -> None:
    source_map, _ = maps_of(view)
    uses = [(use.owner, use.operand_number) for use in view.results[0].uses]
    along_rows = is_identity(source_map) or not source_map.is_permutation
    for reader, operand in uses:
        if along_rows or len(uses) == 1 or isinstance(reader, linalg.ContractOp):
            _read_through(reader, operand, view.inputs[0], source_map)
    if not list(view.results[0].uses):
        view.operation.erase()


def _read_through(reader: ir.OpView, operand: int, source: ir.Value, source_map: ir.AffineMap) -> None:
    """Replace an input of a generic, or of a contraction if no axis vanishes, by the tensor that it is a view of."""
    is_contraction = isinstance(reader, linalg.ContractOp) and source_map.is_permutation
    if not (isinstance(reader, linalg.GenericOp) or is_contraction) or operand >= len(reader.inputs):
        return
    maps = maps_of(reader)
    exprs = [expr.compose(maps[operand]) for expr in source_map.results]
    maps[operand] = ir.AffineMap.get(maps[operand].n_dims, 0, exprs)
    if covers_iteration(maps):
        reader.operation.operands[operand] = source
        reader.attributes["indexing_maps"] = ir.ArrayAttr.get([ir.AffineMapAttr.get(map) for map in maps])
