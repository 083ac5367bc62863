"""Tracing: running a Python function on traced values, and recording what it does as a term."""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from catgrad import ops, trees
from catgrad.errors import CatgradError, located
from catgrad.hypergraph import LaxOpenHypergraph, OpenHypergraph, explicit_copies
from catgrad.lang import keywords
from catgrad.lang.var import Var
from catgrad.location import Location, caller
from catgrad.ops import Definition, Operation
from catgrad.term import Term, carry
from catgrad.types import TensorType, as_array, no_array

__all__ = ["Program", "Tracer", "trace_function"]


@dataclass
class Program:
    """Program: terms and definitions that its traces share, so that equal code is there once.

    Attributes:
        terms: Terms by what was recorded (hash consing): equal ones are one object.
        traced: Definitions by closure and types, with the positions of what they capture in the closure's values.
        active: The closures and types that are being traced.
    """

    terms: dict[Hashable, Term] = field(default_factory=dict)
    traced: dict[Hashable, tuple[Definition, tuple[int, ...]]] = field(default_factory=dict)
    active: set[Hashable] = field(default_factory=set)
    _definitions: dict[Hashable, Definition] = field(default_factory=dict)

    @contextmanager
    def tracing(self, key: Hashable | None, name: str) -> Iterator[None]:
        """Know, for the time of a block, that a definition is being traced; nothing is known of one without a key.

        Raises:
            CatgradError: It is being traced already, or Python's stack ends in it.
        """
        if key is not None and key in self.active:
            raise CatgradError(f"{name} calls itself with arguments of the same types: a term is finite")
        self.active.add(key)
        try:
            yield
        except RecursionError:
            raise CatgradError(
                f"{name} calls itself, or definitions are nested more deeply than Python's stack, "
                f"sys.getrecursionlimit() = {sys.getrecursionlimit()}: a term is finite"
            ) from None
        finally:
            self.active.discard(key)

    def definition(self, code: Hashable, name: str, term: Term) -> Definition:
        """Return the definition of a term: one for all equal terms of the same code."""
        key = code, name, term.graph, term.input_tree, term.output_tree
        return self._definitions.setdefault(key, Definition(name, replace(term, captured=())))


class Tracer:
    """The recorder that builds a term.

    A value of a trace around this one becomes an input (closure conversion).

    Args:
        program: What it shares with the traces of the definitions it calls.
        outer: The trace around this one, if what is traced may use its values.

    Attributes:
        captured: The values of traces around this one that it has used, with the inputs that they are here.
    """

    def __init__(self, program: Program, outer: Tracer | None = None) -> None:
        self.program = program
        self.captured: dict[tuple[Any, int], tuple[Var, Var]] = {}
        self._outer = outer
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
        return x if x.tracer is self else self._capture(x)

    def _capture(self, x: Var) -> Var:
        if not any(tracer is x.tracer for tracer in self._around()):
            raise CatgradError(f"{x!r} belongs to another function being traced: pass it in as an argument")
        key = x.tracer, x.node
        if key not in self.captured:
            self.captured[key] = x, self.input(x.type)
        return self.captured[key][1]

    def _around(self) -> Iterator[Tracer]:
        """Yield the traces around this one whose values it may use, innermost first."""
        outer = self._outer
        while outer is not None:
            yield outer
            outer = outer._outer

    def _number(self, x: Any) -> Var:
        if not isinstance(x, bool | int | float):
            raise no_array(x)
        return self.constant(ops.numbers(x))

    def recorded(self, inputs: Sequence[Var], outputs: Sequence[Var]) -> Hashable:
        """Return what was recorded as a key: equal for two traces that did the same to inputs of the same types."""
        graph = self._graph
        ends = (tuple(map(tuple, side)) for side in (graph.edge_sources, graph.edge_targets))
        boundaries = (tuple(x.node for x in side) for side in (inputs, outputs))
        return tuple(graph.nodes), tuple(graph.edges), *ends, *boundaries

    def graph(self, inputs: Sequence[Var], outputs: Sequence[Var]) -> OpenHypergraph:
        """Return what was recorded, in which values are shared without copies."""
        self._graph.sources, self._graph.targets = [x.node for x in inputs], [x.node for x in outputs]
        return self._graph.to_strict()[0]

    def finish(self, inputs: Sequence[Var], outputs: Sequence[Var], name: str) -> Term:
        """Return what was recorded, with an explicit copy wherever a value is not used exactly once."""
        recorded = self.graph(inputs, outputs)
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
        arguments: Nested types, one for each argument; the last may be `Keywords`.
        argument_names: What the user calls the others.
        program: That of the trace around this one, if there is one: what it has computed may be captured.

    Returns:
        The term; what it has captured is one more argument, the last.

    Raises:
        TypeCheckError: An operation rejected its operands; the error shows the user's line.
        CatgradError: A result is no array, or belongs to another trace.
    """
    shared = program or Program()
    tracer = Tracer(shared, _around(shared))
    leaves, input_tree = trees.flatten(tuple(arguments))
    inputs = [tracer.input(_checked(leaf)) for leaf in leaves]
    with located(), ops.recording(tracer):
        results = keywords.apply(function, trees.unflatten(input_tree, inputs))
        flat, output_tree = trees.flatten(results)
        outputs = [tracer.value(x) for x in flat]
    used = list(tracer.captured.values())
    captured = (tuple(outer.type for outer, _ in used),) if used else ()
    nested, inputs = (*arguments, *captured), [*inputs, *(inner for _, inner in used)]
    code = name, trees.flatten(nested)[1], output_tree, tracer.recorded(inputs, outputs)
    if code not in shared.terms:
        places, named = keywords.split(arguments)
        roots = [*zip(argument_names, places, strict=True), *named.items(), *(("captured", each) for each in captured)]
        names = [leaf for root, tree in roots for leaf in trees.leaf_names(root, tree)]
        shared.terms[code] = tracer.finish(inputs, outputs, name).nested(code[1], output_tree, names)
    term = shared.terms[code]
    return replace(term, captured=tuple(outer for outer, _ in used)) if used else term


def _around(program: Program) -> Tracer | None:
    """Return the trace that is going on, if it is one of the program."""
    found = ops.recorder()
    return found if isinstance(found, Tracer) and found.program is program else None


def _checked(leaf: Any) -> TensorType:
    if not isinstance(leaf, TensorType):
        raise CatgradError(f"an argument is described by its type, like cg.f32[3, 4]; got {leaf!r}")
    return leaf
