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
from typing import Any, NamedTuple

from catgrad import ops
from catgrad.autodiff.activity import Label, cotangents, mark, plain
from catgrad.autodiff.rules import DERIVATIVES, NotDifferentiable, Reverse
from catgrad.hypergraph import OpenHypergraph, Optic, Segments, explicit_copies, forget, restrict_to_outputs
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


class _Halves(NamedTuple):
    """The derivative of a definition."""

    forward: Definition
    reverse: Definition


class _Derivative:
    """The optic of one differentiation; remembers the derivatives of the definitions it meets."""

    def __init__(self) -> None:
        self._halves: dict[Any, _Halves] = {}
        self.optic = Optic(
            forward_object=lambda a: (plain(a),),
            reverse_object=cotangents,
            forward=self._forward,
            reverse=self._reverse,
        )

    def _definition(self, definition: Definition, source: Labels, target: Labels) -> _Halves:
        """Return f.fwd : A → B ● M and f.rev : M ● RB → RA, for the cotangents that these labels have."""
        wrt, given = ([i for i, label in enumerate(side) if cotangents(label)] for side in (source, target))
        key = definition, tuple(wrt), tuple(given)
        if key not in self._halves:
            self._halves[key] = self._cut(definition, wrt, given)
        return self._halves[key]

    def _cut(self, definition: Definition, wrt: list[int], given: list[int]) -> _Halves:
        term, name = definition.term, definition.name
        marked = mark(term, wrt, given)
        cut = self.optic.halves(marked)
        framed = _frame(cut.reverse, cut.residual, (), (marked, wrt, given))
        forward = Term.flat(cut.forward, f"{name}.fwd", carry(term.locations, cut.witness.forward.edges))
        reverse = framed.term(f"{name}.rev", carry(term.locations, cut.witness.reverse.edges))
        return _Halves(Definition(forward.name, forward), Definition(reverse.name, reverse))

    def _forward(self, operation: Operation, source: Labels, target: Labels) -> OpenHypergraph:
        if operation.op is call:
            return _called(self._definition(operation.keywords["definition"], source, target).forward)
        saved, types = _saved(operation, source, target), [plain(a) for a in source]
        if not saved:
            return OpenHypergraph.singleton(operation, types, [plain(a) for a in target])
        return _traced(types, lambda *x: _run_and_save(operation, x, saved))

    def _reverse(self, operation: Operation, source: Labels, target: Labels) -> OpenHypergraph:
        if operation.op is call:
            return _called(self._definition(operation.keywords["definition"], source, target).reverse)
        return _reverse_half(operation, source, target, _saved(operation, source, target))


def _called(definition: Definition) -> OpenHypergraph:
    """Return the call of a definition as an arrow."""
    label = call.operation(definition=definition)
    return OpenHypergraph.singleton(label, definition.term.source_types, definition.term.target_types)


def _traced(types: Sequence[TensorType], function: Callable[..., Sequence[Any]]) -> OpenHypergraph:
    """Return the graph of a function of wires, without what its results do not depend on."""
    tracer = Tracer(Program())
    inputs = [tracer.input(type) for type in types]
    with ops.recording(tracer):
        outputs = [tracer.value(x) for x in function(*inputs)]
    live = _live(tracer.finish(inputs, outputs, "").graph)
    return explicit_copies(live, lambda _, count: copy.operation(count=count))[0]


def _live(graph: OpenHypergraph) -> OpenHypergraph:
    """Return what the outputs depend on, its values shared without copies."""
    return restrict_to_outputs(forget(graph, lambda label: label.op is copy)[0])[0]


def _rule(operation: Operation, source: Labels, target: Labels) -> Reverse | None:
    """Return the reverse map, or None where no cotangent is wanted."""
    rule = DERIVATIVES[operation.op]
    wanted = any(cotangents(a) for a in source)
    return rule if wanted and not isinstance(rule, NotDifferentiable) else None


def _saved(operation: Operation, source: Labels, target: Labels) -> tuple[str, ...]:
    """Return which of the wires that the rule could save the wanted cotangents depend on."""
    rule = _rule(operation, source, target)
    if rule is None or not rule.saved:
        return ()
    half = _reverse_half(operation, source, target, rule.saved)
    live = _live(half)
    used = set(live.hypergraph.sources.values.tolist()) | set(live.targets.table.tolist())
    return tuple(name for name, node in zip(rule.saved, live.sources.table.tolist(), strict=False) if node in used)


def _named(operation: Operation, source: Sequence[Any], out: Any) -> dict[str, Any]:
    return {**dict(zip(operation.op.inputs or (), source, strict=True)), "out": out}


def _run_and_save(operation: Operation, inputs: Sequence[Var], saved: Sequence[str]) -> Sequence[Var]:
    """Apply the operation; return its results and the wires that its reverse map wants."""
    outputs = ops.recorder().record(operation, inputs)
    named = _named(operation, inputs, outputs[0] if outputs else None)
    return [*outputs, *(named[name] for name in saved)]


def _reverse_half(operation: Operation, source: Labels, target: Labels, saved: Sequence[str]) -> OpenHypergraph:
    """Return the rule as an arrow M ● RB → RA, where M has the wires `saved`."""
    rule = _rule(operation, source, target)
    types = _named(operation, [plain(a) for a in source], plain(target[0]) if target else None)
    changes = [r for label in target for r in cotangents(label)]
    if rule is None:
        return _tensor([_discard(change) for change in changes])
    known = {**types, **operation.keywords}

    def run(*wires: Var) -> Sequence[Any]:
        wire = dict(zip(saved, wires, strict=False))
        operands = [
            wire[name] if name in wire else ops.zeros(known[name].shape, known[name].dtype) for name in rule.saved
        ]
        result = rule.function(*operands, *wires[len(saved) :], **{name: known[name] for name in rule.static})
        results = result if isinstance(result, tuple) else (result,)
        return [results[i] for i, label in enumerate(source) if cotangents(label)]

    return _traced([*(types[name] for name in saved), *changes], run)


def _zero(type: TensorType) -> OpenHypergraph:
    return _traced((), lambda: [ops.zeros(type.shape, type.dtype)])


def _discard(type: TensorType) -> OpenHypergraph:
    return OpenHypergraph.singleton(copy.operation(count=0), (type,), ())


def _tensor(parts: Sequence[OpenHypergraph]) -> OpenHypergraph:
    """Return the product of all parts, by halves: each part is copied as often as the number of parts has bits."""
    if len(parts) <= 1:
        return parts[0] if parts else OpenHypergraph.unit()
    half = len(parts) // 2
    return _tensor(parts[:half]) @ _tensor(parts[half:])
