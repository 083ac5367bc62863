"""Activity: which values have cotangents at all.

A value is active if it is a float, depends on an active input through differentiable operations, and reaches an active
output through them. Passive values are labelled so in the graph; the reverse half of the optic leaves them out, and
with them everything that would only have been saved or computed for their sake.

Reference: Griewank and Walther, "Evaluating derivatives" (2nd ed., 2008), section 6.2.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from catgrad.autodiff.rules import DERIVATIVES, NotDifferentiable
from catgrad.hypergraph import Hypergraph, OpenHypergraph, labels
from catgrad.ops import Operation, call
from catgrad.term import Step, Term
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
    steps = [step for step in term.steps if _differentiable(step.operation)]
    varied = _flood([term.inputs[i] for i in inputs], steps, lambda s: (s.inputs, s.outputs))
    useful = _flood([term.outputs[i] for i in outputs], steps[::-1], lambda s: (s.outputs, s.inputs))
    active = [t.dtype.is_float and n in varied and n in useful for n, t in enumerate(term.node_types)]
    nodes = labels([t if a else Passive(t) for t, a in zip(term.node_types, active, strict=True)])
    graph = term.graph.hypergraph
    marked = Hypergraph(nodes, graph.edges, graph.sources, graph.targets)
    return OpenHypergraph(term.graph.sources, term.graph.targets, marked)


def _differentiable(operation: Operation) -> bool:
    return operation.op is call or not isinstance(DERIVATIVES[operation.op], NotDifferentiable)


def _flood(
    start: Sequence[int],
    steps: Sequence[Step],
    ends: Callable[[Step], tuple[tuple[int, ...], tuple[int, ...]]],
) -> set[int]:
    """Return the nodes reached from `start`, along the steps in the given order and direction."""
    reached = set(start)
    for step in steps:
        tail, head = ends(step)
        if not reached.isdisjoint(tail):
            reached.update(head)
    return reached
