"""Differentiation as the user calls it: on functions and on terms."""

from __future__ import annotations

import inspect
import operator
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from catgrad import ops, trees
from catgrad.autodiff.activity import cotangents
from catgrad.autodiff.reverse import pull_back
from catgrad.errors import CatgradError, TypeCheckError, located
from catgrad.hypergraph import FiniteFunction, OpenHypergraph
from catgrad.lang.function import Function, TermFunction, as_function
from catgrad.lang.keywords import split
from catgrad.lang.trace import Program
from catgrad.term import Term
from catgrad.types import TensorType

__all__ = ["grad", "value_and_grad", "vjp"]

Wrt = int | Sequence[int]


class Transformed(Function):
    """A function derived from another by a transformation of its term.

    Args:
        name: What the transformation is called.
        function: What it transforms.
        options: What makes two transformations of one function differ.
    """

    def __init__(self, name: str, function: Function, options: Any = ()) -> None:
        self.name = f"{name}({function.name})"
        self.leading = function.leading
        self._function = function
        self._options = options
        self.__wrapped__ = function

    @property
    def parts(self) -> tuple[Any, ...]:
        """The function that it transforms, and the settings."""
        return self._options, self._function


class Vjp(Transformed):
    """The function (*arguments, cotangents) ↦ (results, cotangents of the arguments)."""

    @property
    def __signature__(self) -> inspect.Signature:
        known = inspect.signature(self._function).parameters.values()
        if any(each.kind not in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD) for each in known):
            return inspect.Signature([inspect.Parameter("arguments", inspect.Parameter.VAR_POSITIONAL)])
        names = [*(each.name for each in known), "cotangents"]
        return inspect.Signature([inspect.Parameter(name, inspect.Parameter.POSITIONAL_ONLY) for name in names])

    def term(self, *types: Any, program: Program | None = None) -> Term:
        """Trace the function and pull back; the last type is that of the results' cotangents."""
        inner = self._function.term(*types[:-1], program=program)
        wanted = _cotangent_tree(inner.output_tree, inner.target_types)
        if trees.flatten(types[-1]) != trees.flatten(wanted):
            raise TypeCheckError(f"{self.name}: the results' cotangents are {wanted}, given {types[-1]}")
        own, arguments = trees.flatten(inner.arguments)
        result = trees.unflatten(inner.output_tree, inner.target_types)
        back = _cotangent_tree(arguments, [inner.source_types[i] for i in own])
        pulled = pull_back(inner, [i for i in own if cotangents(inner.source_types[i])])
        captured = [tuple(value.type for value in inner.captured)] if inner.captured else []
        flat, tree = trees.flatten((*types, *captured))
        first, last = len(own), len(flat) - len(inner.captured)
        order = _select(flat, [*range(first), *range(last, len(flat)), *range(first, last)])
        names = [*inner.input_names[:first], *trees.leaf_names("cotangents", types[-1]), *inner.input_names[first:]]
        moved = replace(pulled, graph=order >> pulled.graph, captured=inner.captured)
        return moved.nested(tree, trees.flatten((result, back))[1], names)


class ValueAndGrad(Transformed):
    """The function (*arguments) ↦ (value, gradient with respect to some of the arguments)."""

    def term(self, *types: Any, program: Program | None = None) -> Term:
        """Trace the function, pull back 1, and keep the gradients that are wanted."""
        inner = self._function.term(*types, program=program)
        return _value_and_grad(inner, self._options, self.name)


class Grad(ValueAndGrad):
    """The function (*arguments) ↦ gradient with respect to some of the arguments."""

    def term(self, *types: Any, program: Program | None = None) -> Term:
        """Keep only the gradient."""
        both = super().term(*types, program=program)
        gradient = trees.unflatten(both.output_tree, both.target_types)[1]
        dropped = both.graph >> _select(both.target_types, range(1, len(both.target_types)))
        return _like(both, dropped, trees.flatten(gradient)[1], self.name)


def _cotangent_tree(tree: trees.Tree, types: Sequence[TensorType]) -> Any:
    """Return the nested cotangent types; what has no cotangents becomes None."""
    return trees.unflatten(tree, [next(iter(cotangents(type)), None) for type in types])


def _value_and_grad(term: Term, wrt: Wrt, name: str) -> Term:
    """Return the composite (A ● 1) ; vjp ; (B ● selection) : A → B ● gradients.

    A ───────────┌─────┐─── B
                 │ vjp │
          1 ─────└─────┘─── RA ──[ selection ]── gradients
    """
    if len(term.target_types) != 1 or term.target_types[0].rank or not term.target_types[0].dtype.is_float:
        returned = ", ".join(map(str, term.target_types)) or "nothing"
        raise TypeCheckError(f"{name}: the gradient is of a float scalar; {term.name} returns {returned}")
    value = term.target_types[0]
    chosen = _chosen_leaves(split(term.arguments)[0], wrt, name)
    wanted = trees.flatten(chosen)[0]
    for i in wanted:
        if not term.source_types[i].dtype.is_float:
            raise TypeCheckError(f"{name}: {term.input_names[i]} is {term.source_types[i]}, which has no gradient")
    pulled = pull_back(term, sorted(wanted))
    start = OpenHypergraph.identity(term.source_types) @ _one(value)
    end = _select(pulled.target_types, [0, *(1 + sorted(wanted).index(i) for i in wanted)])
    tree = trees.flatten((value, trees.unflatten(trees.flatten(chosen)[1], [term.source_types[i] for i in wanted])))[1]
    locations = [None] * len(start.hypergraph.edges) + list(pulled.locations)
    return _like(term, start >> pulled.graph >> end, tree, name, locations)


def _chosen_leaves(arguments: Sequence[Any], wrt: Wrt, name: str) -> Any:
    positions = (wrt,) if isinstance(wrt, int) else tuple(wrt)
    for position in positions:
        if not -len(arguments) <= position < len(arguments):
            raise CatgradError(f"{name}: there is no argument {position}; the function takes {len(arguments)}")
    if len({position % len(arguments) for position in positions}) != len(positions):
        raise CatgradError(f"{name}: wrt names an argument twice: {wrt}")
    return arguments[wrt] if isinstance(wrt, int) else tuple(arguments[p] for p in positions)


def _one(type: TensorType) -> OpenHypergraph:
    return OpenHypergraph.singleton(ops.constant_operation(np.ones((), type.dtype.numpy)), (), (type,))


def _select(types: Sequence[TensorType], kept: Sequence[int]) -> OpenHypergraph:
    """Return the arrow that keeps the wires `kept`, in that order, and discards the others."""
    dropped = sorted(set(range(len(types))) - set(kept))
    order = FiniteFunction(np.array([*kept, *dropped], dtype=np.int64), len(types))
    shuffle = OpenHypergraph.spider(FiniteFunction.identity(len(types)), order, types)
    result = OpenHypergraph.identity([types[i] for i in kept])
    for i in dropped:
        result = result @ OpenHypergraph.singleton(ops.copy.operation(count=0), (types[i],), ())
    return shuffle >> result


def _like(
    term: Term, graph: OpenHypergraph, output_tree: trees.Tree, name: str, locations: Sequence[Any] | None = None
) -> Term:
    """Return a term with the arguments of another."""
    known = term.locations if locations is None else locations
    nested = Term.flat(graph, name, known).nested(term.input_tree, output_tree, term.input_names)
    return replace(nested, captured=term.captured)


def _transform(kind: type[Transformed], name: str, f: Any, options: Hashable = ()) -> Any:
    """Transform a function into a function, or a term into a term."""
    if not isinstance(f, Term):
        return kind(name, as_function(f), options)
    arguments = trees.unflatten(f.input_tree, f.source_types)
    if kind is Vjp:
        arguments = (*arguments, _cotangent_tree(f.output_tree, f.target_types))
    return kind(name, TermFunction(f), options).term(*arguments)


@located()
def vjp(f: Any) -> Any:
    """Return the vector-Jacobian product of a function: (*arguments, cotangents) ↦ (results, argument cotangents).

    Arguments that are integers or bools get None.

    Example:
        >>> import numpy as np, catgrad as cg
        >>> results, (dx,) = cg.vjp(cg.exp)(np.zeros(2, np.float32), np.ones(2, np.float32))
        >>> dx.tolist()
        [1.0, 1.0]
    """
    return _transform(Vjp, "vjp", f)


@located()
def value_and_grad(f: Any, wrt: Wrt = 0) -> Any:
    """Return the function that gives the value of `f` and its gradient.

    Args:
        f: A function with a float scalar result.
        wrt: Which argument, or arguments, to differentiate with respect to; nested arguments as a whole.

    Raises:
        TypeCheckError: When traced: the result is no float scalar, or an argument has no floats.

    Example:
        >>> import numpy as np, catgrad as cg
        >>> value, gradient = cg.value_and_grad(lambda x: cg.sum(x * x))(np.array([1.0, 2.0], np.float32))
        >>> value.item(), gradient.tolist()
        (5.0, [2.0, 4.0])
    """
    return _transform(ValueAndGrad, "value_and_grad", f, _positions(wrt))


@located()
def grad(f: Any, wrt: Wrt = 0) -> Any:
    """Return the function that gives the gradient of `f`; see `value_and_grad`.

    Example:
        >>> import numpy as np, catgrad as cg
        >>> cg.grad(lambda x: cg.sum(x * x))(np.array([1.0, 2.0], np.float32)).tolist()
        [2.0, 4.0]
    """
    return _transform(Grad, "grad", f, _positions(wrt))


def _positions(wrt: Any) -> Wrt:
    """Return which arguments are meant, as Python numbers."""
    try:
        return tuple(map(operator.index, wrt)) if isinstance(wrt, Iterable) else operator.index(wrt)
    except TypeError:
        raise CatgradError(f"wrt is the position of an argument, or several, not {wrt!r}") from None
