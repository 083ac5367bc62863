"""The pass that applies the lowering rules to a module."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from mlir import ir
from mlir.dialects import bufferization, func

from catgrad.dialect import functions
from catgrad.dialect.functions import Box
from catgrad.dialect.types import from_mlir
from catgrad.dims import Symbol
from catgrad.passes.base import Pass
from catgrad.passes.calls import donations, give_destinations, is_private, take_destinations
from catgrad.passes.to_linalg import contraction, creation, elementwise, logic, reduction, shape, structural
from catgrad.passes.to_linalg.site import LOWERINGS, Site, Splat, plain
from catgrad.passes.verify import checked
from catgrad.types import TensorType

__all__ = ["ToLinalg"]

FAMILIES = (contraction, creation, elementwise, logic, reduction, shape, structural)
"""The modules that fill the table of rules."""


@dataclass(frozen=True)
class ToLinalg(Pass):
    """Lower the catgrad dialect to linalg on tensors.

    Extents lose their names: from here on they are computed from the index arguments of the function. A bool is stored
    as a byte.
    """

    name: ClassVar[str] = "catgrad-to-linalg"

    def run(self, module: ir.Operation) -> None:
        """Check all types, make them plain, and replace each catgrad operation by what its rule builds.

        Raises:
            DiagnosticError: An operation does not pass the type checker.
        """
        found = checked(module)
        defined = [function for function in found if not function.is_external]
        private = {f.sym_name.value: donations(f.operation) for f in defined if is_private(f)}
        bodies = [(function, found[function], _calls(function, private)) for function in defined]
        for function in list(found):
            _strip(function)
        for function, boxes, calls in bodies:
            positions = functions.symbols(function)
            extents = {symbol: function.arguments[position] for symbol, position in positions.items()}
            _lower(boxes, extents)
            for call, types in calls:
                _lower_call(call, types, private[call.callee.value], extents)
            if function.sym_name.value in private:
                take_destinations(function)


def _calls(function: func.FuncOp, callees: Collection[str]) -> list[tuple[func.CallOp, list[TensorType]]]:
    """Return the calls of `callees`, with the types of their results, which lowering will make plain."""
    if not callees:
        return []
    known = functions.symbols(function)
    calls = [op for op in functions.operations(function) if isinstance(op, func.CallOp) and op.callee.value in callees]
    return [(op, [from_mlir(result.type, known) for result in op.results]) for op in calls]


def _lower_call(
    call: func.CallOp, types: Sequence[TensorType], donated: Collection[int], extents: Mapping[Symbol, ir.Value]
) -> None:
    """Give a call a destination for each result, but for those to which an argument is donated."""
    with ir.InsertionPoint(call), call.location:
        results = [k for k in range(len(types)) if k not in donated]
        places = [
            _written_to(call.results[k], call) or Site((), types[k], extents, {}).empty(types[k]) for k in results
        ]
    give_destinations(call, places)


def _written_to(result: ir.Value, call: func.CallOp) -> ir.Value | None:
    """Return the memory that a result is written to, if it is there before the call."""
    for use in result.uses:
        buffer = use.owner.dest if isinstance(use.owner, bufferization.MaterializeInDestinationOp) else result
        maker = buffer.owner
        if isinstance(buffer.type, ir.MemRefType) and isinstance(maker, ir.OpView) and _is_before(maker, call):
            return bufferization.to_tensor(result.type, buffer, restrict=True, writable=True)
    return None


def _is_before(op: ir.OpView, other: ir.OpView) -> bool:
    return op.operation.block == other.operation.block and op.operation.is_before_in_block(other.operation)


def _strip(function: func.FuncOp) -> None:
    """Make the types of a function and of all its values plain."""
    given = function.type
    function.attributes["function_type"] = ir.TypeAttr.get(
        ir.FunctionType.get([plain(type) for type in given.inputs], [plain(type) for type in given.results])
    )
    known: dict[ir.Type, ir.Type] = {}
    for op in (function, *functions.operations(function)):
        arguments = [argument for region in op.regions for block in region for argument in block.arguments]
        for value in (*arguments, *op.results):
            given = value.type
            if given not in known:
                known[given] = plain(given)
            if known[given] != given:
                value.set_type(known[given])


def _lower(boxes: Sequence[tuple[ir.OpView, Box]], symbols: Mapping[Symbol, ir.Value]) -> None:
    """Replace the operations of a function; where all elements are one scalar, after those that may do with it."""
    splats: dict[ir.Value, Splat] = {}
    sites = {box: Site(box.inputs, box.result, symbols, splats) for _, box in boxes}
    for op, box in boxes:
        with ir.InsertionPoint(op), op.location:
            result = LOWERINGS[box.operation.op](sites[box], *op.operands, **box.operation.keywords)
        if isinstance(result, Splat):
            splats[op.results[0]] = result
        else:
            op.results[0].replace_all_uses_with(result)
            op.operation.erase()
    for value, splat in reversed(splats.items()):
        op = value.owner
        if any(value.uses):
            with ir.InsertionPoint(op), op.location:
                value.replace_all_uses_with(splat.tensor())
        op.operation.erase()
