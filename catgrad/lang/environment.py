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
from functools import cache, cached_property, lru_cache, partial
from types import (
    BuiltinFunctionType,
    CodeType,
    EllipsisType,
    FunctionType,
    MemberDescriptorType,
    MethodType,
    ModuleType,
    NoneType,
)
from typing import Any, NamedTuple, NoReturn

import numpy as np

from catgrad.dims import Dim
from catgrad.lang.structure import Node, attributes
from catgrad.lang.var import Var
from catgrad.ops import Literal, Op
from catgrad.term import Term
from catgrad.types import DType, TensorType, dtypes

__all__ = ["Closure", "Formal", "Reader", "closure", "readable"]

_ATOMS = frozenset({NoneType, EllipsisType, bool, int, str, bytes})
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
    reader = Reader()
    try:
        return Closure(reader.read(code), tuple(reader.values.values()))
    except (_Unknown, RecursionError):
        return Closure(None)


class _Unknown(Exception):
    """Something has a state that cannot be read."""


class Reader:
    """Reads values into keys.

    Attributes:
        values: The traced values met so far.
    """

    def __init__(self) -> None:
        self.values: dict[Hashable, Var] = {}
        self._met: dict[Hashable, tuple[int, Any]] = {}

    def read(self, value: Any) -> Hashable:
        """Return a key of a value; what is met again, perhaps inside itself, is called by its number."""
        kind = type(value)
        if kind in _ATOMS:
            return kind, value
        reading = _READINGS.get(kind) or _reading(kind)
        return (kind, reading(self, value)) if reading in _IMMUTABLE else self._once(id(value), value, reading)

    def read_class(self, value: Any) -> Hashable:
        """Return a key of the class of an object, for what is done with the object."""
        kind = type(value)
        return self._once((id(kind), "object"), kind, partial(_class, left_out=_CONSTRUCTORS))

    def _once(self, identity: Hashable, value: Any, reading: _Reading) -> Hashable:
        if identity in self._met:
            return self._met[identity][0]
        self._met[identity] = len(self._met), value  # kept, so that no other gets its address
        return type(value), reading(self, value)


_Reading = Callable[[Reader, Any], Hashable]


def readable(kind: type) -> Callable[[_Reading], _Reading]:
    """Register how objects of a class, and of those derived from it, are read."""

    def register(reading: _Reading) -> _Reading:
        _FAMILIES[kind] = reading
        return reading

    return register


def _reading(kind: type) -> _Reading:
    """Return how objects of a class are read that has no reading of its own."""
    found = next((_FAMILIES[each] for each in kind.__mro__ if each in _FAMILIES), None)
    if found is not None:
        return found
    if issubclass(kind, tuple) and hasattr(kind, "_fields") and not kind.__dictoffset__:
        return _named_tuple
    has_attributes_alone = kind.__new__ is object.__new__ and (issubclass(kind, Node) or dataclasses.is_dataclass(kind))
    return _object if has_attributes_alone else _unknown


class _Same:
    """A key that is equal to that of the same object only."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self._value is other._value

    def __hash__(self) -> int:
        return id(self._value)


def _unknown(_: Reader, value: Any) -> NoReturn:
    raise _Unknown


def _constant(_: Reader, value: Any) -> Hashable:
    """Read what never changes, and is hashed by what it is."""
    found: Hashable = value
    return found


def _same(_: Reader, value: Any) -> Hashable:
    """Read what never changes, and is equal to itself alone."""
    return _Same(value)


def _number(_: Reader, value: Any) -> Hashable:
    """Read a float: zeros of two signs compare equal, and a NaN to nothing."""
    return repr(value)


_IMMUTABLE = frozenset({_constant, _same, _number})
"""How values are read of which two that are equal cannot be told apart."""


def _identity(value: Var) -> Hashable:
    return value.tracer, value.node


def _var(reader: Reader, value: Var) -> Hashable:
    known = len(reader.values)
    reader.values.setdefault(_identity(value), value)
    return value.type if len(reader.values) > known else list(reader.values).index(_identity(value))


def _array(_: Reader, value: Any) -> Hashable:
    return Literal.of(value) if value.dtype in _NUMERIC else _unknown(_, value)


def _items(reader: Reader, values: Iterable[Any]) -> Hashable:
    return tuple(map(reader.read, values))


def _mapping(reader: Reader, value: Any) -> Hashable:
    return tuple((reader.read(key), reader.read(item)) for key, item in value.items())


def _set(reader: Reader, value: Any) -> Hashable:
    is_plain = all(type(item) in _ATOMS for item in value)  # others could be read in another order next time
    return frozenset(map(reader.read, value)) if is_plain else _unknown(reader, value)


def _named_tuple(reader: Reader, value: Any) -> Hashable:
    return reader.read_class(value), _items(reader, tuple.__iter__(value))


def _object(reader: Reader, value: Any) -> Hashable:
    return reader.read_class(value), tuple((name, reader.read(child)) for name, child in attributes(value))


def _member(reader: Reader, value: Enum) -> Hashable:
    return value.name, reader.read_class(value), reader.read(value.value)


def _function(reader: Reader, function: FunctionType) -> Hashable:
    names = _names(function.__code__)
    if not names.isdisjoint(_DYNAMIC):
        raise _Unknown
    cells = map(_content, function.__closure__ or ())
    defaults = function.__defaults__, function.__kwdefaults__, function.__dict__
    return function.__code__, _items(reader, (*cells, *_globals(function, names), *defaults))


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # it has none yet
        return ...


@lru_cache(maxsize=4096)
def _names(code: CodeType) -> dict[str, None].keys:
    """Return the names that code refers to, those of global variables among them, in order."""
    inner = (constant for constant in code.co_consts if isinstance(constant, CodeType))
    return dict.fromkeys((*code.co_names, *(name for each in inner for name in _names(each)))).keys()


def _globals(function: FunctionType, names: Any) -> Iterator[Any]:
    """Yield the global variables that code names; of modules of Python, the variables that it names in them."""
    if _is_pure(function.__globals__.get("__name__")):  # its own `__module__` is that of what it wraps, perhaps
        return
    spaces, met = [function.__globals__], set[int]()
    for space in spaces:
        for name in names:
            if name not in space or id(value := space[name]) in met:
                continue
            is_open = type(value) is ModuleType and "__getattr__" not in vars(value) and names.isdisjoint(_REFLECTIVE)
            if is_open and not _is_pure(value.__name__):
                met.add(id(value))
                spaces.append(vars(value))
            else:
                yield value


def _module(_: Reader, module: ModuleType) -> Hashable:
    return _Same(module) if _is_pure(module.__name__) else _unknown(_, module)


def _class(reader: Reader, kind: type, left_out: frozenset[str] = frozenset()) -> Hashable:
    """Read a class: what it and those it derives from define, but for those that never change."""
    own = [vars(each) for each in kind.__mro__ if not _is_pure(each.__module__)]
    names = [(name, value) for each in own for name, value in each.items() if name not in left_out]
    return _Same(kind), tuple((name, reader.read(value)) for name, value in names if not _is_descriptive(name))


def _is_descriptive(name: str) -> bool:
    return name in _DESCRIPTIVE or name.startswith(("__dataclass_", "_abc_"))


@cache
def _is_pure(module: str | None) -> bool:
    return module is not None and module.partition(".")[0] in _PURE


class _Fields(NamedTuple):
    field: Any


_READINGS: dict[type, _Reading] = {
    **dict.fromkeys((float, complex), _number),
    **dict.fromkeys((range, Formal), _constant),
    **dict.fromkeys((MemberDescriptorType, type(vars(_Fields)["field"]), object), _same),
    Var: _var,
    **dict.fromkeys((tuple, list), _items),
    dict: _mapping,
    **dict.fromkeys((set, frozenset), _set),
    np.ndarray: _array,
    FunctionType: _function,
    ModuleType: _module,
    MethodType: lambda reader, method: _items(reader, (method.__func__, method.__self__)),
    BuiltinFunctionType: lambda reader, function: (function.__name__, reader.read(function.__self__)),
    partial: lambda reader, made: _items(reader, (made.func, made.args, made.keywords)),
    property: lambda reader, made: _items(reader, (made.fget, made.fset, made.fdel)),
    slice: lambda reader, made: _items(reader, (made.start, made.stop, made.step)),
    cached_property: lambda reader, made: reader.read(made.func),
    **dict.fromkeys((staticmethod, classmethod), lambda reader, made: reader.read(made.__func__)),
}
_FAMILIES: dict[type, _Reading] = {
    **dict.fromkeys((Dim, DType, Op, TensorType, Term, np.dtype), _constant),
    type: _class,
    Enum: _member,
    np.generic: _array,
    np.ufunc: _same,
}
