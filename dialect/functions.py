"""Functions of the dialect, read back as catgrad has them: their symbols, and their operations with types.

A function takes, first, one index argument for each symbol of its types; facts about the symbol stand beside its name:

    func.func @f(%S: index {catgrad.symbol = "S", catgrad.multiple_of = 64 : i64}, %x: tensor<?x4xf32, ["S", "4"]>)
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass

from mlir import ir
from mlir.dialects import func

from catgrad.dialect.definition import DIALECT_OPS
from catgrad.dialect.types import attribute_from_mlir, from_mlir
from catgrad.dims import Symbol, dim
from catgrad.errors import TypeCheckError
from catgrad.ops import Operation
from catgrad.types import TensorType

__all__ = ["SYMBOL", "Box", "Reader", "functions", "operations", "symbol_attributes", "symbols"]

SYMBOL = "catgrad.symbol"
_NO_FACTS = {"multiple_of": 1, "min": 0, "max": None}


@dataclass(frozen=True, eq=False)
class Box:
    """An operation of the dialect as catgrad has it; what is the same in one function is one box.

    Attributes:
        operation: Its label.
        inputs: Types of the operands.
        result: The declared type of the result.
    """

    operation: Operation
    inputs: tuple[TensorType, ...]
    result: TensorType


def functions(module: ir.Operation) -> list[func.FuncOp]:
    """Return the functions at the top level of a module."""
    return [op for op in module.regions[0].blocks[0].operations if isinstance(op, func.FuncOp)]


def operations(function: func.FuncOp) -> list[ir.OpView]:
    """Return every operation inside a function, in order; one with regions comes before what is in them."""
    found: list[ir.Operation] = []

    def visit(op: ir.Operation) -> ir.WalkResult:
        found.append(op)
        return ir.WalkResult.ADVANCE

    function.operation.walk(visit, ir.WalkOrder.PRE_ORDER)
    return [op.opview for op in found[1:]]


def symbol_attributes(symbol: Symbol) -> dict[str, ir.Attribute]:
    """Return the attributes that mark the index argument of `symbol`, in the current context."""
    i64 = ir.IntegerType.get_signless(64)
    facts = {fact: getattr(symbol, fact) for fact, default in _NO_FACTS.items() if getattr(symbol, fact) != default}
    marks = {f"catgrad.{fact}": ir.IntegerAttr.get(i64, value) for fact, value in facts.items()}
    return {SYMBOL: ir.StringAttr.get(symbol.name), **marks}


def symbols(function: func.FuncOp) -> dict[Symbol, int]:
    """Return the position of the argument that holds each symbol.

    Raises:
        TypeCheckError: Such an argument is no index, comes after another argument, or has the name of an earlier one.
    """
    found: dict[str, Symbol] = {}
    for position, attributes in enumerate(function.arg_attrs):
        if SYMBOL not in attributes:
            continue
        symbol = _symbol(attributes)
        if str(function.type.inputs[position]) != "index" or position != len(found) or symbol.name in found:
            raise TypeCheckError(f"the symbol {symbol} needs one index argument before those that are no symbols")
        found[symbol.name] = symbol
    return {symbol: position for position, symbol in enumerate(found.values())}


def _symbol(attributes: Mapping[str, ir.Attribute]) -> Symbol:
    given = {fact: attributes[f"catgrad.{fact}"] for fact in _NO_FACTS if f"catgrad.{fact}" in attributes}
    try:
        name = str(ir.StringAttr(attributes[SYMBOL]).value)
        facts = {fact: int(ir.IntegerAttr(value).value) for fact, value in given.items()}
    except ValueError:
        raise TypeCheckError(f"{attributes} describes no symbol: a name is a string, a fact an integer") from None
    return dim(name, **facts)


class Reader:
    """Reads types and operations of one function, equal ones once: types and attributes are unique in MLIR.

    Args:
        known: The symbols of the function.
    """

    def __init__(self, known: Iterable[Symbol]) -> None:
        self._known = tuple(known)
        self._types: dict[ir.Type, TensorType] = {}
        self._boxes: dict[Hashable, Box] = {}

    def type(self, given: ir.Type) -> TensorType:
        """Return the catgrad type, as `from_mlir` does."""
        if given not in self._types:
            self._types[given] = from_mlir(given, self._known)
        return self._types[given]

    def box(self, op: ir.OpView) -> Box:
        """Return an operation of the dialect, named "catgrad.NAME", as catgrad has it.

        Raises:
            TypeCheckError: There is no such operation, a type is not one of catgrad's, or an attribute does not fit.
        """
        types = [value.type for values in (op.operands, op.results) for value in values]
        key = op.operation.name, *types, *op.attributes.items()
        if key not in self._boxes:
            self._boxes[key] = self._read(op)
        return self._boxes[key]

    def _read(self, op: ir.OpView) -> Box:
        entry = DIALECT_OPS.get(op.operation.name)
        if entry is None:
            raise TypeCheckError(f"{op.operation.name} is not an operation of the catgrad dialect")
        result = self.type(op.results[0].type)
        attributes = {
            name: attribute_from_mlir(kind, name, op.attributes, result, self._known)
            for name, kind in entry.attributes.items()
        }
        return Box(entry.operation(**attributes), tuple(self.type(operand.type) for operand in op.operands), result)
