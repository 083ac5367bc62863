"""Type checking: abstract interpretation of a term, with types in place of values.

Every operation's typing rule is applied to the types that reach it, and what it infers must be what the term declares.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from catgrad import trees
from catgrad.body import Step
from catgrad.dims import Extent, Symbol
from catgrad.errors import CatgradError, TypeCheckError, located
from catgrad.lang.function import as_types
from catgrad.term import Term
from catgrad.types import TensorType

__all__ = ["check"]


@located()
def check(term: Term, *types: Any) -> tuple[TensorType, ...]:
    """Return the type of every node of a term.

    Args:
        term: A term, traced or read from a file.
        *types: Nested types to check it at, instead of its own; they may be less general.

    Raises:
        TypeCheckError: An operation rejects its operands, or infers another type than is declared; the error shows the
            user's line.

    Example:
        >>> import catgrad as cg
        >>> term = cg.trace(cg.exp, cg.f32[cg.dim("B"), 3])
        >>> check(term, cg.f32[2 * cg.dim("N"), 3])
        (f32[2*N, 3], f32[2*N, 3])
    """
    if not isinstance(term, Term):
        raise CatgradError(f"check takes a term, which cg.trace(f, *types) makes, got {term!r}")
    if types:
        term = term.substitute(_binding(term, tuple(trees.flatten(as_types(types))[0])))
    for body in (*(definition.term for definition in term.definitions), term):
        _check_body(body)
    return term.node_types


def _check_body(term: Term) -> None:
    known: dict[int, TensorType] = dict(zip(term.inputs, term.source_types, strict=True))
    for step in term.steps:
        inferred = _infer(step, tuple(known[node] for node in step.inputs))
        declared = tuple(term.node_types[node] for node in step.outputs)
        if inferred != declared:
            raise TypeCheckError(
                f"{step.operation} is declared to give {_listed(declared)}, inferred is {_listed(inferred)}",
                step.location,
            )
        known.update(zip(step.outputs, inferred, strict=True))


def _infer(step: Step, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
    try:
        return step.operation.typing(*inputs)
    except TypeCheckError as error:
        raise TypeCheckError(error.message, step.location) from None


def _listed(types: Sequence[TensorType]) -> str:
    return ", ".join(map(str, types))


def _binding(term: Term, given: tuple[TensorType, ...]) -> dict[str, Extent]:
    """Return what the term's symbols must be for its inputs to have the given types."""
    if len(given) != len(term.source_types):
        raise TypeCheckError(
            f"{term.name} takes {len(term.source_types)} arrays: {term.type}; {len(given)} types given"
        )
    values: dict[str, Extent] = {}
    for declared, actual in zip(term.source_types, given, strict=True):
        if (declared.dtype, declared.rank) == (actual.dtype, actual.rank):
            for extent, size in zip(declared.shape, actual.shape, strict=True):
                if isinstance(extent, Symbol):
                    values.setdefault(extent.name, size)
    for name, declared, actual in zip(term.input_names, term.source_types, given, strict=True):
        if declared.substitute(values) != actual:
            raise TypeCheckError(f"{term.name}: {name} is {declared}, which {actual} does not fit")
    return values
