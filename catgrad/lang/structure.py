"""The object graph of a module: what it reaches by path, and the same graph with other values in it.

Modules, dataclasses, lists, tuples and dicts, of whatever subclass, are the nodes; they may be shared and point back to
what holds them. Each is visited once, by the first path that leads to it. All else is left alone.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias

import numpy as np

from catgrad.errors import CatgradError
from catgrad.ops import Op
from catgrad.types import DType, TensorType

__all__ = ["HIDDEN", "Node", "attributes", "path_text", "reach", "replace"]

HIDDEN = "bound values"
"""The attribute of a module that is no part of what it holds; not an identifier, so that it is nobody else's."""

IsLeaf: TypeAlias = Callable[[Any], bool]
Path: TypeAlias = tuple[Any, ...]
_ATOMS = frozenset((bool, int, float, str, type(None), DType, Op, TensorType))
"""The most frequent types of what holds nothing, or nothing of a user's."""
_KEYS = (str, int, float, bytes, Enum, np.generic, type(None))
"""What is written the same in every process, so that parameters can be named by it."""


class Node:
    """Container of others by its attributes, as dataclasses are; it is copied whenever what holds it is."""


@dataclass(frozen=True)
class Kind:
    """A kind of container.

    Attributes:
        copy: A copy that holds the same, made without running a constructor.
        children: What it holds, by key, in an order that does not depend on hashing.
        put: Set what it holds at a key.
    """

    copy: Callable[[Any], Any]
    children: Callable[[Any], list[tuple[Any, Any]]]
    put: Callable[[Any, Any, Any], None]


def attributes(value: Any) -> list[tuple[str, Any]]:
    """Return the attributes of an object by name, in the order of their names."""
    found = getattr(value, "__dict__", {})
    slots = [name for cls in type(value).__mro__ if "__slots__" in vars(cls) for name in _slot_names(cls)]
    if slots:
        found = found | {name: getattr(value, name) for name in slots if hasattr(value, name)}
    return [(name, found[name]) for name in sorted(found) if name != HIDDEN]


def _slot_names(cls: type) -> list[str]:
    """Return the attributes that `__slots__` of a class names, private ones as the class mangles them."""
    slots = vars(cls)["__slots__"]
    names = [slots] if isinstance(slots, str) else [name for name in slots if name not in ("__dict__", "__weakref__")]
    private = f"_{cls.__name__.lstrip('_')}"
    return [private + name if name.startswith("__") and not name.endswith("__") else name for name in names]


def _set_attribute(value: Any, name: str, child: Any) -> None:
    """Set an attribute, also of what is frozen, and without running what a property does."""
    attributes = getattr(value, "__dict__", {})
    if name in attributes:
        attributes[name] = child
    else:
        object.__setattr__(value, name, child)


def _copy_object(value: Any) -> Any:
    result = object.__new__(type(value))
    getattr(result, "__dict__", {}).update(getattr(value, "__dict__", {}))
    for name, child in attributes(value):
        _set_attribute(result, name, child)
    return result


_OBJECT = Kind(_copy_object, attributes, _set_attribute)
_DICT = Kind(copy.copy, lambda value: sorted(dict.items(value), key=lambda item: str(item[0])), dict.__setitem__)
_LIST = Kind(copy.copy, lambda value: list(enumerate(list.__iter__(value))), list.__setitem__)


def _fields(value: Any) -> list[tuple[Any, Any]]:
    names = getattr(value, "_fields", None) or range(tuple.__len__(value))
    return list(zip(names, tuple.__iter__(value), strict=True))


_TUPLE = Kind(tuple, _fields, lambda *_: None)
"""A tuple is made when its items are there."""


def _kind(value: Any) -> Kind | None:
    if isinstance(value, Node):
        return _OBJECT
    for cls, kind in ((dict, _DICT), (list, _LIST), (tuple, _TUPLE)):
        if isinstance(value, cls):
            return kind
    return _OBJECT if hasattr(type(value), "__dataclass_fields__") else None


def reach(value: Any, is_leaf: IsLeaf) -> Iterator[tuple[Path, Any, bool]]:
    """Return what is reached from `value`, itself first, each once: path, value, and whether it is a leaf."""
    return _reach(value, is_leaf, (), set())


def _reach(value: Any, is_leaf: IsLeaf, path: Path, seen: set[int]) -> Iterator[tuple[Path, Any, bool]]:
    found = is_leaf(value)
    kind = None if found else _kind(value)
    if not (found or kind) or id(value) in seen:
        return
    seen.add(id(value))
    yield path, value, found
    for key, child in kind.children(value) if kind else ():
        if type(child) not in _ATOMS:
            yield from _reach(child, is_leaf, (*path, key), seen)


def replace(value: Any, is_leaf: IsLeaf, new: Callable[[Any], Any]) -> Any:
    """Return a copy with every leaf replaced, which shares and points back where the original does.

    Only what leads to a leaf or a `Node` is copied.
    """
    return _replace(value, is_leaf, new, {})


def _replace(value: Any, is_leaf: IsLeaf, new: Callable[[Any], Any], made: dict[int, Any]) -> Any:
    if is_leaf(value):
        return new(value)
    kind = _kind(value)
    if kind is None or id(value) in made or not _is_copied(value, is_leaf):
        return made.get(id(value), value)
    if kind is _TUPLE:
        return made.setdefault(id(value), _tuple(value, [_replace(x, is_leaf, new, made) for x in value]))
    result = made[id(value)] = kind.copy(value)
    for key, child in kind.children(value):
        if type(child) not in _ATOMS:
            kind.put(result, key, _replace(child, is_leaf, new, made))
    return result


def _is_copied(value: Any, is_leaf: IsLeaf) -> bool:
    return any(found or isinstance(each, Node) for _, each, found in reach(value, is_leaf))


def _tuple(like: Any, items: list[Any]) -> Any:
    result = tuple.__new__(type(like), items)
    getattr(result, "__dict__", {}).update(getattr(like, "__dict__", {}))
    return result


def path_text(path: Path) -> str:
    """Return a path as the name of a parameter; different paths have different names.

    Raises:
        CatgradError: A key of a dict has no text of its own.

    Example:
        >>> path_text(("layers", 0, "weight")), path_text(("by_name", "0", "a.b"))
        ('layers.0.weight', "by_name['0']['a.b']")
    """
    return "".join(map(_step, path)).removeprefix(".")


def _step(key: Any) -> str:
    is_plain = type(key) is int or (type(key) is str and _is_plain(key))
    return f".{key}" if is_plain else f"[{_shown(key)}]"


def _is_plain(name: str) -> bool:
    return bool(name) and not any(mark in name for mark in ".[]") and not name.removeprefix("-").isdecimal()


def _shown(key: Any) -> str:
    if isinstance(key, Enum):
        return f"{type(key).__name__}.{key.name}"
    if isinstance(key, tuple):
        return f"({', '.join(map(_shown, key))})"
    if not isinstance(key, _KEYS):
        raise CatgradError(f"parameters in a dict are named by its keys: use text or numbers, not {key!r}")
    return repr(key)
