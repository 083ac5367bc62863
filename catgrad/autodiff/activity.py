"""Activity: which values have cotangents at all.

A value is active if it is a float, depends on an active input through differentiable operations, and reaches an active
output through them, those of the definitions that are called as well. Passive values are labelled so in the graph; the
reverse half of the optic leaves them out, and with them everything that would only have been saved or computed for
their sake: a cotangent that is 0 by its structure is never multiplied with a derivative that is infinite.

Reference: Griewank and Walther, "Evaluating derivatives" (2nd ed., 2008), section 6.2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, NamedTuple

from catgrad.autodiff.rules import DERIVATIVES, NotDifferentiable
from catgrad.body import Step
from catgrad.hypergraph import Hypergraph, OpenHypergraph, labels
from catgrad.ops import call
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
    active = _flood(term, frozenset(inputs), FORWARD) & _flood(term, frozenset(outputs), BACKWARD)
    nodes = labels([t if n in active else Passive(t) for n, t in enumerate(term.node_types)])
    graph = term.graph.hypergraph
    marked = Hypergraph(nodes, graph.edges, graph.sources, graph.targets)
    return OpenHypergraph(term.graph.sources, term.graph.targets, marked)


class _Direction(NamedTuple):
    """A way to walk through a term: where it, and every operation, is entered and left."""

    enter: Callable[[Any], tuple[int, ...]]
    leave: Callable[[Any], tuple[int, ...]]
    steps: Callable[[Term], Iterable[Step]]


FORWARD = _Direction(attrgetter("inputs"), attrgetter("outputs"), lambda term: term.steps)
BACKWARD = _Direction(attrgetter("outputs"), attrgetter("inputs"), lambda term: reversed(term.steps))


def _flood(term: Term, start: frozenset[int], way: _Direction) -> set[int]:
    """Return the nodes that are reached through floats, from those at some positions where the term is entered."""
    types = term.node_types
    reached = {way.enter(term)[i] for i in start}
    for step in way.steps(term):
        entered = frozenset(i for i, node in enumerate(way.enter(step)) if node in reached)
        if entered:
            left = (way.leave(step)[i] for i in _passed(step, entered, way))
            reached.update(node for node in left if types[node].dtype.is_float)
    return reached


def _passed(step: Step, entered: frozenset[int], way: _Direction) -> Iterable[int]:
    """Return where an operation is left that is entered at some positions; a call as its definition is."""
    if step.operation.op is not call:
        constant = isinstance(DERIVATIVES[step.operation.op], NotDifferentiable)
        return () if constant else range(len(way.leave(step)))
    term: Term = step.operation.keywords["definition"].term
    return term.remembered((way, entered), lambda: _ends(term, entered, way))


def _ends(term: Term, entered: frozenset[int], way: _Direction) -> tuple[int, ...]:
    reached = _flood(term, entered, way)
    return tuple(i for i, node in enumerate(way.leave(term)) if node in reached)
