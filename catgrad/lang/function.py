"""Functions of arrays that can be traced, called, transformed and compiled."""

from __future__ import annotations

import inspect
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from catgrad import containers, ops, trees
from catgrad.dims import Dim
from catgrad.errors import CatgradError, TypeCheckError, located
from catgrad.lang.environment import Closure, closure, readable
from catgrad.lang.keywords import bind, split
from catgrad.lang.trace import Program, Tracer, trace_function
from catgrad.location import defined
from catgrad.term import Term
from catgrad.types import DType, TensorType, as_array, dtype

__all__ = ["Function", "PythonFunction", "TermFunction", "as_function", "call_definition", "function", "trace"]


class Function(ABC):
    """A function of nested arrays with a term for each choice of argument types.

    Calling it while tracing records a call of its definition; calling it on arrays evaluates it by the reference
    meanings of its operations.

    Attributes:
        name: A name for people.
        leading: Nested types of arguments that the function itself knows (parameters, state), before the user's.
        donates: Indices of arguments whose storage the results may take over.
    """

    name: str
    leading: tuple[Any, ...] = ()
    donates: tuple[int, ...] = ()

    @abstractmethod
    def term(self, *types: Any, program: Program | None = None) -> Term:
        """Return the term for nested argument types, the leading ones included."""

    @property
    @abstractmethod
    def parts(self) -> tuple[Any, ...]:
        """Identity of its code: functions of one class with equal parts are the same code."""

    @located()
    def __call__(self, /, *arguments: Any, **named: Any) -> Any:
        """Record a call while tracing; otherwise evaluate by the reference meanings."""
        if named:
            arguments = bind(self, self.name, arguments, named)
        leaves, tree = trees.flatten_arguments(arguments)
        if not isinstance(ops.recorder(), Tracer):
            return self._evaluate(leaves, tree)
        return call_definition(closure(self), self.name, leaves, tree, self.term)

    def _evaluate(self, leaves: Sequence[Any], tree: trees.Tree) -> Any:
        arrays = [as_array(x) for x in leaves]
        term = self.term(*trees.unflatten(tree, [TensorType.of(x) for x in arrays]))
        return trees.unflatten(term.output_tree, term.evaluate(np, *arrays))


class PythonFunction(Function):
    """A plain Python function of arrays.

    Args:
        function: Takes and returns nested arrays. Its return annotation, if that is a type, is checked.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self.name = getattr(function, "__name__", "function")
        self.__doc__ = function.__doc__
        self.__wrapped__ = function  # so that `inspect.signature` is the function's
        self.__module__ = getattr(function, "__module__", None) or type(self).__module__

    def __reduce__(self) -> Any:
        """Return the name under which a decorated function is found, and else its parts."""
        name = getattr(self._function, "__qualname__", "")
        found = getattr(sys.modules.get(self.__module__), name, None)
        return name if found is self else super().__reduce__()

    @property
    def parts(self) -> tuple[Any, ...]:
        """The function itself."""
        return (self._function,)

    def term(self, *types: Any, program: Program | None = None) -> Term:
        """Trace the function; see `Function.term`."""
        names = argument_names(self._function, types)
        term = trace_function(self._function, self.name, types, names, program)
        check_declared(self._function, term)
        return term


class TermFunction(Function):
    """A term as a function, at the types it has.

    Args:
        term: The term.
    """

    def __init__(self, term: Term) -> None:
        self._term = term
        self.name = term.name

    @property
    def parts(self) -> tuple[Any, ...]:
        """The term itself."""
        return (self._term,)

    def term(self, *types: Any, program: Program | None = None) -> Term:
        """Return the term, if the types are its own."""
        given = tuple(trees.flatten(types)[0])
        if given != self._term.source_types:
            raise TypeCheckError(f"{self.name} has the type {self._term.type}; given {types}")
        return self._term


def argument_names(function: Callable[..., Any], arguments: Sequence[Any]) -> list[str]:
    """Return what the user calls the positional arguments among those that `keywords.bind` returned.

    Raises:
        CatgradError: The function takes more arguments, or fewer.
    """
    places, named = split(arguments)
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return [f"argument {i}" for i in range(len(places))]
    try:
        given = signature.bind(*range(len(places)), **dict.fromkeys(named, ())).arguments
    except TypeError as error:
        qualified = getattr(function, "__qualname__", None) or getattr(function, "name", type(function).__name__)
        name, takes = str(qualified).rpartition("<locals>.")[2], ", ".join(signature.parameters)
        raise CatgradError(f"{name}: {error}; it takes ({takes})") from None
    return [leaf for name, value in given.items() for leaf in trees.leaf_names(name, value)]


def check_declared(function: Callable[..., Any], term: Term) -> None:
    """Raise `TypeCheckError` unless the declared result types, if there are any, are the inferred ones."""
    leaves = trees.flatten(_declared(function))[0]
    if not leaves or not all(isinstance(leaf, TensorType) for leaf in leaves):
        return
    if tuple(leaves) != term.target_types:
        wanted, found = (", ".join(map(str, types)) for types in (leaves, term.target_types))
        raise TypeCheckError(f"{term.name} declares the result {wanted}, inferred is {found}", defined(function))


def _declared(function: Callable[..., Any]) -> Any:
    """Return the annotation of the result, evaluated where it was postponed, or None."""
    declared = getattr(function, "__annotations__", {}).get("return")
    if not isinstance(declared, str):
        return declared
    try:
        return inspect.get_annotations(function, eval_str=True)["return"]
    except NameError:
        return None


@readable(Function)
def _parts(function: Function) -> tuple[Any, ...]:
    return function.parts


def call_definition(
    code: Closure, name: str, leaves: Sequence[Any], tree: trees.Tree, body: Callable[..., Term]
) -> Any:
    """Record a call, tracing the definition if this code was not traced in this environment, at these types, before.

    Args:
        code: What is called.
        name: A name for the definition.
        leaves: The flattened arguments.
        tree: How they were nested.
        body: `(*nested types, program=...) -> term`.
    """
    tracer = ops.recorder()
    assert isinstance(tracer, Tracer)
    values = [tracer.value(x) for x in leaves]
    types = tuple(v.type for v in values)
    program, key = tracer.program, (code.key, tree, types) if code.is_known else None
    if key in program.traced:
        definition, places = program.traced[key]
        captured = tuple(code.values[i] for i in places)
    else:
        with program.tracing(key, name):
            term = body(*trees.unflatten(tree, types), program=program)
        definition, captured = program.definition(code.key, name, term), term.captured
        found = code.places(captured)
        if key is not None and found is not None:
            program.traced[key] = definition, found
    results = tracer.record(ops.call.operation(definition=definition), [*values, *captured])
    return trees.unflatten(definition.term.output_tree, results)


@located()
def function(f: Callable[..., Any]) -> PythonFunction:
    """Make a Python function of arrays one that can be traced, differentiated and compiled.

    Called while tracing, it stays a definition: code that is used twice at the same types is compiled once.

    Args:
        f: Takes arrays, nested in tuples, lists, dicts or dataclasses, and returns the same.

    Example:
        >>> import numpy as np, catgrad as cg
        >>> @cg.function
        ... def f(x, w):
        ...     return cg.sum(cg.tanh(x @ w))
        >>> print(cg.trace(f, cg.f32[4, 3], cg.f32[3, 2]).type)
        (f32[4, 3], f32[3, 2]) -> f32[]
    """
    if not callable(f):
        raise CatgradError(f"expected a function, got {f!r}")
    return PythonFunction(f)


def as_function(f: Any) -> Function:
    """Return `f` as a `Function`: itself, a module's forward function, or a Python function."""
    if isinstance(f, Function):
        return f
    if isinstance(f, Term):
        return TermFunction(f)
    if isinstance(f, type):
        raise CatgradError(
            f"expected a function or a Module, got the class {f.__name__}: make one of it, {f.__name__}(...)"
        )
    made = getattr(f, "as_function", None)
    if made is not None:
        found: Function = made()
        return found
    if callable(f):
        return PythonFunction(f)
    raise CatgradError(f"expected a function or a Module, got {f!r}")


@located()
def trace(f: Any, *types: Any) -> Term:
    """Return the term of a function or module at the given argument types.

    Args:
        f: A function of arrays, or a `Module`, whose parameters then come before the other arguments.
        *types: Nested types: `cg.f32[B, 784]`. An array or a nested structure of arrays stands for its type.

    Returns:
        A typed open hypergraph.

    Raises:
        TypeCheckError: An operation rejects its operands; the error shows the user's line.

    Example:
        >>> import catgrad as cg
        >>> B = cg.dim("B")
        >>> cg.trace(lambda x: x + 1, cg.f32[B, 3])
        <term <lambda> : (f32[B, 3]) -> f32[B, 3], 3 operations>
    """
    made = as_function(f)
    return made.term(*made.leading, *map(as_types, types))


def as_types(tree: Any) -> Any:
    """Return a nested structure of types or arrays as types.

    Raises:
        TypeCheckError: It has something else; integers alone, or in tuples or lists, are shapes without a dtype.
    """
    leaves, shape = trees.flatten(tree, lambda value: _is_shape(value) or trees.is_array(value))
    return trees.unflatten(shape, list(map(_as_type, leaves)))


def _as_type(leaf: Any) -> TensorType:
    if isinstance(leaf, TensorType):
        return leaf
    if _is_shape(leaf):
        shown = ", ".join(map(str, leaf)) if isinstance(leaf, tuple | list) else leaf
        raise TypeCheckError(f"expected a type, got {leaf!r}: write cg.f32[{shown}] for an array of that shape")
    if isinstance(leaf, type | DType | np.dtype | str):
        raise TypeCheckError(
            f"expected the type of an argument, such as cg.f32[3, 4], or an array, got {leaf!r}{_advice(leaf)}"
        )
    return ops.typeof(leaf)


def _advice(leaf: Any) -> str:
    try:
        return f": cg.{dtype(leaf)!r}[()] is the type of one number"
    except TypeCheckError:
        return ""


def _is_shape(value: Any) -> bool:
    if isinstance(value, tuple | list):
        items = [item for _, item in containers.items(value)]
        return bool(items) and all(map(_is_shape, items)) and not any(isinstance(x, tuple | list) for x in items)
    return isinstance(value, int | Dim) and not isinstance(value, bool)
