"""Calls in destination-passing style: the caller says where a private function puts its results.

    %y = call @g(%B, %x) : (index, tensor<?xf32>) -> tensor<?xf32>
    %y = call @g(%B, %x, %empty) : (index, tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>

Results become tensors that arrive as arguments. Bufferization then finds that a function returns what it was given, and
drops the result: every buffer belongs to one function.
"""

from __future__ import annotations

from collections.abc import Sequence

from mlir import ir
from mlir.dialects import bufferization, func

__all__ = ["DESTINATIONS", "give_destinations", "is_private", "take_destinations"]

DESTINATIONS = "catgrad.destinations"
"""The attribute of a call whose last operands are the destinations of its results."""


def is_private(op: ir.Operation | ir.OpView) -> bool:
    """Return whether only its module can call a function."""
    return "sym_visibility" in op.attributes and ir.StringAttr(op.attributes["sym_visibility"]).value == "private"


def take_destinations(function: func.FuncOp) -> None:
    """Make a function take a destination for each result, and return its results there."""
    block = function.entry_block
    returned = list(block.operations)[-1].operation
    with ir.InsertionPoint(returned), returned.location:
        for position, result in enumerate(returned.operands):
            place = block.add_argument(result.type, returned.location)
            written = bufferization.materialize_in_destination(result.type, result, place)
            returned.operands[position] = written
    kind = ir.FunctionType.get([argument.type for argument in block.arguments], function.type.results)
    function.attributes["function_type"] = ir.TypeAttr.get(kind)
    if "arg_attrs" in function.attributes:
        none = ir.DictAttr.get({})
        known = list(function.attributes["arg_attrs"])
        function.attributes["arg_attrs"] = ir.ArrayAttr.get(known + [none] * (len(kind.inputs) - len(known)))


def give_destinations(call: func.CallOp, places: Sequence[ir.Value]) -> None:
    """Replace a call by one that says where its results go."""
    with ir.InsertionPoint(call), call.location:
        types = [result.type for result in call.results]
        made = func.CallOp(types, call.callee.value, [*call.operands, *places])
        made.operation.attributes[DESTINATIONS] = ir.UnitAttr.get()
    for old, new in zip(call.results, made.results, strict=True):
        old.replace_all_uses_with(new)
    call.operation.erase()
