"""Calls in destination-passing style: the caller says where a private function puts its results.

    %y = call @g(%B, %x) : (index, tensor<?xf32>) -> tensor<?xf32>
    %y = call @g(%B, %x, %empty) : (index, tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>

Results become tensors that arrive as arguments; where an argument is donated to a result, it has arrived already.
Bufferization then finds that a function returns what it was given, and drops the result: every buffer belongs to one
function.
"""

from __future__ import annotations

from collections.abc import Sequence

from mlir import ir
from mlir.dialects import bufferization, func

from catgrad.passes.base import DiagnosticError

__all__ = ["DESTINATIONS", "DONATED", "donations", "give_destinations", "is_private", "take_destinations"]

DESTINATIONS = "catgrad.destinations"
"""The attribute of a call whose last operands are the destinations of its results."""

DONATED = "catgrad.donated"
"""The attribute of an argument that is the destination of a result, which it numbers."""


def is_private(op: ir.Operation | ir.OpView) -> bool:
    """Return whether only its module can call a function."""
    return "sym_visibility" in op.attributes and ir.StringAttr(op.attributes["sym_visibility"]).value == "private"


def donations(op: ir.Operation) -> dict[int, int]:
    """Return which argument each donated result goes to, as `catgrad.donated` says; check that it can."""
    kind = ir.FunctionType(ir.TypeAttr(op.attributes["function_type"]).value)
    inputs, results = list(kind.inputs), list(kind.results)
    donated: dict[int, int] = {}
    for number, attributes in enumerate(op.attributes["arg_attrs"] if "arg_attrs" in op.attributes else []):
        if DONATED not in attributes:
            continue
        given = attributes[DONATED]
        if not isinstance(given, ir.IntegerAttr):
            raise DiagnosticError(
                op.location, f"argument {number} is donated to {given}, which is no number of a result"
            )
        k = given.value
        if k in donated or not 0 <= k < len(results):
            raise DiagnosticError(op.location, f"argument {number} is donated to result {k}, which is not free")
        if inputs[number] != results[k]:
            types = f"{inputs[number]} to {results[k]}"
            raise DiagnosticError(op.location, f"argument {number} is donated to result {k} of another type: {types}")
        donated[k] = number
    return donated


def take_destinations(function: func.FuncOp) -> None:
    """Make a function take a destination for each result, and return its results there."""
    block = function.entry_block
    donated = donations(function.operation)
    returned = list(block.operations)[-1].operation
    with ir.InsertionPoint(returned), returned.location:
        for position, result in enumerate(returned.operands):
            given = donated.get(position)
            place = block.add_argument(result.type, returned.location) if given is None else block.arguments[given]
            written = bufferization.materialize_in_destination(result.type, result, place)
            returned.operands[position] = written
    kind = ir.FunctionType.get([argument.type for argument in block.arguments], function.type.results)
    function.attributes["function_type"] = ir.TypeAttr.get(kind)
    if "arg_attrs" in function.attributes:
        none = ir.DictAttr.get({})
        known = list(function.attributes["arg_attrs"])
        function.attributes["arg_attrs"] = ir.ArrayAttr.get(known + [none] * (len(kind.inputs) - len(known)))


def give_destinations(call: func.CallOp, places: Sequence[ir.Value]) -> None:
    """Replace a call by one that says where its results go.

    Args:
        call: The call.
        places: A destination for each result; fewer if the callee has arguments that are donated to the others.
    """
    with ir.InsertionPoint(call), call.location:
        types = [result.type for result in call.results]
        made = func.CallOp(types, call.callee.value, [*call.operands, *places])
        if len(places) == len(types):
            made.operation.attributes[DESTINATIONS] = ir.UnitAttr.get()
    for old, new in zip(call.results, made.results, strict=True):
        old.replace_all_uses_with(new)
    call.operation.erase()
