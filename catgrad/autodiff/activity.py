"""Activity: which values have cotangents at all.

A value is active if it is a float, depends on an active input through differentiable operations, and reaches an active
output through them. Passive values are labelled so in the graph; the reverse half of the optic leaves them out, and
with them everything that would only have been saved or computed for their sake.

Reference: Griewank and Walther, "Evaluating derivatives" (2nd ed., 2008), section 6.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from catgrad.autodiff.rules import DERIVATIVES, NotDifferentiable
from catgrad.body import Step
from catgrad.hypergraph import Hypergraph, OpenHypergraph, labels
from catgrad.ops import Operation, call
from catgrad.term import Term
from catgrad.types import TensorType

__all__ = ["Passive", "cotangents", "mark", "plain"]


@dataclass(frozen=True)
class Passive:
    """The label of a value without cotangents.

    Attributes:
        type: The type of the value.
    """

    type: TensorType


Label = TensorType | Passive


def plain(label: Label) -> TensorType:
    """Return F of an object: the type itself."""
    return label.type if isinstance(label, Passive) else label


def cotangents(label: Label) -> tuple[TensorType, ...]:
    """Return R of an object: a float has cotangents of its own type; what is passive has none."""
    return () if isinstance(label, Passive) or not label.dtype.is_float else (label,)


def mark(term: Term, inputs: Sequence[int], outputs: Sequence[int]) -> OpenHypergraph:
    """Return the term's graph with passive nodes labelled as such.

    Args:
        term: The term.
        inputs: The inputs whose cotangents are wanted.
        outputs: The outputs whose cotangents will be given.
    """
    types = term.node_types
    steps = [_Floats.of(step, types) for step in term.steps if _differentiable(step.operation)]
    varied = _flood([term.inputs[i] for i in inputs], steps)
    useful = _flood([term.outputs[i] for i in outputs], [step.reversed for step in reversed(steps)])
    active = varied & useful
    nodes = labels([t if n in active else Passive(t) for n, t in enumerate(types)])
    graph = term.graph.hypergraph
    marked = Hypergraph(nodes, graph.edges, graph.sources, graph.targets)
    return OpenHypergraph(term.graph.sources, term.graph.targets, marked)


def _differentiable(operation: Operation) -> bool:
    return operation.op is call or not isinstance(DERIVATIVES[operation.op], NotDifferentiable)


class _Floats(NamedTuple):
    """The floats that an operation reads and makes: derivatives do not pass through integers."""

    inputs: list[int]
    outputs: list[int]

    @classmethod
    def of(cls, step: Step, types: Sequence[TensorType]) -> _Floats:
        """Return those of a step."""
        return cls(*([node for node in side if types[node].dtype.is_float] for side in (step.inputs, step.outputs)))

    @property
    def reversed(self) -> _Floats:
        """The same, read from the outputs to the inputs."""
        return _Floats(self.outputs, self.inputs)


def _flood(start: Sequence[int], steps: Sequence[_Floats]) -> set[int]:
    """Return the nodes reached from `start`, along the steps in the given order."""
    reached = set(start)
    for step in steps:
        if not reached.isdisjoint(step.inputs):
            reached.update(step.outputs)
    return reached
