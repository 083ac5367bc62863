"""Closures: code together with its environment, the values of its free variables.

Two calls of a function are one definition if its code is the same and its environment has equal values. So the key of a
closure holds values, not the objects that hold them, which may have changed since: numbers, arrays, containers and
functions are read through. What cannot be read (an object with a state of its own) makes the closure unknown, and code
with an unknown environment is traced again at each call. Traced values in an environment are arguments: the key has
their types, and the closure the values.

Reference: Landin, "The mechanical evaluation of expressions" (1964).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from types import BuiltinFunctionType, CodeType, EllipsisType, FunctionType, MethodType, ModuleType, NoneType
from typing import Any

import numpy as np

from catgrad.dims import Dim
from catgrad.lang.var import Var
from catgrad.ops import Literal, Op
from catgrad.term import Term
from catgrad.types import DType, TensorType, dtypes

__all__ = ["Closure", "Reader", "closure", "opaque", "readable"]

_ATOMS = frozenset({NoneType, EllipsisType, bool, int, float, complex, str, bytes})
_CONSTANT = (Dim, DType, Op, TensorType, Term, range)
"""What never changes, and is hashed by what it is."""
_PURE = frozenset(
    "abc builtins catgrad collections contextlib copy dataclasses enum functools itertools math ml_dtypes numpy "
    "operator types typing".split()
)
"""Packages whose functions depend on their arguments alone, but for those called random."""
_NUMERIC = frozenset(dtype.numpy for dtype in dtypes)


@dataclass(frozen=True)
class Closure:
    """Code and its environment.

    Attributes:
        key: Equal for equal code in equal environments.
        values: The traced values of the environment, in order of first appearance.
        is_known: Whether equal keys mean that the same is computed.
    """

    key: Hashable
    values: tuple[Var, ...]
    is_known: bool

    def places(self, values: Sequence[Var]) -> tuple[int, ...] | None:
        """Return the positions of some of its values, if they are all among them."""
        known = {(value.tracer, value.node): i for i, value in enumerate(self.values)}
        found = [known.get((value.tracer, value.node)) for value in values]
        return None if None in found else tuple(i for i in found if i is not None)


def closure(code: Any) -> Closure:
    """Return a function, or what else computes something, with its environment as it is now."""
    reader = Reader()
    return Closure(reader.read(code), tuple(reader.values), reader.is_known)


def opaque(code: Any) -> Closure:
    """Return code of which nothing is known but that it is itself."""
    return Closure(_Same(code), (), is_known=False)


class Reader:
    """Reads values into keys.

    Attributes:
        values: The traced values met so far.
        is_known: Whether all that was met could be read.
    """

    def __init__(self) -> None:
        self.values: list[Var] = []
        self.is_known = True
        self._met: dict[int, tuple[int, Any]] = {}

    def read(self, value: Any) -> Hashable:
        """Return a key of a value; what is met again, perhaps inside itself, is called by its number."""
        kind = type(value)
        if kind in _ATOMS:
            return kind, repr(value)
        if isinstance(value, _CONSTANT):
            return kind, value
        if id(value) in self._met:
            return self._met[id(value)][0]
        self._met[id(value)] = len(self._met), value
        return kind, self._reading(value)(self, value)

    def unknown(self, value: Any) -> Hashable:
        """Return a key of what has a state that cannot be read."""
        self.is_known = False
        return _Same(value)

    def _reading(self, value: Any) -> _Reading:
        kind = type(value)
        if kind in _READINGS:
            return _READINGS[kind]
        found = next((_FAMILIES[each] for each in kind.__mro__ if each in _FAMILIES), None)
        if found is None and dataclasses.is_dataclass(kind):
            return _dataclass
        return found or Reader.unknown


_Reading = Callable[[Reader, Any], Hashable]


class _Same:
    """A key that is equal to that of the same object only; it keeps the object, so that no other gets its address."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self._value is other._value

    def __hash__(self) -> int:
        return id(self._value)


def readable(kind: type) -> Callable[[_Reading], _Reading]:
    """Register how objects of a class, and of those derived from it, are read."""

    def register(reading: _Reading) -> _Reading:
        _FAMILIES[kind] = reading
        return reading

    return register


def _var(reader: Reader, value: Var) -> Hashable:
    nodes = [(known.tracer, known.node) for known in reader.values]
    node = value.tracer, value.node
    if node not in nodes:
        reader.values.append(value)
        return value.type
    return nodes.index(node)


def _array(reader: Reader, value: Any) -> Hashable:
    return Literal.of(value) if value.dtype in _NUMERIC else reader.unknown(value)


def _sequence(reader: Reader, value: Any) -> Hashable:
    return tuple(map(reader.read, value))


def _mapping(reader: Reader, value: Any) -> Hashable:
    return tuple((reader.read(key), reader.read(item)) for key, item in value.items())


def _set(reader: Reader, value: Any) -> Hashable:
    is_plain = all(type(item) in _ATOMS for item in value)  # others could be read in another order next time
    return frozenset(map(reader.read, value)) if is_plain else reader.unknown(value)


def _function(reader: Reader, function: FunctionType) -> Hashable:
    names = dict.fromkeys(_names(function.__code__))
    if "random" in names:
        return reader.unknown(function)
    inner = [_content(cell) for cell in function.__closure__ or ()]
    outer = {} if _is_pure(function.__module__) else function.__globals__
    named = [outer[name] for name in names if name in outer]
    free = [inner, named, function.__defaults__, function.__kwdefaults__, function.__dict__]
    return function.__code__, tuple(map(reader.read, free))


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # it has none yet
        return ...


def _names(code: CodeType) -> Iterator[str]:
    """Yield the names that code refers to, those of global variables among them."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _module(reader: Reader, module: ModuleType) -> Hashable:
    return _Same(module) if _is_pure(module.__name__) else reader.unknown(module)


def _class(reader: Reader, kind: type) -> Hashable:
    """Read a class: what it and those it derives from define, but for those that never change."""
    own = [each for each in kind.__mro__ if not _is_pure(each.__module__)]
    defined = [(name, value) for each in own for name, value in vars(each).items() if not _is_automatic(name, value)]
    return _Same(kind), tuple((name, reader.read(value)) for name, value in defined)


def _is_automatic(name: str, value: Any) -> bool:
    """Return whether Python itself defines something in every class."""
    return name in ("__dict__", "__weakref__", "__doc__", "__module__") or name.startswith(("__dataclass_", "_abc_"))


def _is_pure(module: str | None) -> bool:
    return module is not None and module.partition(".")[0] in _PURE


def _dataclass(reader: Reader, value: Any) -> Hashable:
    return reader.read(type(value)), tuple(reader.read(getattr(value, f.name)) for f in dataclasses.fields(value))


_READINGS: dict[type, _Reading] = {
    Var: _var,
    **dict.fromkeys((tuple, list), _sequence),
    dict: _mapping,
    **dict.fromkeys((set, frozenset), _set),
    np.ndarray: _array,
    FunctionType: _function,
    ModuleType: _module,
    MethodType: lambda reader, method: (reader.read(method.__func__), reader.read(method.__self__)),
    BuiltinFunctionType: lambda reader, function: (function.__name__, reader.read(function.__self__)),
    partial: lambda reader, made: tuple(map(reader.read, (made.func, made.args, made.keywords))),
    property: lambda reader, made: tuple(map(reader.read, (made.fget, made.fset, made.fdel))),
    **dict.fromkeys((staticmethod, classmethod), lambda reader, made: reader.read(made.__func__)),
}
_FAMILIES: dict[type, _Reading] = {type: _class, np.generic: _array, np.ufunc: lambda _, function: _Same(function)}
