"""The input of compilation: the simplified term of a function, and the signature of its code."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from numbers import Integral
from typing import Any

from catgrad import trees
from catgrad.dims import Extent, Solver, Symbol, extent
from catgrad.errors import CatgradError
from catgrad.lang.function import as_function, trace
from catgrad.rewrite import inline_single, inline_small, outline, simplify
from catgrad.runtime import Signature
from catgrad.term import Term, linkable
from catgrad.types import TensorType, axes

__all__ = ["TERM", "prepare", "signature_of"]

TERM = "term"
"""What the stage before MLIR is called."""


def prepare(
    f: Any, *types: Any, bind: Mapping[str, Extent] | None = None, donate: int | Sequence[int] | None = None
) -> tuple[Term, Signature]:
    """Return the simplified term that `compile` gives to the backend, and what its code takes and gives.

    Args:
        f: See `compile`, as for the other arguments.
        *types: Nested argument types.
        bind: Values for symbols.
        donate: Arguments whose storage the results may take over.

    Raises:
        TypeCheckError: An operation rejects its operands.
        CatgradError: A donated argument has no result of its type.

    Example:
        >>> import catgrad as cg
        >>> print(prepare(lambda x: x + x, cg.f32[3])[1])
        lambda: (x: f32[3]) -> f32[3]
    """
    values = _values(bind)
    term = _bound(f if isinstance(f, Term) and not types else trace(f, *types), values)
    donated = _donated(f, term, donate)
    program = _reduced(term)
    bound = tuple((name, value) for name, value in values.items() if isinstance(value, int))
    return program, replace(signature_of(program, donated), bound=bound)


def _reduced(term: Term) -> Term:
    """Return an equal term with less to compute, and less to compile: where it repeats something, one that only calls.

    What is repeated is found before small definitions are inlined, so that it is inlined, and compiled, once.
    """
    driver, parts = outline(inline_single(term))
    return simplify(inline_small(driver, parts) if parts else inline_small(term))


def _values(bind: Any) -> dict[Any, Any]:
    """Return the values that `bind` gives, by the names of symbols."""
    if not isinstance(bind, Mapping | None):
        raise CatgradError(f"bind: expected values by symbol, such as {{'B': 128}}, got {bind!r}")
    return {key.name if isinstance(key, Symbol) else key: value for key, value in (bind or {}).items()}


def _bound(term: Term, values: Mapping[str, Extent]) -> Term:
    known = {symbol.name for symbol in term.symbols}
    if values.keys() - known:
        raise CatgradError(f"bind: {term.name} has the symbols {sorted(known)}, given {list(values)}")
    try:
        return term.substitute({name: extent(value) for name, value in values.items()})
    except CatgradError as error:
        raise CatgradError(f"bind: {error.message}") from None


def _donated(f: Any, term: Term, donate: int | Sequence[int] | None) -> tuple[tuple[int, int], ...]:
    """Pair each donated input with the first free output of its type."""
    declared = () if isinstance(f, Term) else as_function(f).donates
    given: Collection[Any] = donate if isinstance(donate, Collection) else (donate,)
    arguments = declared if donate is None else given
    nested = trees.example(term.input_tree)
    if not all(_is_position(a, len(nested)) for a in arguments) or len(set(arguments)) < len(arguments):
        raise CatgradError(f"donate: {term.name} takes {len(nested)} arguments, counted from 0; given {donate!r}")
    free: dict[TensorType, deque[int]] = defaultdict(deque)
    for position, type in enumerate(term.target_types):
        free[type].append(position)
    pairs = []
    for source in (i for a in arguments for i in trees.flatten(nested[a])[0]):
        type = term.source_types[source]
        if not free[type]:
            raise CatgradError(f"donate: no result of {term.name} has the type {type} of {term.input_names[source]}")
        pairs.append((source, free[type].popleft()))
    return tuple(pairs)


def _is_position(value: Any, count: int) -> bool:
    """Return whether a value is an integer from 0 to below `count`."""
    is_integer = isinstance(value, Integral)
    return is_integer and not isinstance(value, bool) and value in range(count)


def signature_of(term: Term, donated: tuple[tuple[int, int], ...]) -> Signature:
    """Return what the code of a simplified term takes and gives.

    Args:
        term: The term.
        donated: Pairs of an input and the output that is written into its memory.

    Raises:
        CatgradError: No input tells the value of a symbol.
    """
    named = dict(zip(reversed(term.source_types), reversed(term.input_names), strict=True))
    solver = Solver(axes(named.values(), named.keys()))
    missing = {s.name for s in term.symbols} - {s.name for s in solver.symbols}
    if missing:
        raise CatgradError(f"{term.name}: no input has the symbolic dimension {sorted(missing)}: give it by bind")
    return Signature(
        name=linkable(term.name),
        symbols=term.symbols,
        inputs=term.source_types,
        outputs=term.target_types,
        donated=donated,
        nonempty=term.nonempty,
        computed=term.symbolic_types,
        input_names=term.input_names,
        input_tree=term.input_tree,
        output_tree=term.output_tree,
    )
