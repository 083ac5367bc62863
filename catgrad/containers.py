"""Containers of Python, taken apart and made anew without running the code of their classes.

A container has attributes, and items if it is a dict, a list or a tuple, of whatever subclass. Constructors, properties
and a subclass's own access to its items may compute or refuse anything; an object is what it holds.

The parts of an object are its items, and those fields of a dataclass that hold arrays, or numbers that its constructor
takes. Everything else that is set on it is a setting, which two objects of one structure have in common: settings are
compared by type and value, arrays among them by content, and what cannot be compared is equal to itself.
"""

from __future__ import annotations

import dataclasses
import functools
from collections import OrderedDict
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from types import MemberDescriptorType
from typing import Any, TypeAlias

import numpy as np

from catgrad.errors import CatgradError
from catgrad.types import TensorType

__all__ = [
    "ATOMS",
    "AuxData",
    "Position",
    "Same",
    "attributes",
    "constant_key",
    "flatten_node",
    "items",
    "new",
    "parts",
    "put",
    "set_attribute",
    "unflatten_node",
]

Item: TypeAlias = tuple[Any, Any]

_BASES: tuple[type, ...] = (OrderedDict, dict, list, tuple)
"""The classes that keep items; the first that a class derives from keeps its own."""

ATOMS = frozenset({type(None), type(...), bool, int, str, bytes})
"""The types of constants that are equal if their types and values are."""
_FLOATS = frozenset({float, complex})
_ARRAYS = ("dtype", "__dlpack__", "__array__")
"""One of these has whatever stands for an array, and is no number."""


def attributes(value: Any) -> dict[str, Any]:
    """Return what is set on an object by name, in its `__dict__` and its slots, but for what properties compute.

    Example:
        >>> class Slotted:
        ...     __slots__ = ("__secret", "unset")
        ...     def __init__(self):
        ...         self.__secret = 1
        >>> attributes(Slotted())
        {'_Slotted__secret': 1}
    """
    kind: Any = type(value)
    found = dict(_namespace(value))
    for name, member in _members(kind).items():
        try:
            found[name] = member.__get__(value)
        except AttributeError:  # it is not set
            continue
    return found


def set_attribute(value: Any, name: str, to: Any) -> None:
    """Set an attribute, also of what is frozen."""
    kind: Any = type(value)
    member = _members(kind).get(name)
    if member is None:
        _namespace(value)[name] = to
    else:
        member.__set__(value, to)


def items(value: Any) -> list[Item]:
    """Return what a dict, list or tuple holds by key, index or field.

    Example:
        >>> items({"a": 1}), items([2]), items(object())
        ([('a', 1)], [(0, 2)], [])
    """
    base: Any = _base(type(value))
    if base is object:
        return []
    if base is tuple:
        return list(zip(getattr(value, "_fields", range(tuple.__len__(value))), tuple.__iter__(value), strict=True))
    return list(enumerate(list.__iter__(value)) if base is list else base.items(value))


def put(value: Any, key: Any, item: Any) -> None:
    """Set what a dict or list holds at a key or index."""
    base: Any = _base(type(value))
    base.__setitem__(value, key, item)


def new(kind: type, items: Iterable[Item], attributes: dict[str, Any]) -> Any:
    """Return an object of a class with these items, in this order, and these attributes.

    Example:
        >>> class Loud(dict):
        ...     def __setitem__(self, key, item):
        ...         print(key)
        >>> new(Loud, [("a", 1)], {"name": "x"}), new(tuple, [(0, 1)], {})
        ({'a': 1}, (1,))
    """
    base: Any = _base(kind)
    result: Any
    if base is tuple:
        result = tuple.__new__(kind, [item for _, item in items])
    else:
        result = base.__new__(kind)
        for key, item in items:
            list.append(result, item) if base is list else base.__setitem__(result, key, item)
    for name, value in attributes.items():
        set_attribute(result, name, value)
    return result


def _base(kind: type) -> type:
    return next((base for base in _BASES if issubclass(kind, base)), object)


def _namespace(value: Any) -> dict[str, Any]:
    """Return the `__dict__` of an object, or an empty one."""
    try:
        found: dict[str, Any] = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return {}
    return found


@functools.lru_cache(maxsize=1024)
def _members(kind: type) -> dict[str, MemberDescriptorType]:
    """Return the slots of a class by name; private ones have the name that the class mangles."""
    found = (each for cls in reversed(kind.__mro__) for each in vars(cls).items())
    return {name: member for name, member in found if type(member) is MemberDescriptorType}


class Position(int):
    """The position of an array among others, which takes the array's place in a structure."""


@dataclass(frozen=True, eq=False)
class AuxData:
    """Auxiliary data of a node of a pytree, which is what it is without its parts: its class, keys and settings.

    Attributes:
        kind: Its class.
        keys: The keys of its items, in the order of its parts.
        order: The keys as they were set.
        fields: The names of the other parts.
        settings: What else is set on it.
    """

    kind: type
    keys: tuple[Any, ...]
    order: tuple[Any, ...]
    fields: tuple[str, ...]
    settings: dict[str, Any]

    @property
    def _key(self) -> Hashable:
        return self.kind, self.keys, self.fields, _key(self.settings)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AuxData) and self._key == other._key

    def __hash__(self) -> int:
        return hash((self.kind, self.fields))

    def __repr__(self) -> str:
        return ", ".join(f"{name}={value!r}" for name, value in self.settings.items())


def flatten_node(value: Any) -> tuple[list[Any], AuxData, list[Any]]:
    """Return the parts of an object, what it is without them, and the key or name of each.

    Raises:
        CatgradError: A traced value or a type is neither an item nor in a field.
    """
    kind, settings = type(value), _set_on(value)
    known = dataclasses.fields(kind) if dataclasses.is_dataclass(kind) else ()
    fields = tuple(f.name for f in known if f.name in settings and _is_part(settings[f.name], f.init))
    parts = [settings.pop(name) for name in fields]
    for name, setting in settings.items():
        if any(isinstance(getattr(leaf, "type", leaf), TensorType) for leaf in _leaves(setting)):
            raise CatgradError(f"{kind.__name__}.{name} holds a traced value, or a type, and is no field")
    held = items(value)
    ordered = sorted(held, key=lambda item: str(item[0])) if isinstance(value, dict) else held
    aux = AuxData(kind, tuple(k for k, _ in ordered), tuple(k for k, _ in held), fields, settings)
    return [*(item for _, item in ordered), *parts], aux, [*aux.keys, *fields]


def parts(value: Any) -> list[tuple[Any, Any]]:
    """Return the parts of an object by key or name, items in the order in which they were set.

    Example:
        >>> parts({"b": 1, "a": 2}), parts([3]), parts(None)
        ([('b', 1), ('a', 2)], [(0, 3)], [])
    """
    found, aux, _ = flatten_node(value)
    held = dict(zip(aux.keys, found, strict=False))
    return [*((key, held[key]) for key in aux.order), *zip(aux.fields, found[len(held) :], strict=True)]


def unflatten_node(aux: AuxData, parts: Iterable[Any]) -> Any:
    """Return an object with other parts."""
    given = iter(parts)
    held = dict(zip(aux.keys, given, strict=False))
    fields = dict(zip(aux.fields, given, strict=True))
    return new(aux.kind, [(key, held[key]) for key in aux.order], aux.settings | fields)


def _set_on(value: Any) -> dict[str, Any]:
    """Return what is set on an object or, for a field, on its class, but for what properties computed."""
    kind = type(value)
    fields = dataclasses.fields(kind) if dataclasses.is_dataclass(kind) else ()
    inherited = {f.name: f.default for f in fields if getattr(kind, f.name, kind) is f.default}
    computed = functools.cached_property  # noqa: TID251 - what users write
    found = attributes(value)
    return inherited | {k: v for k, v in found.items() if not isinstance(getattr(kind, k, None), computed)}


def _is_part(value: Any, takes_numbers: bool) -> bool:
    """Return whether something holds an array, perhaps a number, or nothing at all."""
    leaves = list(_leaves(value))
    return not leaves or any((takes_numbers and isinstance(leaf, (int, float))) or _is_array(leaf) for leaf in leaves)


def _is_array(leaf: Any) -> bool:
    if isinstance(leaf, type):
        return False
    return isinstance(leaf, Position) or any(hasattr(leaf, name) for name in _ARRAYS) or dataclasses.is_dataclass(leaf)


def _leaves(value: Any) -> Iterator[Any]:
    """Yield what is in containers, but for None."""
    if isinstance(value, (dict, list, tuple)):
        for _, item in items(value):
            yield from _leaves(item)
    elif value is not None:
        yield value


class Same:
    """Key that is equal to that of the same object only."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and self._value is other._value

    def __hash__(self) -> int:
        return id(self._value)


def constant_key(value: Any) -> Hashable | None:
    """Return a key that is equal for numbers, text and bytes of one type and value; None for anything else.

    Example:
        >>> constant_key(0.0) == constant_key(-0.0), constant_key(1) == constant_key(True), constant_key([1])
        (False, False, None)
    """
    kind = type(value)
    if kind in ATOMS:
        return kind, value
    # Zeros of two signs compare equal, and a NaN to nothing.
    return (kind, repr(value)) if kind in _FLOATS else None


def _key(value: Any) -> Hashable:
    """Return what is equal for equal settings."""
    kind, key = type(value), constant_key(value)
    if key is not None:
        return key
    if isinstance(value, (np.ndarray, np.generic)) and not value.dtype.hasobject:
        return kind, value.dtype, value.shape, value.tobytes()
    if kind in (dict, list, tuple):
        return kind, *((_key(key), _key(item)) for key, item in items(value))
    return Same(value)
