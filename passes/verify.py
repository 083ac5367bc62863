"""The type checker of the dialect: every operation by the typing rule of its entry in the operation table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import ClassVar

from mlir import ir
from mlir.dialects import func

from catgrad.dialect import functions
from catgrad.dialect.functions import Box, Reader
from catgrad.dialect.types import from_mlir
from catgrad.dims import Dim, Symbol, symbols
from catgrad.errors import CatgradError, TypeCheckError
from catgrad.passes.base import DiagnosticError, Pass

__all__ = ["Verify", "checked"]


@dataclass(frozen=True)
class Verify(Pass):
    """Check catgrad operations, signatures and calls by the typing rules of the operation table.

    IRDL alone checks only the number of operands and the kinds of attributes.
    """

    name: ClassVar[str] = "catgrad-verify"

    def run(self, module: ir.Operation) -> None:
        """Raise `DiagnosticError` at the first operation whose types do not fit; the module stays as it is."""
        checked(module)


def checked(module: ir.Operation) -> dict[func.FuncOp, list[tuple[ir.OpView, Box]]]:
    """Return the catgrad operations of each function as they are read, once all their types are known to fit.

    Raises:
        DiagnosticError: An operation, a signature or a call does not fit.
    """
    by_name = {function.sym_name.value: function for function in functions.functions(module)}
    bodies = {name: functions.operations(function) for name, function in by_name.items()}
    _check_finite(bodies)
    known = {name: _symbols(function) for name, function in by_name.items()}
    return {function: _check_function(function, bodies[name], known) for name, function in by_name.items()}


def _check_finite(bodies: Mapping[str, Sequence[ir.OpView]]) -> None:
    """Raise `DiagnosticError` at a call by which a function calls itself, directly or not."""
    calls = {name: {op.callee.value: op for op in body if isinstance(op, func.CallOp)} for name, body in bodies.items()}
    try:
        TopologicalSorter(calls).prepare()
    except CycleError as error:
        callee, caller, *_ = error.args[1]
        message = f"@{callee} calls itself: a term is finite"
        raise DiagnosticError(calls[caller][callee].location, message) from error


def _symbols(function: func.FuncOp) -> dict[Symbol, int]:
    """Return the symbols of a function, once all that its signature mentions are known to be among them."""
    try:
        known = functions.symbols(function)
        for type in dict.fromkeys((*function.type.inputs, *function.type.results)):
            _check_encoding(type, known)
    except CatgradError as error:
        raise DiagnosticError(function.location, error.message) from None
    return known


def _check_function(
    function: func.FuncOp, body: Sequence[ir.OpView], known_by_name: Mapping[str, Mapping[Symbol, int]]
) -> list[tuple[ir.OpView, Box]]:
    known = known_by_name[function.sym_name.value]
    reader, found, fitting = Reader(known), list[tuple[ir.OpView, Box]](), set[Box]()
    for op in body:
        try:
            if isinstance(op, func.CallOp):
                _check_call(op, known_by_name[op.callee.value], known, function)
            elif op.operation.name.startswith("catgrad."):
                box = reader.box(op)
                if box not in fitting:
                    _check_box(box, known)
                    fitting.add(box)
                found.append((op, box))
        except CatgradError as error:
            raise DiagnosticError(op.location, error.message) from None
    return found


def _check_encoding(type: ir.Type, known: Iterable[Symbol]) -> None:
    """Check the names of a tensor's extents, where it has them."""
    if isinstance(type, ir.RankedTensorType) and type.encoding is not None:
        _check_bound(from_mlir(type, known).symbols, known)


def _check_bound(used: Iterable[Symbol], known: Iterable[Symbol]) -> None:
    names = {symbol.name for symbol in known}
    for symbol in used:
        if symbol.name not in names:
            wanted = f'{{{functions.SYMBOL} = "{symbol}"}}'
            raise TypeCheckError(f"the symbol {symbol} is not bound: the function needs an index argument {wanted}")


def _check_box(box: Box, known: Iterable[Symbol]) -> None:
    for type in (*box.inputs, box.result):
        _check_bound(type.symbols, known)
    _check_bound(symbols(value for _, value in box.operation.attributes if isinstance(value, Dim)), known)
    (expected,) = box.operation.typing(*box.inputs)
    if expected != box.result:
        raise TypeCheckError(f"{box.operation.op.name}: expected {expected}, the IR says {box.result}")


def _check_call(
    call: func.CallOp, wanted: Mapping[Symbol, int], own: Mapping[Symbol, int], caller: func.FuncOp
) -> None:
    """Check that a call passes its caller's symbols on; MLIR itself compares the types."""
    for symbol, position in wanted.items():
        if symbol not in own or call.operands[position] != caller.arguments[own[symbol]]:
            name = call.callee.value
            raise TypeCheckError(f"@{name} takes the symbol {symbol} here: pass the index argument of the same symbol")
