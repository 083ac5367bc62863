"""Terms: typed open hypergraphs of operations, with the definitions that they call.

A term f : A → B has a monogamous acyclic graph: each node is a value with one producer and one consumer, labelled with
its tensor type, and each edge is an operation of the table. Using a value twice is a `copy` edge.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any, TypeVar

from catgrad import dims
from catgrad.body import Step
from catgrad.cached import cached_property
from catgrad.containers import parts
from catgrad.dims import Extent, Symbol
from catgrad.hypergraph import Hypergraph, OpenHypergraph, Segments, labels, schedule
from catgrad.location import Location
from catgrad.ops import Definition, Kind, Operation, call
from catgrad.show import Shown
from catgrad.text import printable
from catgrad.trees import Tree, example, flatten, unflatten
from catgrad.types import TensorType

__all__ = ["Term", "carry", "linkable"]

T = TypeVar("T")

_REMEMBERED = 64
"""How many things a term remembers that it has found out, its bodies for given sizes among them."""


@dataclass(frozen=True, eq=False)
class Term(Shown):
    """A program f : A → B.

    Attributes:
        graph: The diagram. Node labels are `TensorType`s, edge labels `Operation`s.
        name: A name for people and for the compiled function.
        locations: For each edge, the line of the user's program that it came from, where known.
        input_tree: How the arguments were nested.
        output_tree: How the results are nested.
        input_names: How the user would write each input: "x", "state['weight']".
        donates: Indices of inputs whose storage the outputs may take over.
        captured: Values of the traces around this one that it uses; they come in as one more argument, the last.
    """

    graph: OpenHypergraph
    name: str
    locations: tuple[Location | None, ...]
    input_tree: Tree
    output_tree: Tree
    input_names: tuple[str, ...]
    donates: frozenset[int] = frozenset()
    captured: tuple[Any, ...] = ()
    _bound: dict[Any, Any] = field(default_factory=dict, repr=False)

    def __reduce__(self) -> tuple[Any, ...]:
        parts = {each.name: getattr(self, each.name) for each in fields(self) if each.name not in _UNPICKLED}
        # Callees first, so that nothing that is pickled is nested as deeply as the definitions are.
        return _restored, (self.definitions, parts, example(self.input_tree), example(self.output_tree))

    @staticmethod
    def flat(graph: OpenHypergraph, name: str, locations: Sequence[Location | None] = ()) -> Term:
        """Return a term of plain tuples; edges past the end of `locations` have none."""
        sources, targets = len(graph.sources), len(graph.targets)
        return Term(
            graph=graph,
            name=name,
            locations=(*locations, *[None] * (len(graph.hypergraph.edges) - len(locations))),
            input_tree=flatten((0,) * sources)[1],
            output_tree=flatten((0,) * targets)[1],
            input_names=tuple(f"argument {i}" for i in range(sources)),
        )

    @cached_property
    def source_types(self) -> tuple[TensorType, ...]:
        """Types of the inputs."""
        return tuple(self.graph.source_type)

    @cached_property
    def target_types(self) -> tuple[TensorType, ...]:
        """Types of the outputs."""
        return tuple(self.graph.target_type)

    @cached_property
    def inputs(self) -> tuple[int, ...]:
        """Nodes of the source boundary."""
        return tuple(self.graph.sources.table.tolist())

    @cached_property
    def outputs(self) -> tuple[int, ...]:
        """Nodes of the target boundary."""
        return tuple(self.graph.targets.table.tolist())

    @cached_property
    def node_types(self) -> tuple[TensorType, ...]:
        """Type of each node."""
        return tuple(self.graph.hypergraph.nodes)

    @property
    def arguments(self) -> tuple[Any, ...]:
        """The arguments that its caller gives, as nested positions of inputs."""
        nested: tuple[Any, ...] = example(self.input_tree)
        return nested[:-1] if self.captured else nested

    @property
    def type(self) -> str:
        """The type as text: `(f32[B, 784], f32[784, 10]) -> f32[B, 10]`."""
        return f"({_show(self.input_tree, self.source_types)}) -> {_show(self.output_tree, self.target_types)}"

    def __repr__(self) -> str:
        return f"<term {self.name} : {self.type}, {len(self.graph.hypergraph.edges)} operations>"

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """The operations in an order in which values exist before they are used."""
        graph = self.graph.hypergraph
        edges, sources, targets = graph.edges, graph.sources.lists(), graph.targets.lists()
        return tuple(
            Step(edges[e], tuple(sources[e]), tuple(targets[e]), self.locations[e])
            for e in schedule(self.graph).values.tolist()
        )

    @cached_property
    def definitions(self) -> tuple[Definition, ...]:
        """Every definition that is called, directly or not, callees before callers."""
        found: dict[Definition, None] = {}
        todo = list(reversed(self.called))
        while todo:
            missing = [callee for callee in todo[-1].term.called if callee not in found]
            todo += reversed(missing)
            if not missing:
                found.setdefault(todo.pop())
        return tuple(found)

    @cached_property
    def called(self) -> tuple[Definition, ...]:
        """The definitions that are called directly, in order of first use."""
        calls = (step.operation for step in self.steps if step.operation.op is call)
        return tuple(dict.fromkeys(operation.keywords["definition"] for operation in calls))

    @cached_property
    def symbols(self) -> tuple[Symbol, ...]:
        """The dimension symbols of the term and its definitions, in order of first appearance."""
        found: dict[str, Symbol] = {}
        for extents in self._extents():
            found.update((s.name, s) for s in dims.symbols(extents) if s.name not in found)
        return tuple(found.values())

    @property
    def nonempty(self) -> tuple[Extent, ...]:
        """The extents, here and in definitions, that have to be at least 1 for the results, and are not provably so."""
        return self._nonempty(self._all_results)

    @cached_property
    def symbolic_types(self) -> tuple[TensorType, ...]:
        """The types, here and in definitions, that depend on symbols."""
        found = dict.fromkeys(type for body in self._bodies for type in body.node_types)
        return tuple(type for type in found if not type.is_static)

    @property
    def _bodies(self) -> tuple[Term, ...]:
        return (*(definition.term for definition in self.definitions), self)

    @property
    def _all_results(self) -> frozenset[int]:
        return frozenset(range(len(self.outputs)))

    def _nonempty(self, results: frozenset[int]) -> tuple[Extent, ...]:
        """Return the extents that have to be at least 1 for some of the results."""
        return self.remembered(("nonempty", results), lambda: tuple(dict.fromkeys(self._operands_nonempty(results))))

    def _operands_nonempty(self, results: frozenset[int]) -> Iterator[Extent]:
        for step, wanted in self.needed(results):
            if step.operation.op is call:
                yield from step.operation.keywords["definition"].term._nonempty(wanted)
            elif step.operation.op.nonempty is not None:
                extents = step.operation.nonempty(*(self.node_types[node] for node in step.inputs))
                yield from (extent for extent in extents if not dims.provably_positive(extent))

    def needed(self, results: frozenset[int]) -> tuple[tuple[Step, frozenset[int]], ...]:
        """Return the operations that some of the results depend on, in order, each with which of its own they need.

        Args:
            results: Positions among the outputs.
        """
        return self.remembered(("needed", results), lambda: tuple(reversed(tuple(self._backwards(results)))))

    def _backwards(self, results: frozenset[int]) -> Iterator[tuple[Step, frozenset[int]]]:
        nodes = {self.outputs[i] for i in results}
        for step in reversed(self.steps):
            wanted = frozenset(i for i, node in enumerate(step.outputs) if node in nodes)
            if wanted:
                yield step, wanted
                nodes.update(_read(step, wanted))

    def _inputs_for(self, results: frozenset[int]) -> tuple[int, ...]:
        """Return the positions of the inputs that some of the results depend on."""
        return self.remembered(("inputs", results), lambda: self._find_inputs(results))

    def _find_inputs(self, results: frozenset[int]) -> tuple[int, ...]:
        nodes = {self.outputs[i] for i in results}
        nodes.update(node for step, wanted in self.needed(results) for node in _read(step, wanted))
        return tuple(i for i, node in enumerate(self.inputs) if node in nodes)

    def remembered(self, key: Any, make: Callable[[], T]) -> T:
        """Return what is found once for each key, as long as there are not many."""
        found: T | None = self._bound.get(key)
        if found is None:
            found = make()
            if len(self._bound) >= _REMEMBERED:
                self._bound.clear()
            self._bound[key] = found
        return found

    def _extents(self) -> Iterator[Sequence[Extent]]:
        types = dict.fromkeys((*self.source_types, *self.node_types))
        yield from (t.shape for t in types)
        for operation in dict.fromkeys(step.operation for step in self.steps):
            for name, value in operation.attributes:
                kind = operation.op.attributes[name]
                if kind is Kind.DEFINITION:
                    yield value.term.symbols
                elif kind in (Kind.SHAPE, Kind.EXTENT):
                    yield value if kind is Kind.SHAPE else (value,)

    def substitute(self, values: Mapping[str, Extent]) -> Term:
        """Return the term with symbols replaced by extents: in types, attributes and definitions."""
        if not any(symbol.name in values for symbol in self.symbols):
            return self
        return self.remembered(tuple(sorted(values.items())), lambda: self._substitute(values))

    def _substitute(self, values: Mapping[str, Extent]) -> Term:
        for definition in self.definitions:  # callees first, so that Python's stack does not grow with their nesting
            definition.term.substitute(values)
        graph = self.graph.hypergraph
        renamed = {operation: _bind(operation, values) for operation in dict.fromkeys(graph.edges)}
        nodes = labels([node.substitute(values) for node in graph.nodes])
        bound = Hypergraph(nodes, labels([renamed[e] for e in graph.edges]), graph.sources, graph.targets)
        return replace(self, graph=OpenHypergraph(self.graph.sources, self.graph.targets, bound), _bound={})

    def evaluate(self, xp: Any, *arrays: Any, results: frozenset[int] | None = None) -> tuple[Any, ...]:
        """Evaluate operation by operation, by the reference meanings; every symbol must have been replaced.

        Args:
            xp: The namespace of the arrays.
            *arrays: The inputs; any value for those that no wanted result depends on.
            results: Positions of the outputs that are wanted, all of them if None; the others are None. What only they
                depend on is not evaluated, and need not have a value.
        """
        wanted = self._all_results if results is None else results
        values = dict(zip(self.inputs, arrays, strict=True))
        for step, some in self.needed(wanted):
            operands, operation = [values.get(node) for node in step.inputs], step.operation
            if operation.op is call:
                made = operation.keywords["definition"].term.evaluate(xp, *operands, results=some)
            else:
                made = operation.op.evaluate(xp, *operands, **operation.keywords)
            values.update(zip(step.outputs, made, strict=True))
        return tuple(values.get(node) if i in wanted else None for i, node in enumerate(self.outputs))

    def nested(self, input_tree: Tree, output_tree: Tree, input_names: Sequence[str]) -> Term:
        """Return the term with its arguments and results nested as the user wrote them."""
        return replace(self, input_tree=input_tree, output_tree=output_tree, input_names=tuple(input_names), _bound={})

    def with_graph(self, graph: OpenHypergraph, locations: Sequence[Location | None]) -> Term:
        """Return the term with another graph of the same type; edges past the end of `locations` have none."""
        padded = (*locations, *[None] * (len(graph.hypergraph.edges) - len(locations)))
        return replace(self, graph=graph, locations=padded, _bound={})


def _read(step: Step, results: frozenset[int]) -> Sequence[int]:
    """Return the nodes that some results of an operation depend on."""
    if step.operation.op is not call:
        return step.inputs
    positions: tuple[int, ...] = step.operation.keywords["definition"].term._inputs_for(results)
    return [step.inputs[i] for i in positions]


_LONGEST_NAME = 200
"""How many letters of a name linkers see; people and files see all."""
_UNPICKLED = ("input_tree", "output_tree", "_bound")


def _restored(_: Sequence[Definition], parts: Mapping[str, Any], inputs: Any, outputs: Any) -> Term:
    """Return a term of which a pickle has examples of the arguments and the results."""
    return Term(**parts, input_tree=flatten(inputs)[1], output_tree=flatten(outputs)[1])


def linkable(name: str) -> str:
    """Return a name that linkers accept, and that neither LLVM nor the compiler has a use for.

    Functions that begin with "llvm." are LLVM's intrinsics; one that ends with ".workspace" tells the size of another's
    (`catgrad.passes.workspace`).

    Example:
        >>> linkable("value_and_grad(f)"), linkable("exp.vjp"), linkable("llvm.exp")
        ('value_and_grad_f', 'exp.vjp', 'llvm_exp')
    """
    text = re.sub(r"[^\w.$]+", "_", name)[:_LONGEST_NAME].strip("_") or "f"
    return re.sub(r"^llvm\.|\.workspace$", lambda found: found[0].replace(".", "_"), text)


def carry(locations: Sequence[Location | None], edges: Segments) -> tuple[Location | None, ...]:
    """Return the locations of new edges, given for each old edge the new edges that came from it."""
    found: dict[int, Location | None] = {}
    for location, images in zip(locations, edges.lists(), strict=True):
        found.update(dict.fromkeys(images, location))
    return tuple(found.get(edge) for edge in range(max(found, default=-1) + 1))


def _bind(operation: Operation, values: Mapping[str, Extent]) -> Operation:
    binders: dict[Kind, Callable[[Any], Any]] = {
        Kind.SHAPE: lambda shape: tuple(dims.substitute(e, values) for e in shape),
        Kind.EXTENT: lambda e: dims.substitute(e, values),
        Kind.DEFINITION: lambda d: _bind_definition(d, values),
    }
    kinds = operation.op.attributes
    bound = tuple((name, binders.get(kinds[name], lambda v: v)(value)) for name, value in operation.attributes)
    return Operation(operation.op, bound)


def _bind_definition(definition: Definition, values: Mapping[str, Extent]) -> Definition:
    """Return the definition of the bound body: one object for every call of the same definition."""
    term = definition.term.substitute(values)
    if term is definition.term:
        return definition
    found: Definition = term._bound.setdefault("definition", Definition(definition.name, term))
    return found


def _show(tree: Tree, types: Sequence[TensorType]) -> str:
    """Show nested types as Python would, a tuple of arguments without its brackets."""
    nested = unflatten(tree, types)
    if isinstance(nested, tuple):
        return ", ".join(map(_show_nested, nested))
    return _show_nested(nested)


def _show_nested(value: Any) -> str:
    if isinstance(value, TensorType):
        return str(value)
    items = [(printable(str(key)), _show_nested(item)) for key, item in parts(value)]
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {item}" for key, item in items) + "}"
    if isinstance(value, tuple | list):
        return "(" + ", ".join(item for _, item in items) + ")"
    if is_dataclass(value) and type(value).__str__ is object.__str__:
        return f"{type(value).__name__}({', '.join(f'{key}={item}' for key, item in items)})"
    return str(value)
