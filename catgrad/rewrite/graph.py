"""A term under rewriting: rebuilt operation by operation, each value known by the operation that makes it."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple, cast

from catgrad.hypergraph import LaxOpenHypergraph, OpenHypergraph, explicit_copies, restrict_to_outputs
from catgrad.location import Location
from catgrad.ops import Operation, broadcast_to, constant_operation, copy
from catgrad.rewrite.fold import Number, evaluated
from catgrad.term import carry
from catgrad.types import TensorType

__all__ = ["Builder", "Locations", "Producer"]

Locations = tuple[Location | None, ...]


class Producer(NamedTuple):
    """The operation that makes a value, and the values it reads."""

    operation: Operation
    inputs: tuple[int, ...]


class Builder:
    """Values are numbered: an operation applied twice to the same values is recorded once, one on literals is folded.

    Copies need no operation here: a value may be used any number of times.

    Attributes:
        location: The user's line that what is applied next comes from.
    """

    def __init__(self) -> None:
        self.location: Location | None = None
        self._graph = LaxOpenHypergraph()
        self._locations: list[Location | None] = []
        self._known: dict[Producer, tuple[int, ...]] = {}
        self._producers: dict[int, Producer] = {}
        self._numbers: dict[int, Number] = {}
        self._scalars: dict[Hashable, int] = {}
        self._shared: set[int] = set()

    def input(self, type: TensorType) -> int:
        """Return a new value that comes in from outside."""
        return self._graph.new_node(type)

    def type(self, value: int) -> TensorType:
        """Return the type of a value."""
        return cast(TensorType, self._graph.nodes[value])

    def producer(self, value: int) -> Producer | None:
        """Return what makes a value, or None for an input."""
        return self._producers.get(value)

    def number(self, value: int) -> Number | None:
        """Return the number that all elements of a value are, or None if that is not known."""
        return self._numbers.get(value)

    def literal(self, number: Number, type: TensorType) -> int:
        """Return the value whose elements are all one number."""
        key = number.dtype, number.tobytes()
        if key not in self._scalars:
            (self._scalars[key],) = self._recorded(Producer(constant_operation(number), ()))
        value = self._scalars[key]
        if type.rank:
            (value,) = self._recorded(Producer(broadcast_to.operation(shape=type.shape), (value,)))
        self._numbers[value] = number
        return value

    def share(self, value: int) -> None:
        """Note that a value is used more than once."""
        self._shared.add(value)

    def is_shared(self, value: int) -> bool:
        """Return whether a value is known to be used more than once."""
        return value in self._shared

    def apply(self, operation: Operation, inputs: Sequence[int]) -> tuple[int, ...]:
        """Return the values that an operation makes, recording it if it is new."""
        producer = Producer(operation, tuple(inputs))
        if producer not in self._known:
            number = evaluated(operation, [self.number(value) for value in inputs])
            if number is None:
                return self._recorded(producer)
            (type,) = operation.typing(*map(self.type, inputs))
            self._known[producer] = (self.literal(number, type),)
        return self._known[producer]

    def _recorded(self, producer: Producer) -> tuple[int, ...]:
        if producer not in self._known:
            types = producer.operation.typing(*map(self.type, producer.inputs))
            outputs = tuple(self._graph.new_node(type) for type in types)
            self._graph.new_edge(producer.operation, producer.inputs, outputs)
            self._locations.append(self.location)
            self._known[producer] = outputs
            self._producers.update(dict.fromkeys(outputs, producer))
        return self._known[producer]

    def finish(self, inputs: Sequence[int], outputs: Sequence[int]) -> tuple[OpenHypergraph, Locations]:
        """Return what the outputs depend on, with explicit copies, and the location of each edge."""
        self._graph.sources, self._graph.targets = list(inputs), list(outputs)
        live, kept = restrict_to_outputs(self._graph.to_strict()[0])
        graph, copied = explicit_copies(live, lambda _, count: copy.operation(count=count))
        return graph, carry(self._locations, (kept >> copied).edges)
