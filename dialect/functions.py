"""Functions of the dialect, read back as catgrad has them: their symbols, and their operations with types.

A function takes, first, one index argument for each symbol of its types; facts about the symbol stand beside its name:

    func.func @f(%S: index {catgrad.symbol = "S", catgrad.multiple_of = 64 : i64}, %x: tensor<?x4xf32, ["S", "4"]>)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from mlir import ir
from mlir.dialects import func

from catgrad.dialect.definition import DIALECT_OPS
from catgrad.dialect.types import attribute_from_mlir, from_mlir
from catgrad.dims import Symbol, dim
from catgrad.errors import TypeCheckError
from catgrad.ops import Operation
from catgrad.types import TensorType

__all__ = ["SYMBOL", "Box", "functions", "operations", "read", "symbol_attributes", "symbols"]

SYMBOL = "catgrad.symbol"
_NO_FACTS = {"multiple_of": 1, "min": 0, "max": None}


@dataclass(frozen=True)
class Box:
    """An operation of the dialect as catgrad has it.

    Attributes:
        op: The operation in the IR.
        operation: Its label.
        inputs: Types of the operands.
        result: The declared type of the result.
    """

    op: ir.OpView
    operation: Operation
    inputs: tuple[TensorType, ...]
    result: TensorType


def functions(module: ir.Operation) -> list[func.FuncOp]:
    """Return the functions at the top level of a module."""
    return [op for op in module.regions[0].blocks[0].operations if isinstance(op, func.FuncOp)]


def operations(function: func.FuncOp) -> list[ir.OpView]:
    """Return every operation inside a function, in order; one with regions comes before what is in them."""
    return list(_inside(function))


def _inside(op: ir.OpView) -> Iterator[ir.OpView]:
    for region in op.operation.regions:
        for block in region.blocks:
            for inner in block.operations:
                yield inner
                yield from _inside(inner)


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


def read(op: ir.OpView, known: Iterable[Symbol]) -> Box:
    """Return an operation of the dialect as catgrad has it.

    Args:
        op: The operation, named "catgrad.NAME".
        known: The symbols of its function.

    Raises:
        TypeCheckError: There is no such operation, a type is not one of catgrad's, or an attribute does not fit.
    """
    known = tuple(known)
    entry = DIALECT_OPS.get(op.operation.name)
    if entry is None:
        raise TypeCheckError(f"{op.operation.name} is not an operation of the catgrad dialect")
    result = from_mlir(op.results[0].type, known)
    attributes = {
        name: attribute_from_mlir(kind, name, op.attributes, result, known) for name, kind in entry.attributes.items()
    }
    inputs = tuple(from_mlir(operand.type, known) for operand in op.operands)
    return Box(op, entry.operation(**attributes), inputs, result)
