"""Closures: code together with its environment, the values of its free variables.

Two calls are one definition if their code is the same and their environments have equal values. So the key of a closure
holds values, not the objects that hold them, which may have changed since: numbers, arrays, containers, dataclasses,
modules, classes and functions are read through. What cannot be read (an object with a state of its own) makes the
closure unknown, and code with an unknown environment is traced again at each call. Traced values in an environment are
arguments: the key has their types, and the closure the values.

Reference: Landin, "The mechanical evaluation of expressions" (1964).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache, cached_property, lru_cache, partial  # noqa: TID251 - what users write
from itertools import chain
from types import (
    BuiltinFunctionType,
    CodeType,
    FunctionType,
    MemberDescriptorType,
    MethodType,
    ModuleType,
)
from typing import Any, NamedTuple

import numpy as np

from catgrad.containers import ATOMS, Same, constant_key
from catgrad.dims import Dim
from catgrad.lang.structure import Node, attributes
from catgrad.lang.var import Var
from catgrad.ops import Literal, Op
from catgrad.term import Term
from catgrad.types import DType, TensorType, dtypes

__all__ = ["Closure", "Formal", "closure", "readable"]

_PURE = frozenset(
    "abc builtins catgrad collections contextlib copy dataclasses enum functools itertools math ml_dtypes numpy "
    "operator types typing".split()
)
"""Packages whose functions depend on their arguments alone, but for those called random."""
_DYNAMIC = frozenset({"random", "globals", "eval", "exec"})
"""Names by which code comes to what cannot be read."""
_REFLECTIVE = frozenset({"getattr", "vars", "__dict__"})
"""Names by which code comes to what it does not name, in a module of Python."""
_CONSTRUCTORS = frozenset({"__init__", "__new__", "__post_init__", "__init_subclass__"})
"""What has run when there is an object."""
_DESCRIPTIVE = frozenset(
    "__dict__ __weakref__ __doc__ __module__ __qualname__ __annotations__ __annotate_func__ __annotations_cache__ "
    "__static_attributes__ __firstlineno__ __match_args__ __orig_bases__ __parameters__ __abstractmethods__".split()
)
"""What a class has that its methods do not use."""
_NUMERIC = frozenset(dtype.numpy for dtype in dtypes)
_NEW: Any = object.__new__


@dataclass(frozen=True)
class Closure:
    """Code and its environment.

    Attributes:
        key: Equal for equal code in equal environments; None if the environment is not known.
        values: The traced values of the environment, in order of first appearance.
    """

    key: Hashable | None
    values: tuple[Var, ...] = ()

    @property
    def is_known(self) -> bool:
        """Whether equal keys mean that the same is computed."""
        return self.key is not None

    def places(self, values: Sequence[Var]) -> tuple[int, ...] | None:
        """Return the positions of some of its values, if they are all among them."""
        known = {_identity(value): i for i, value in enumerate(self.values)}
        found = [known.get(_identity(value)) for value in values]
        return None if None in found else tuple(i for i in found if i is not None)


@dataclass(frozen=True)
class Formal:
    """A formal parameter: it takes the place of what each call passes."""

    position: int


def closure(code: Any) -> Closure:
    """Return a function, or what else computes something, with its environment as it is now."""
    reader = _Reader()
    try:
        return Closure(reader.read(code), tuple(reader.values))
    except (_Unknown, RecursionError):
        return Closure(None)


_Parts = Callable[[Any], Iterable[Any]]


def readable(kind: type) -> Callable[[_Parts], _Parts]:
    """Register the parts by which objects of a class, and of those derived from it, are read."""

    def register(parts: _Parts) -> _Parts:
        _FAMILIES[kind] = parts
        return parts

    return register


class _Unknown(Exception):
    """Something has a state that cannot be read."""


class _Reader:
    """Reads values into keys: a constant is itself, anything else its class and its parts.

    Attributes:
        values: The traced values met so far.
    """

    def __init__(self) -> None:
        self.values: list[Var] = []
        self._places: dict[Hashable, int] = {}
        self._met: dict[Hashable, tuple[int, Any]] = {}

    def read(self, value: Any) -> Hashable:
        """Return a key of a value; what is met again, perhaps inside itself, is called by its number."""
        kind, key = type(value), constant_key(value)
        if key is not None:
            return key
        if kind is Var:
            place = self._places.setdefault(_identity(value), len(self._places))
            if place == len(self.values):
                self.values.append(value)
            return kind, value.type, place
        parts = _PARTS[kind] if kind in _PARTS else _parts(kind)
        if parts is None:
            return kind, value
        identity = value if kind is _Behaviour else id(value)
        if identity in self._met:
            return self._met[identity][0]
        self._met[identity] = len(self._met), value  # kept, so that no other gets its address
        return kind, *map(self.read, parts(value))


@dataclass(frozen=True)
class _Behaviour:
    """A class, as what is done with its objects depends on it."""

    kind: type


def _parts(kind: type) -> _Parts | None:
    """Return what the objects of a class are read by, None if they are constants, where the class itself has no entry.

    What `object.__new__` makes has no state but its attributes.
    """
    found = next((each for each in kind.__mro__ if each in _FAMILIES), None)
    if found is not None:
        return _FAMILIES[found]
    if issubclass(kind, tuple) and hasattr(kind, "_fields") and not kind.__dictoffset__:
        return lambda value: (_Behaviour(kind), *tuple.__iter__(value))
    if kind.__new__ is _NEW and (issubclass(kind, Node) or dataclasses.is_dataclass(kind)):
        return lambda value: (_Behaviour(kind), *chain.from_iterable(attributes(value)))
    raise _Unknown


def _identity(value: Var) -> Hashable:
    return value.tracer, value.node


def _array(value: Any) -> Iterator[Any]:
    if value.dtype not in _NUMERIC:
        raise _Unknown
    yield Literal.of(value)


def _set(items: Any) -> Iterable[Any]:
    if any(type(item) not in ATOMS for item in items):  # others could be read in another order next time
        raise _Unknown
    return sorted(items, key=lambda item: (type(item).__name__, repr(item)))


def _function(function: FunctionType) -> Iterator[Any]:
    names = _names(function.__code__)
    if not _DYNAMIC.isdisjoint(names):
        raise _Unknown
    yield function.__code__
    yield from map(_content, function.__closure__ or ())
    yield from _globals(function, names)
    yield from (function.__defaults__, function.__kwdefaults__, function.__dict__)


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # it has none yet
        return ...


@lru_cache(maxsize=4096)
def _names(code: CodeType) -> tuple[str, ...]:
    """Return the names that code refers to, those of global variables among them, in order."""
    inner = (_names(constant) for constant in code.co_consts if isinstance(constant, CodeType))
    return tuple(dict.fromkeys(chain(code.co_names, *inner)))


def _globals(function: FunctionType, names: Sequence[str]) -> Iterator[Any]:
    """Yield the global variables that code names; of modules of Python, the variables that it names in them."""
    if _is_pure(function.__globals__.get("__name__")):  # its own `__module__` is that of what it wraps, perhaps
        return
    is_direct = _REFLECTIVE.isdisjoint(names)
    spaces, met = [function.__globals__], set[int]()
    for space in spaces:
        for name, value in ((name, space[name]) for name in names if name in space):
            if not (is_direct and type(value) is ModuleType and not _is_pure(value.__name__)):
                yield from (name, value)
            elif "__getattr__" in vars(value):
                raise _Unknown
            elif id(value) not in met:
                met.add(id(value))
                spaces.append(vars(value))


def _module(module: ModuleType) -> Iterator[Any]:
    if not _is_pure(module.__name__):
        raise _Unknown
    yield Same(module)


def _class(kind: type, left_out: frozenset[str] = frozenset()) -> Iterator[Any]:
    """Yield a class, and what it and those it derives from define, but for those that never change."""
    yield Same(kind)
    for each in kind.__mro__:
        for name, value in () if _is_pure(each.__module__) else vars(each).items():
            if name not in _DESCRIPTIVE and name not in left_out and not name.startswith(("__dataclass_", "_abc_")):
                yield from (name, value)


@cache
def _is_pure(module: str | None) -> bool:
    return module is not None and module.partition(".")[0] in _PURE


class _Fields(NamedTuple):
    field: Any


_PARTS: dict[type, _Parts | None] = {
    **dict.fromkeys((range, CodeType, Formal, Literal, Same), None),
    **dict.fromkeys((MemberDescriptorType, type(vars(_Fields)["field"]), object), lambda value: (Same(value),)),
    **dict.fromkeys((tuple, list), iter),
    dict: lambda value: chain.from_iterable(value.items()),
    **dict.fromkeys((set, frozenset), _set),
    np.ndarray: _array,
    FunctionType: _function,
    ModuleType: _module,
    _Behaviour: lambda value: _class(value.kind, _CONSTRUCTORS),
    MethodType: lambda method: (method.__func__, method.__self__),
    BuiltinFunctionType: lambda function: (function.__name__, function.__self__),
    partial: lambda made: (made.func, made.args, made.keywords),
    property: lambda made: (made.fget, made.fset, made.fdel),
    slice: lambda made: (made.start, made.stop, made.step),
    cached_property: lambda made: (made.func,),
    **dict.fromkeys((staticmethod, classmethod), lambda made: (made.__func__,)),
}
"""What objects of a class are read by; nothing if they never change, and are hashed by what they are."""
_FAMILIES: dict[type, _Parts | None] = {
    **dict.fromkeys((Dim, DType, Op, TensorType, Term, np.dtype), None),
    type: _class,
    Enum: lambda member: (_Behaviour(type(member)), member.name, member.value),
    np.generic: _array,
    np.ufunc: lambda function: (Same(function),),
}
"""The same, for a class and those derived from it."""
