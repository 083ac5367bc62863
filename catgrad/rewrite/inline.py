"""Inlining: the functor that sends calls of some definitions to their bodies and everything else to itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

from catgrad.hypergraph import Functor, OpenHypergraph
from catgrad.ops import Definition, Operation, call, contract
from catgrad.term import Term, carry
from catgrad.types import TensorType

__all__ = ["inline", "inline_single", "inline_small", "kernels"]

SMALL = 32
"""Entrywise operations that a definition may have and be inlined wherever it is called."""

Types = tuple[TensorType, ...]


def inline(term: Term, chosen: Callable[[Definition], bool]) -> Term:
    """Replace the calls of the chosen definitions by their bodies, in the term and in the definitions that remain.

    Example:
        >>> import catgrad as cg
        >>> double = cg.function(lambda x: x + x)
        >>> term = cg.trace(lambda x: double(double(x)), cg.f32[3])
        >>> len(term.definitions), len(inline(term, lambda definition: True).definitions)
        (1, 0)
    """
    return _Inliner(chosen).term(term)


def inline_single(term: Term) -> Term:
    """Inline definitions that are called once."""
    uses = _uses(term)
    return inline(term, lambda definition: uses[definition] == 1)


def inline_small(term: Term, kept: Collection[Definition] = ()) -> Term:
    """Inline definitions that are called once, and small ones that are no kernels; others stay functions.

    Entrywise operations want to fuse with what is around them. Those that end up alike are shared again as kernels.

    Args:
        term: The term.
        kept: Definitions that stay functions in any case.
    """
    uses, sizes = _uses(term), _sizes(term)
    return inline(term, lambda d: d not in kept and (uses[d] == 1 or sizes[d] <= SMALL))


def kernels(term: Term) -> frozenset[Operation]:
    """Return the operations of a term that are contractions, or calls of what is too large to be inlined."""
    sizes = _sizes(term)
    return frozenset(
        e for e in set(term.graph.hypergraph.edges) if e.op in (call, contract) and _size(e, sizes) > SMALL
    )


def _sizes(term: Term) -> dict[Definition, int]:
    """Return how many operations each definition has, callees included; all large ones have one size."""
    sizes: dict[Definition, int] = {}
    for definition in term.definitions:
        size = sum(_size(e, sizes) for e in definition.term.graph.hypergraph.edges)
        sizes[definition] = min(size, SMALL + 1)
    return sizes


def _size(operation: Operation, sizes: Mapping[Definition, int]) -> int:
    """Return what an operation counts for: a contraction is a kernel, and outweighs every other."""
    if operation.op is call:
        return sizes[operation.keywords["definition"]]
    return SMALL + 1 if operation.op is contract else 1


def _uses(term: Term) -> Counter[Definition]:
    """Return how often each definition is called."""
    uses: Counter[Definition] = Counter()
    todo = [term]
    while todo:
        called = Counter(_calls(todo.pop()))
        todo += [definition.term for definition in called if definition not in uses]
        uses.update(called)
    return uses


def _calls(term: Term) -> list[Definition]:
    return [e.keywords["definition"] for e in term.graph.hypergraph.edges if e.op is call]


class _Inliner:
    """The functor, and what became of each definition."""

    def __init__(self, chosen: Callable[[Definition], bool]) -> None:
        self._chosen = chosen
        self._bodies: dict[Definition, Term] = {}
        self._kept: dict[Definition, Definition] = {}
        self._functor = Functor(lambda a: (a,), self._map)

    def term(self, term: Term) -> Term:
        """Inline in one term."""
        if not _calls(term):
            return term
        graph, witness = self._functor.map_arrow(term.graph)
        return term.with_graph(graph, carry(term.locations, witness.edges))

    def _map(self, operation: Operation, source: Types, target: Types) -> OpenHypergraph:
        if operation.op is not call:
            return OpenHypergraph.singleton(operation, source, target)
        definition: Definition = operation.keywords["definition"]
        if definition not in self._bodies:
            self._bodies[definition] = self.term(definition.term)
        if self._chosen(definition):
            return self._bodies[definition].graph
        kept = self._kept.setdefault(definition, replace(definition, term=self._bodies[definition]))
        return OpenHypergraph.singleton(call.operation(definition=kept), source, target)
