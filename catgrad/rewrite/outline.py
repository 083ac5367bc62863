"""Outlining: what a term repeats becomes a definition, and the term a driver, which only calls.

    w₀      w₁      w₂                         w₀          w₁          w₂
    │       │       │                          │           │           │
──[dot][tanh][dot][tanh][dot][tanh]──  ↦  ──[layer]─────[layer]─────[layer]──

The operations of a term, in order, are a word, and what is repeated in it are its tandem repeats. Each repetition, and
each stretch between repetitions, becomes a call; stretches that are equal up to what they read are calls of one
definition. A stretch of an order in which values exist before they are used depends on earlier ones only, so the calls
have an order too.

Nothing is cut apart that would be one loop. Two entrywise operations of which one reads the other can be one if as many
kernels lie before the one as before the other; a repetition that shares such a pair with its neighbours stays as it is.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from catgrad.body import Step
from catgrad.cached import cached_property
from catgrad.hypergraph import LaxOpenHypergraph, OpenHypergraph, explicit_copies, forget, restrict_to_outputs
from catgrad.ops import Definition, Operation, call, cast, copy, nat_to_tensor
from catgrad.rewrite.fold import SPREADS, Number, evaluated
from catgrad.rewrite.graph import Builder, Locations
from catgrad.rewrite.inline import kernels
from catgrad.term import Term, carry
from catgrad.words import REPEATS, Repeat, repeats

__all__ = ["Driver", "outline"]

_LONGEST = 128
"""How many operations one repetition may have."""


class Driver(NamedTuple):
    """A term that only calls.

    Attributes:
        term: The term.
        parts: What it calls; nothing if it repeats nothing, and then it is what was given.
    """

    term: Term
    parts: frozenset[Definition]


def outline(term: Term) -> Driver:
    """Return an equal term of calls alone if the given one repeats something.

    Example:
        >>> import catgrad as cg
        >>> def f(x, weights):
        ...     for weight in weights:
        ...         x = cg.tanh(x @ weight)
        ...     return x
        >>> driver = outline(cg.trace(f, cg.f32[3, 3], (cg.f32[3, 3],) * 16))
        >>> [definition.name for definition in driver.term.definitions], len(driver.term.steps)
        (['f.part'], 16)
    """
    line = _Line(term)
    found = [run for repeat in repeats(line.letters, _LONGEST) for run in _separable(line, repeat)]
    if not found:
        return Driver(term, frozenset())
    return _Outliner(line).driver(_stretches(found, len(line.steps)))


def _separable(line: _Line, repeat: Repeat) -> Iterator[Repeat]:
    """Yield a repeat, moved by less than a period, whose repetitions begin with a kernel, or else anywhere."""
    moved = [_moved(repeat, shift) for shift in range(repeat.period)]
    fit = [each for each in moved if each.count >= REPEATS and line.is_separable(each)]
    yield from sorted(fit, key=lambda each: not line.is_kernel[each.start])[:1]


def _moved(repeat: Repeat, shift: int) -> Repeat:
    return Repeat(repeat.start + shift, repeat.period, repeat.count - (shift > 0))


def _stretches(found: Sequence[Repeat], length: int) -> Iterator[range]:
    """Yield the repetitions, and what is between them."""
    position = 0
    for repeat in found:
        yield range(position, repeat.start)
        yield from repeat.ranges
        position = repeat.stop
    yield range(position, length)


class _Line:
    """The operations of a term in order, where values are shared without copies and literals are made where needed.

    Attributes:
        term: The term without copies.
        literals: What is known of each literal: its number, or else what makes it of an extent.
        names: How each literal is made: equal for equal ones.
        steps: The other operations.
        is_kernel: For each of these, whether it is one.
    """

    def __init__(self, term: Term) -> None:
        shared, forgotten = forget(term.graph, lambda operation: operation.op is copy)
        graph, kept = restrict_to_outputs(shared)
        self.term = term.with_graph(graph, carry(term.locations, (forgotten >> kept).edges))
        self.literals: dict[int, Number | Step] = {}
        self.names: dict[int, Hashable] = {}
        self.steps: list[Step] = []
        numbers: dict[Hashable, int] = {}
        returned = set(self.term.outputs)
        for step in self.term.steps:
            literal = self._literal(step) if returned.isdisjoint(step.outputs) else None
            if literal is None:
                self.steps.append(step)
            else:
                (node,) = step.outputs
                self.literals[node] = literal
                name = self._made_like(literal), self.term.node_types[node]
                self.names[node] = "literal", numbers.setdefault(name, len(numbers))
        found = kernels(self.term)
        self.is_kernel = [step.operation in found for step in self.steps]

    def _literal(self, step: Step) -> Number | Step | None:
        """Return what makes copies of one number that depends on no input, or None for other operations."""
        operands = [self.literals.get(node) for node in step.inputs]
        number = evaluated(step.operation, [each if isinstance(each, np.ndarray) else None for each in operands])
        if number is not None:
            return number
        is_spread = step.operation.op in (*SPREADS, cast) and operands[0] is not None
        return step if is_spread or step.operation.op is nat_to_tensor else None

    def _made_like(self, literal: Number | Step) -> Hashable:
        if isinstance(literal, Step):
            return literal.operation, *(self.names[node] for node in literal.inputs)
        return literal.tobytes()

    @cached_property
    def letters(self) -> list[Hashable]:
        """Letters to compare: operations, the types of what they read and make, and literals."""
        names = {**dict(enumerate(self.term.node_types)), **self.names}
        return [(step.operation, *(names[node] for node in (*step.inputs, *step.outputs))) for step in self.steps]

    @cached_property
    def last_use(self) -> dict[int, int]:
        """The last position that reads each value; past the end for what is returned."""
        found = {node: position for position, step in enumerate(self.steps) for node in step.inputs}
        return {**found, **dict.fromkeys(self.term.outputs, len(self.steps))}

    @cached_property
    def _fusible(self) -> tuple[np.ndarray, np.ndarray]:
        """The positions of entrywise operations that can be one loop with a reader of theirs, and of the readers."""
        made = {node: position for position, step in enumerate(self.steps) for node in step.outputs}
        depths: list[int] = []
        pairs = []
        for position, step in enumerate(self.steps):
            makers = [made[node] for node in step.inputs if node in made]
            depths.append(max((depths[maker] + self.is_kernel[maker] for maker in makers), default=0))
            entrywise = [maker for maker in makers if not (self.is_kernel[maker] or self.is_kernel[position])]
            pairs += [(maker, position) for maker in entrywise if depths[maker] == depths[position]]
        makers_, readers = np.array(pairs, np.int64).reshape(-1, 2).T
        return makers_, readers

    def is_separable(self, repeat: Repeat) -> bool:
        """Return whether no repetition, but for the first and the last, can be one loop with what is outside of it."""
        first, second = ((positions - repeat.start) // repeat.period for positions in self._fusible)
        inner = [(0 < each) & (each < repeat.count - 1) for each in (first, second)]
        return not ((first != second) & (inner[0] | inner[1])).any()


class _Outliner:
    """The definitions that a line becomes calls of."""

    def __init__(self, line: _Line) -> None:
        self._line = line
        self._calls: dict[Hashable, Operation] = {}

    def driver(self, stretches: Iterator[range]) -> Driver:
        """Return the term of the calls."""
        term, lax, locations = self._line.term, LaxOpenHypergraph(), []
        nodes = {node: lax.new_node(term.node_types[node]) for node in term.inputs}
        for stretch in filter(None, stretches):
            part = _Part(self._line, stretch)
            nodes.update((node, lax.new_node(term.node_types[node])) for node in part.outputs)
            lax.new_edge(self._call(part), *([nodes[node] for node in side] for side in (part.inputs, part.outputs)))
            locations.append(self._line.steps[stretch.start].location)
        lax.sources, lax.targets = ([nodes[node] for node in side] for side in (term.inputs, term.outputs))
        graph, copied = explicit_copies(lax.to_strict()[0], lambda _, count: copy.operation(count=count))
        parts = frozenset(operation.keywords["definition"] for operation in self._calls.values())
        return Driver(term.with_graph(graph, carry(locations, copied.edges)), parts)

    def _call(self, part: _Part) -> Operation:
        if part.key not in self._calls:
            name = f"{self._line.term.name}.part"
            definition = part.called or Definition(name, Term.flat(*part.body(name)))
            self._calls[part.key] = call.operation(definition=definition)
        return self._calls[part.key]


class _Part:
    """A stretch of a line.

    Attributes:
        inputs: Values that it reads, in order of first use.
        outputs: Values that are read outside of it.
        called: The definition, if it is no more than a call.
        key: Equal for stretches that differ in their inputs alone.
    """

    def __init__(self, line: _Line, stretch: range) -> None:
        self._line = line
        self._steps = [line.steps[position] for position in stretch]
        self.called = self._called()
        numbers: dict[int, int] = {}
        for node in (node for step in self._steps for node in (*step.inputs, *step.outputs)):
            numbers.setdefault(node, len(numbers))
        made = dict.fromkeys(node for step in self._steps for node in step.outputs)
        self.inputs = tuple(node for node in numbers if node not in made and node not in line.literals)
        self.outputs = tuple(node for node in made if line.last_use.get(node, -1) >= stretch.stop)
        if self.called:
            self.inputs, self.outputs = self._steps[0].inputs, self._steps[0].outputs
        self.key = (
            tuple((step.operation, *(self._name(node, numbers) for node in step.inputs)) for step in self._steps),
            tuple(numbers[node] for node in self.outputs),
            tuple(line.term.node_types[node] for node in self.inputs),
        )

    def _called(self) -> Definition | None:
        step, *more = self._steps
        is_call = step.operation.op is call and not more and self._line.literals.keys().isdisjoint(step.inputs)
        return step.operation.keywords["definition"] if is_call else None

    def _name(self, node: int, numbers: dict[int, int]) -> Hashable:
        """Return what a value is called in all stretches that are equal: how it is made if a literal, else a number."""
        return self._line.names.get(node, numbers[node])

    def body(self, name: str) -> tuple[OpenHypergraph, str, Locations]:
        """Return the stretch as a term has it, with the literals that it reads."""
        builder, types = Builder(), self._line.term.node_types
        values = {node: builder.input(types[node]) for node in self.inputs}
        todo = list(reversed(self._steps))
        while todo:
            step = todo[-1]
            builder.location = step.location
            todo += (missing := self._literals_missing(step, builder, values))
            if not missing:
                made = builder.apply(step.operation, [values[node] for node in step.inputs])
                values.update(zip(step.outputs, made, strict=True))
                todo.pop()
        graph, locations = builder.finish(*([values[node] for node in side] for side in (self.inputs, self.outputs)))
        return graph, name, locations

    def _literals_missing(self, step: Step, builder: Builder, values: dict[int, int]) -> list[Step]:
        """Emit the numbers that an operation reads; return what makes other literals that are not there yet."""
        missing = []
        for node in (node for node in step.inputs if node not in values):
            literal = self._line.literals[node]
            if isinstance(literal, Step):
                missing.append(literal)
            else:
                values[node] = builder.literal(literal, self._line.term.node_types[node])
        return missing
