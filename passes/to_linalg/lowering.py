"""The pass that applies the lowering rules to a module."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from mlir import ir
from mlir.dialects import func

from catgrad.dialect import functions
from catgrad.dialect.functions import Box
from catgrad.dims import Symbol
from catgrad.passes.base import Pass
from catgrad.passes.to_linalg import contraction, creation, elementwise, logic, reduction, shape, structural
from catgrad.passes.to_linalg.site import LOWERINGS, Site, plain
from catgrad.passes.verify import checked

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
        for function, boxes in checked(module).items():
            symbols = functions.symbols(function)
            _strip(function)
            for box in boxes:
                _lower(box, {symbol: function.arguments[position] for symbol, position in symbols.items()})


def _strip(function: func.FuncOp) -> None:
    """Make the types of a function and of all its values plain."""
    given = function.type
    function.attributes["function_type"] = ir.TypeAttr.get(
        ir.FunctionType.get([plain(type) for type in given.inputs], [plain(type) for type in given.results])
    )
    for op in (function, *functions.operations(function)):
        arguments = [argument for region in op.regions for block in region for argument in block.arguments]
        for value in (*arguments, *op.results):
            value.set_type(plain(value.type))


def _lower(box: Box, symbols: Mapping[Symbol, ir.Value]) -> None:
    """Replace one operation, whose operands are lowered already."""
    site = Site(box.inputs, box.result, symbols)
    with ir.InsertionPoint(box.op), box.op.location:
        result = LOWERINGS[box.operation.op](site, *box.op.operands, **box.operation.keywords)
    box.op.results[0].replace_all_uses_with(result)
    box.op.operation.erase()
