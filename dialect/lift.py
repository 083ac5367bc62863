"""Lifting: a module of the catgrad dialect becomes a term, so that text can use every transformation of terms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, cast

from mlir import ir
from mlir.dialects import func

from catgrad.dialect.emit import NAME
from catgrad.dialect.functions import SYMBOL, Reader, functions, symbols
from catgrad.dims import Symbol
from catgrad.errors import CatgradError, TypeCheckError
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
    with operation.context:
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
        with _at(function.operation):
            block = _only_block(function)
            known = symbols(function)
            body = _Body({block.arguments[position]: symbol for symbol, position in known.items()})
            sources = [body.input(argument) for argument in list(block.arguments)[len(known) :]]
            names = [_name(known, i) for i, known in enumerate(function.arg_attrs) if SYMBOL not in known]
        *inner, last = block.operations
        for op in inner:
            with _at(op.operation):
                self._operation(body, op)
        with _at(last.operation):
            term = body.finish(sources, list(last.operands), str(function.sym_name.value))
        return term.nested(flatten((0,) * len(sources))[1], term.output_tree, names)

    def _operation(self, body: _Body, op: ir.OpView) -> None:
        operands = list(op.operands)
        if not isinstance(op, func.CallOp):
            return body.append(body.reader.box(op).operation, operands, op)
        callee = self.definition(op.callee.value, op.operation)
        taken = symbols(self._functions[callee.name])
        for symbol, position in taken.items():
            if body.symbols.get(operands[position]) != symbol:
                raise TypeCheckError(f"@{callee.name} takes the symbol {symbol}: pass the argument of the same symbol")
        return body.append(call.operation(definition=callee), operands[len(taken) :], op)


@contextmanager
def _at(op: ir.Operation) -> Iterator[None]:
    """Report errors, of the bindings too, at an operation."""
    try:
        yield
    except LiftError:
        raise
    except CatgradError as error:
        raise LiftError(error.message, op) from None
    except ValueError as error:
        raise LiftError(str(error), op) from None


def _only_block(function: func.FuncOp) -> ir.Block:
    if len(function.body.blocks) != 1:
        raise TypeCheckError(f"{function.sym_name.value} has {len(function.body.blocks)} blocks, expected one")
    return function.entry_block


class _Body:
    """The graph of one function as it is read.

    Args:
        symbols: The symbols by the arguments that hold them.
    """

    def __init__(self, symbols: Mapping[ir.Value, Symbol]) -> None:
        self.symbols = symbols
        self.reader = Reader(symbols.values())
        self._graph = LaxOpenHypergraph()
        self._nodes: dict[ir.Value, int] = {}
        self._locations: list[Location | None] = []

    def input(self, value: ir.Value) -> int:
        """Add a node for a value."""
        self._nodes[value] = self._graph.new_node(self.reader.type(value.type))
        return self._nodes[value]

    def append(self, operation: Operation, operands: Sequence[ir.Value], op: ir.OpView) -> None:
        """Add an edge."""
        inputs = [self._nodes[value] for value in operands]
        expected = operation.typing(*(cast(Any, self._graph.nodes[node]) for node in inputs))
        outputs = [self.input(result) for result in op.results]
        if expected != tuple(self._graph.nodes[node] for node in outputs):
            raise TypeCheckError(f"{operation.op.name} gives {', '.join(map(str, expected))} here")
        self._graph.new_edge(operation, inputs, outputs)
        self._locations.append(_location(op.location))

    def finish(self, sources: list[int], results: Sequence[ir.Value], name: str) -> Term:
        """Return the term."""
        if not all(value in self._nodes for value in results):
            raise TypeCheckError(f"{name} returns a symbol, which is no tensor")
        self._graph.sources, self._graph.targets = sources, [self._nodes[value] for value in results]
        strict, _ = self._graph.to_strict()
        graph, witness = explicit_copies(strict, lambda _, count: copy.operation(count=count))
        return Term.flat(graph, name, carry(self._locations, witness.edges))


def _name(attributes: Any, position: int) -> str:
    return ir.StringAttr(attributes[NAME]).value if NAME in attributes else f"argument {position}"


def _location(location: ir.Location) -> Location | None:
    """Return the first place in a file that a location knows."""
    if location.is_a_file():
        return Location(location.filename, location.start_line, location.start_col)
    if location.is_a_name():
        return _location(location.child_loc)
    if location.is_a_callsite():
        return _location(location.callee)
    return next(filter(None, map(_location, location.locations)), None) if location.is_a_fused() else None
