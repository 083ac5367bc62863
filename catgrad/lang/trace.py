"""Tracing: running a Python function on traced values, and recording what it does as a term."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from catgrad import ops, trees
from catgrad.errors import CatgradError, located
from catgrad.hypergraph import LaxOpenHypergraph, explicit_copies
from catgrad.lang.var import Var
from catgrad.location import Location, caller
from catgrad.ops import Definition, Operation
from catgrad.term import Term, carry
from catgrad.types import TensorType, as_array

__all__ = ["Program", "Tracer", "trace_function"]


@dataclass
class Program:
    """What the traces of one program share: its terms and definitions, so that equal code is there once.

    Attributes:
        terms: Terms by what was recorded (hash consing): equal ones are one object.
        definitions: Definitions by function and types, or by their terms; None while one is being traced.
    """

    terms: dict[Hashable, Term] = field(default_factory=dict)
    definitions: dict[Hashable, Definition | None] = field(default_factory=dict)


class Tracer:
    """The recorder that builds a term.

    Args:
        program: What it shares with the traces of the definitions it calls.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self._graph = LaxOpenHypergraph()
        self._locations: list[Location | None] = []
        self._literals: dict[Operation, Var] = {}

    def input(self, type: TensorType) -> Var:
        """Return a new value that will come in from outside."""
        return Var(self, self._graph.new_node(type), type)

    def constant(self, array: np.ndarray[Any, Any]) -> Var:
        """Return the value of a literal; equal literals are one value."""
        operation = ops.constant_operation(array)
        if operation not in self._literals:
            self._literals[operation] = self.record(operation, ())[0]
        return self._literals[operation]

    def record(self, operation: Operation, operands: Sequence[Any]) -> tuple[Var, ...]:
        """Infer the result types and append the operation.

        Raises:
            TypeCheckError: The typing rule rejects the operands.
        """
        inputs = [self.value(x) for x in operands]
        outputs = operation.typing(*(x.type for x in inputs))
        nodes = [self._graph.new_node(type) for type in outputs]
        self._graph.new_edge(operation, [x.node for x in inputs], nodes)
        self._locations.append(caller())
        return tuple(Var(self, node, type) for node, type in zip(nodes, outputs, strict=True))

    def value(self, x: Any) -> Var:
        """Return a result or operand as a value of this trace: arrays and numbers become literals."""
        if not isinstance(x, Var):
            return self.constant(as_array(x)) if isinstance(x, np.ndarray | np.generic | list) else self._number(x)
        if x.tracer is not self:
            raise CatgradError(f"{x!r} belongs to another function being traced: pass it in as an argument")
        return x

    def _number(self, x: Any) -> Var:
        if not isinstance(x, bool | int | float):
            raise CatgradError(f"expected an array or a number, got {type(x).__name__}")
        return self.constant(ops.numbers(x))

    def recorded(self, inputs: Sequence[Var], outputs: Sequence[Var]) -> Hashable:
        """Return what was recorded as a key: equal for two traces that did the same to inputs of the same types."""
        graph = self._graph
        ends = (tuple(map(tuple, side)) for side in (graph.edge_sources, graph.edge_targets))
        boundaries = (tuple(x.node for x in side) for side in (inputs, outputs))
        return tuple(graph.nodes), tuple(graph.edges), *ends, *boundaries

    def finish(self, inputs: Sequence[Var], outputs: Sequence[Var], name: str) -> Term:
        """Return what was recorded, with an explicit copy wherever a value is not used exactly once."""
        self._graph.sources, self._graph.targets = [x.node for x in inputs], [x.node for x in outputs]
        recorded, _ = self._graph.to_strict()
        graph, witness = explicit_copies(recorded, lambda _, count: ops.copy.operation(count=count))
        return Term.flat(graph, name, carry(self._locations, witness.edges))


def trace_function(
    function: Callable[..., Any],
    name: str,
    arguments: Sequence[Any],
    argument_names: Sequence[str],
    program: Program | None = None,
) -> Term:
    """Run `function` on traced values and return what it did; what did the same before in `program` is the same term.

    Args:
        function: Takes and returns nested arrays.
        name: A name for the term.
        arguments: Nested types, one for each argument.
        argument_names: What the user calls them.
        program: What to share with other traces.

    Raises:
        TypeCheckError: An operation rejected its operands; the error shows the user's line.
        CatgradError: A result is no array, or belongs to another trace.
    """
    shared = program or Program()
    tracer = Tracer(shared)
    leaves, input_tree = trees.flatten(tuple(arguments))
    inputs = [tracer.input(_checked(leaf)) for leaf in leaves]
    with located(), ops.recording(tracer):
        results = function(*trees.unflatten(input_tree, inputs))
        flat, output_tree = trees.flatten(results)
        outputs = [tracer.value(x) for x in flat]
    code = name, input_tree, output_tree, tracer.recorded(inputs, outputs)
    if code in shared.terms:
        return shared.terms[code]
    names = [
        leaf for root, tree in zip(argument_names, arguments, strict=True) for leaf in trees.leaf_names(root, tree)
    ]
    return shared.terms.setdefault(code, tracer.finish(inputs, outputs, name).nested(input_tree, output_tree, names))


def _checked(leaf: Any) -> TensorType:
    if not isinstance(leaf, TensorType):
        raise CatgradError(f"an argument is described by its type, like cg.f32[3, 4]; got {leaf!r}")
    return leaf
