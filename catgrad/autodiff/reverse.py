"""Reverse-mode differentiation: the optic functor over the derivative table.

F sends each object to itself. R sends an active float to its cotangents and everything else to nothing. An operation
x : A → B goes to

    forward : A → B ● M      x, keeping what its rule saves
    reverse : M ● RB → RA    its rule

and a call of a definition f to calls of the definitions f.fwd and f.rev, so that what was written once is
differentiated once. Residuals M are ordinary wires; there is no tape.

Reference: Wilson and Zanasi, "Data-Parallel Algorithms for String Diagrams" (2023), arXiv:2305.01041, section 10.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from catgrad import ops
from catgrad.autodiff.activity import Label, cotangents, mark, plain
from catgrad.autodiff.rules import DERIVATIVES, NotDifferentiable, Reverse
from catgrad.hypergraph import OpenHypergraph, Optic, Segments, explicit_copies, restrict_to_outputs
from catgrad.lang.trace import Program, Tracer
from catgrad.lang.var import Var
from catgrad.ops import Definition, Operation, call, copy
from catgrad.term import Term, carry
from catgrad.types import TensorType

__all__ = ["pull_back"]

Labels = tuple[Label, ...]


def pull_back(term: Term, wrt: Sequence[int]) -> Term:
    """Return the term A ● RB → B ● R(A at wrt) of the results and the vector-Jacobian product of `term` : A → B.

    Args:
        term: What to differentiate.
        wrt: Which inputs' cotangents are wanted, in increasing order; all of them floats.
    """
    given = [i for i, type in enumerate(term.target_types) if type.dtype.is_float]
    marked = mark(term, wrt, given)
    adapted, witness = _Derivative().optic.map_adapted(marked)
    images = Segments.join(witness.forward.edges, witness.reverse.edges)
    framed = _frame(adapted, term.source_types, term.target_types, (marked, wrt, given))
    return framed.term(f"{term.name}.vjp", carry(term.locations, images))


class _Framed(NamedTuple):
    """An arrow with the number of edges that were put before its own."""

    graph: OpenHypergraph
    before: int

    def term(self, name: str, locations: Sequence[Any]) -> Term:
        """Return it as a term, given the locations of its own edges."""
        return Term.flat(self.graph, name, [None] * self.before + list(locations))


def _frame(
    arrow: OpenHypergraph,
    source: Iterable[Any],
    target: Iterable[Any],
    cotangents_of: tuple[OpenHypergraph, Sequence[int], Sequence[int]],
) -> _Framed:
    """Give a reverse arrow the cotangents that its callers expect: discard what nothing depends on, supply zeros.

        source ────────────────┌───────┐─────────────── target
                               │ arrow │
        RB     ──[ received ]──└───────┘──[ delivered ]── RA

    Args:
        arrow: Takes and gives only the cotangents that exist.
        source: What comes before the cotangents.
        target: What comes before the cotangents of the inputs.
        cotangents_of: A marked graph, and the inputs and outputs whose cotangents are expected.
    """
    marked, wrt, given = cotangents_of
    received = _tensor([_matched(marked.target_type[i], _discard) for i in given])
    delivered = _tensor([_matched(marked.source_type[i], _zero) for i in wrt])
    start = OpenHypergraph.identity(source) @ received
    return _Framed(start >> arrow >> OpenHypergraph.identity(target) @ delivered, len(start.hypergraph.edges))


def _matched(label: Label, otherwise: Callable[[TensorType], OpenHypergraph]) -> OpenHypergraph:
    return OpenHypergraph.identity([label]) if cotangents(label) else otherwise(plain(label))


class _Definitions(NamedTuple):
    """The derivative of a definition."""

    forward: Definition
    reverse: Definition


class _Derivative:
    """The optic of one differentiation; remembers the derivatives of the definitions it meets."""

    def __init__(self) -> None:
        self._definitions: dict[Any, _Definitions] = {}
        self.optic = Optic(
            forward_object=lambda a: (plain(a),),
            reverse_object=cotangents,
            forward=self._forward,
            reverse=self._reverse,
        )

    def _definition(self, definition: Definition, source: Labels, target: Labels) -> _Definitions:
        """Return f.fwd : A → B ● M and f.rev : M ● RB → RA, for the cotangents that these labels have."""
        wrt, given = ([i for i, label in enumerate(side) if cotangents(label)] for side in (source, target))
        key = definition, tuple(wrt), tuple(given)
        if key not in self._definitions:
            self._definitions[key] = self._cut(definition, wrt, given)
        return self._definitions[key]

    def _cut(self, definition: Definition, wrt: list[int], given: list[int]) -> _Definitions:
        term, name = definition.term, definition.name
        marked = mark(term, wrt, given)
        cut = self.optic.halves(marked)
        framed = _frame(cut.reverse, cut.residual, (), (marked, wrt, given))
        forward = Term.flat(cut.forward, f"{name}.fwd", carry(term.locations, cut.witness.forward.edges))
        reverse = framed.term(f"{name}.rev", carry(term.locations, cut.witness.reverse.edges))
        return _Definitions(Definition(forward.name, forward), Definition(reverse.name, reverse))

    def _forward(self, operation: Operation, source: Labels, target: Labels) -> OpenHypergraph:
        if operation.op is call:
            return _called(self._definition(operation.keywords["definition"], source, target).forward)
        if not _is_wanted(operation, source):
            return OpenHypergraph.singleton(operation, map(plain, source), map(plain, target))
        return _halves(operation, source, target).forward

    def _reverse(self, operation: Operation, source: Labels, target: Labels) -> OpenHypergraph:
        if operation.op is call:
            return _called(self._definition(operation.keywords["definition"], source, target).reverse)
        if not _is_wanted(operation, source):
            return _tensor([_discard(change) for label in target for change in cotangents(label)])
        return _halves(operation, source, target).reverse


def _called(definition: Definition) -> OpenHypergraph:
    """Return the call of a definition as an arrow."""
    label = call.operation(definition=definition)
    return OpenHypergraph.singleton(label, definition.term.source_types, definition.term.target_types)


class _Lens(NamedTuple):
    """The derivative of an operation: itself with what its rule saves, A → B ● M, and the rule, M ● RB → RA."""

    forward: OpenHypergraph
    reverse: OpenHypergraph


def _is_wanted(operation: Operation, source: Labels) -> bool:
    """Return whether the rule of an operation is needed: it has one, and an operand has a cotangent."""
    return any(map(cotangents, source)) and not isinstance(DERIVATIVES[operation.op], NotDifferentiable)


@lru_cache(1 << 12)
def _halves(operation: Operation, source: Labels, target: Labels) -> _Lens:
    """Return both halves of an operation whose rule is wanted; M has the wires that the wanted cotangents depend on."""
    rule = DERIVATIVES[operation.op]
    assert isinstance(rule, Reverse)
    types = [plain(a) for a in source]
    known = {**_named(operation, types, plain(target[0]) if target else None), **operation.keywords}
    static = {name: known[name] for name in rule.static}

    def reverse(*wires: Var) -> Sequence[Any]:
        result = rule.function(*wires, **static)
        results = result if isinstance(result, tuple) else (result,)
        return [results[i] for i, label in enumerate(source) if cotangents(label)]

    changes = [change for label in target for change in cotangents(label)]
    half = _traced([*(known[name] for name in rule.saved), *changes], reverse)
    used = _used(half, len(rule.saved))
    saved = [name for name, is_used in zip(rule.saved, used, strict=True) if is_used]

    def forward(*inputs: Var) -> Sequence[Any]:
        outputs = ops.recorder().record(operation, inputs)
        named = _named(operation, inputs, outputs[0] if outputs else None)
        return [*outputs, *(named[name] for name in saved)]

    kept = np.concatenate([used, np.ones(len(changes), bool)])
    half = OpenHypergraph.over(half.hypergraph, half.sources.table[kept], half.targets.table)
    return _Lens(*map(_with_copies, (_traced(types, forward), restrict_to_outputs(half)[0])))


def _named(operation: Operation, source: Sequence[Any], out: Any) -> dict[str, Any]:
    return {**dict(zip(operation.op.inputs or (), source, strict=True)), "out": out}


def _traced(types: Sequence[TensorType], function: Callable[..., Sequence[Any]]) -> OpenHypergraph:
    """Return the graph of a function of wires, without copies and without what its results do not depend on."""
    tracer = Tracer(Program())
    inputs = [tracer.input(type) for type in types]
    with ops.recording(tracer):
        outputs = [tracer.value(x) for x in function(*inputs)]
    return restrict_to_outputs(tracer.graph(inputs, outputs))[0]


def _used(graph: OpenHypergraph, count: int) -> npt.NDArray[np.bool_]:
    """Tell which of the first `count` inputs the outputs depend on, in a graph without what they do not."""
    return np.isin(graph.sources.table[:count], [*graph.hypergraph.sources.values, *graph.targets.table])


def _with_copies(graph: OpenHypergraph) -> OpenHypergraph:
    return explicit_copies(graph, lambda _, count: copy.operation(count=count))[0]


def _zero(type: TensorType) -> OpenHypergraph:
    return _with_copies(_traced((), lambda: [ops.zeros(type.shape, type.dtype)]))


def _discard(type: TensorType) -> OpenHypergraph:
    return OpenHypergraph.singleton(copy.operation(count=0), (type,), ())


def _tensor(parts: Sequence[OpenHypergraph]) -> OpenHypergraph:
    """Return the product of all parts, by halves: each part is copied as often as the number of parts has bits."""
    if len(parts) <= 1:
        return parts[0] if parts else OpenHypergraph.unit()
    half = len(parts) // 2
    return _tensor(parts[:half]) @ _tensor(parts[half:])
