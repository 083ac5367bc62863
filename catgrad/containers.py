"""Containers of Python, taken apart and made anew without running the code of their classes.

A container has attributes, and items if it is a dict, a list or a tuple, of whatever subclass. Constructors, properties
and a subclass's own access to its items may compute or refuse anything; an object is what it holds.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from functools import lru_cache
from types import MemberDescriptorType
from typing import Any, TypeAlias

__all__ = ["attributes", "items", "new", "put", "set_attribute"]

Item: TypeAlias = tuple[Any, Any]

_BASES: tuple[type, ...] = (OrderedDict, dict, list, tuple)
"""The classes that keep items; the first that a class derives from keeps its own."""


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
    found = dict(_namespace(value))
    for name, member in _members(type(value)).items():
        try:
            found[name] = member.__get__(value)
        except AttributeError:  # it is not set
            continue
    return found


def set_attribute(value: Any, name: str, to: Any) -> None:
    """Set an attribute, also of what is frozen."""
    member = _members(type(value)).get(name)
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


@lru_cache(maxsize=1024)
def _members(kind: type) -> dict[str, MemberDescriptorType]:
    """Return the slots of a class by name; private ones have the name that the class mangles."""
    found = (each for cls in reversed(kind.__mro__) for each in vars(cls).items())
    return {name: member for name, member in found if type(member) is MemberDescriptorType}
