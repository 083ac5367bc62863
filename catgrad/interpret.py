"""The reference meaning of a term: what every compiled form of it must agree with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from catgrad import trees
from catgrad.dims import Solver
from catgrad.errors import ArgumentError, CatgradError, located
from catgrad.numbers import is_list, is_number, placed
from catgrad.ops import is_foreign, typeof
from catgrad.types import TensorType, as_array, axes

if TYPE_CHECKING:
    from catgrad.term import Term

__all__ = ["interpret"]


@located()
def interpret(term: Term, *arguments: Any, xp: Any = None) -> Any:
    """Evaluate a term operation by operation.

    Args:
        term: What to evaluate; see `catgrad.trace`.
        *arguments: Nested arrays of any library that follows the Python Array API standard, or numbers, in lists for
            arrays with axes.
        xp: The library's namespace; that of the first array when left out.

    Returns:
        Nested arrays of the same library.

    Raises:
        ArgumentError: The arrays do not have the types of the inputs.

    Example:
        >>> import numpy as np, catgrad as cg
        >>> term = cg.trace(lambda x: cg.sum(x, axis=0), cg.f32[cg.dim("B"), 2])
        >>> interpret(term, np.ones((3, 2), np.float32)).tolist()
        [3.0, 3.0]
    """
    if not hasattr(term, "input_tree"):
        raise CatgradError(f"interpret takes a term, which cg.trace(f, *types) makes, got {term!r}")
    if xp is not None and not (hasattr(xp, "asarray") and hasattr(xp, "astype")):
        raise CatgradError(f"interpret: xp is the namespace of an array library, such as the module numpy, got {xp!r}")
    leaves = _leaves(term, arguments)
    inputs = zip(term.input_names, term.source_types, leaves, strict=True)
    arrays = [x if is_foreign(x) else _array(name, type, x) for name, type, x in inputs]
    values = _symbols(term, arrays)
    namespace = xp or (arrays[0].__array_namespace__() if arrays else np)
    return trees.unflatten(term.output_tree, term.substitute(values).evaluate(namespace, *arrays))


def _leaves(term: Term, arguments: Any) -> list[Any]:
    """Return the arrays among the arguments. Where an array is expected, a list of as many axes is one."""
    trees.flatten(arguments)  # which learns of new dataclasses
    try:
        leaves: list[Any] = term.input_tree.flatten_up_to(arguments)
    except ValueError:
        from catgrad.nesting import argument_names, misfit  # importing catgrad imports little

        names = argument_names(term.input_tree, term.input_names)
        raise ArgumentError(misfit(term.name, names, term.input_tree, arguments)) from None
    for name, expected, leaf in zip(term.input_names, term.source_types, leaves, strict=True):
        if not _is_array(leaf, expected):
            raise ArgumentError(f"{name}: expected {expected}, got a {type(leaf).__name__}")
    return leaves


def _is_array(value: Any, type: TensorType) -> bool:
    """Return whether a value, if it is a container, is a list of numbers, or of arrays that have the other axes."""
    if not isinstance(value, list) or is_list(value):
        return not isinstance(value, dict | tuple)
    try:
        return typeof(value).rank == type.rank
    except CatgradError:
        return False


def _array(name: str, type: TensorType, value: Any) -> Any:
    """Return a value as an array; Python numbers, and lists of any, take the dtype of the input."""
    try:
        return placed(value, type.dtype) if is_number(value) or isinstance(value, list) else as_array(value)
    except CatgradError as error:
        raise ArgumentError(f"{name}: expected {type}: {error.message}") from None


def _symbols(term: Term, arrays: list[Any]) -> dict[str, int]:
    """Return the values of the term's symbols, read off the arrays, after checking every dtype and shape."""
    actual: list[int] = []
    for name, type, array in zip(term.input_names, term.source_types, arrays, strict=True):
        given = typeof(array)
        if given.dtype is not type.dtype or given.rank != type.rank:
            raise ArgumentError(f"{name}: expected {type}, got {given}")
        actual += [int(size) for size in given.shape]
    solver = Solver(axes(term.input_names, term.source_types))
    return dict(zip((symbol.name for symbol in solver.symbols), solver(actual), strict=True))
