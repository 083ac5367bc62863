"""Lifting: a module of the catgrad dialect becomes a term, so that text can use every transformation of terms."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from mlir import ir
from mlir.dialects import func

from catgrad.dialect.emit import NAME
from catgrad.dialect.functions import SYMBOL, functions, read, symbols
from catgrad.dialect.types import from_mlir
from catgrad.dims import Symbol
from catgrad.errors import TypeCheckError
from catgrad.hypergraph import LaxOpenHypergraph, explicit_copies
from catgrad.location import Location
from catgrad.ops import Definition, Operation, call, copy
from catgrad.term import Term, carry
from catgrad.trees import flatten

__all__ = ["LiftError", "lift"]


class LiftError(TypeCheckError):
    """An operation has no counterpart in a term.

    Args:
        message: Why.
        op: The operation, for its place in the file.
    """

    def __init__(self, message: str, op: ir.Operation) -> None:
        super().__init__(message)
        self.op = op


def lift(module: ir.Module | ir.Operation) -> dict[str, Term]:
    """Return the term of every function of a module, by name; a function that is called becomes a definition.

    Raises:
        LiftError: An operation is neither of the catgrad dialect nor a call of a function of the module, does not
            type-check, or a function calls itself.
    """
    operation = module.operation
    found = {str(f.sym_name.value): f for f in functions(operation)}
    lifter = _Lifter(found)
    return {name: lifter.definition(name, f.operation).term for name, f in found.items()}


class _Lifter:
    """The definitions lifted so far."""

    def __init__(self, functions: dict[str, func.FuncOp]) -> None:
        self._functions = functions
        self._definitions: dict[str, Definition | None] = {}

    def definition(self, name: str, user: ir.Operation) -> Definition:
        """Return the definition of a function, lifting it first if need be."""
        if name not in self._functions:
            raise LiftError(f"there is no function {name}", user)
        if name not in self._definitions:
            self._definitions[name] = None
            self._definitions[name] = Definition(name, self._term(self._functions[name]))
        definition = self._definitions[name]
        if definition is None:
            raise LiftError(f"{name} calls itself: a term is finite", user)
        return definition

    def _term(self, function: func.FuncOp) -> Term:
        if function.is_external:
            raise LiftError(f"{function.sym_name.value} has no body", function.operation)
        known = tuple(symbols(function))
        block = function.entry_block
        body = _Body(known)
        arguments = list(block.arguments)[len(known) :]
        sources = [body.input(argument) for argument in arguments]
        *inner, last = block.operations
        for op in inner:
            self._operation(body, op, known)
        names = [_name(attributes, i) for i, attributes in enumerate(function.arg_attrs) if SYMBOL not in attributes]
        term = body.finish(sources, list(last.operands), str(function.sym_name.value))
        return term.nested(flatten((0,) * len(sources))[1], term.output_tree, names)

    def _operation(self, body: _Body, op: ir.OpView, known: tuple[Symbol, ...]) -> None:
        if isinstance(op, func.CallOp):
            callee = self.definition(op.callee.value, op.operation)
            skipped = len(callee.term.symbols)
            body.append(call.operation(definition=callee), list(op.operands)[skipped:], op)
        elif op.operation.name.startswith("catgrad."):
            try:
                body.append(read(op, known).operation, list(op.operands), op)
            except TypeCheckError as error:
                raise LiftError(error.message, op.operation) from None
        else:
            raise LiftError(f"{op.operation.name} is not an operation of the catgrad dialect", op.operation)


class _Body:
    """The graph of one function as it is read."""

    def __init__(self, known: Sequence[Symbol]) -> None:
        self._known = known
        self._graph = LaxOpenHypergraph()
        self._nodes: dict[ir.Value, int] = {}
        self._locations: list[Location | None] = []

    def input(self, value: ir.Value) -> int:
        """Add a node for a value."""
        self._nodes[value] = self._graph.new_node(from_mlir(value.type, self._known))
        return self._nodes[value]

    def append(self, operation: Operation, operands: Sequence[ir.Value], op: ir.OpView) -> None:
        """Add an edge."""
        inputs = [self._nodes[value] for value in operands]
        expected = operation.typing(*(self._graph.nodes[node] for node in inputs))
        outputs = [self.input(result) for result in op.results]
        if expected != tuple(self._graph.nodes[node] for node in outputs):
            raise LiftError(f"{operation.op.name} gives {', '.join(map(str, expected))} here", op.operation)
        self._graph.new_edge(operation, inputs, outputs)
        self._locations.append(_location(op.location))

    def finish(self, sources: list[int], results: Sequence[ir.Value], name: str) -> Term:
        """Return the term."""
        self._graph.sources, self._graph.targets = sources, [self._nodes[value] for value in results]
        strict, _ = self._graph.to_strict()
        graph, witness = explicit_copies(strict, lambda _, count: copy.operation(count=count))
        return Term.flat(graph, name, carry(self._locations, witness.edges))


def _name(attributes: Any, position: int) -> str:
    return ir.StringAttr(attributes[NAME]).value if NAME in attributes else f"argument {position}"


def _location(location: ir.Location) -> Location | None:
    found = re.fullmatch(r'loc\("([^"]*)":(\d+):(\d+)\)', str(location))
    return Location(found[1], int(found[2]), int(found[3])) if found else None
