"""Read-only view of a program: a term without what transforms it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from catgrad.dims import Symbol
from catgrad.hypergraph import OpenHypergraph
from catgrad.location import Location
from catgrad.ops import Definition, Operation
from catgrad.trees import Tree
from catgrad.types import TensorType

__all__ = ["Body", "Step"]


@dataclass(frozen=True)
class Step:
    """One operation of a term, in an order in which values exist before they are used.

    Attributes:
        operation: The operation with its attributes.
        inputs: Nodes it reads.
        outputs: Nodes it makes.
        location: The user's line, where known.
    """

    operation: Operation
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    location: Location | None


class Body(Protocol):
    """A term, as far as text, diagrams and files need to know; see `catgrad.term.Term`."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def type(self) -> str:
        """Its type as text."""

    @property
    def graph(self) -> OpenHypergraph:
        """The diagram."""

    @property
    def steps(self) -> tuple[Step, ...]:
        """The operations, in order."""

    @property
    def outputs(self) -> tuple[int, ...]:
        """Nodes of the target boundary."""

    @property
    def node_types(self) -> tuple[TensorType, ...]:
        """Type of each node."""

    @property
    def source_types(self) -> tuple[TensorType, ...]:
        """Types of the inputs."""

    @property
    def target_types(self) -> tuple[TensorType, ...]:
        """Types of the outputs."""

    @property
    def input_tree(self) -> Tree:
        """Tree of the arguments."""

    @property
    def output_tree(self) -> Tree:
        """Tree of the results."""

    @property
    def input_names(self) -> tuple[str, ...]:
        """Names of the inputs, as users write them."""

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        """The dimension symbols."""

    @property
    def definitions(self) -> tuple[Definition, ...]:
        """Every definition that is called."""
