"""The object graph of a module: what it reaches by path, and the same graph with other values in it.

Modules, dataclasses, lists, tuples and dicts, of whatever subclass, are the nodes; they may be shared and point back to
what holds them. Each is visited once, by the first path that leads to it. All else is left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any, TypeAlias

import numpy as np

from catgrad import containers
from catgrad.errors import CatgradError
from catgrad.ops import Op
from catgrad.types import DType, TensorType

__all__ = ["HIDDEN", "Node", "attributes", "path_text", "reach", "replace"]

HIDDEN = "bound values"
"""The attribute of a module that is no part of what it holds; not an identifier, so that it is nobody else's."""

IsLeaf: TypeAlias = Callable[[Any], bool]
Path: TypeAlias = tuple[Any, ...]
_Link: TypeAlias = tuple[Any, ...]
"""A path from its end: the path so far, and a key; nothing at first."""
_ATOMS = frozenset((bool, int, float, str, type(None), DType, Op, TensorType))
"""The most frequent types of what holds nothing, or nothing of a user's."""
_KEYS = (str, int, float, bytes, Enum, np.generic, type(None))
"""What is written the same in every process, so that parameters can be named by it."""


class Node:
    """Container of others by its attributes, as dataclasses are; it is copied whenever what holds it is."""


def attributes(value: Any) -> list[tuple[str, Any]]:
    """Return the attributes of an object by name, in the order of their names."""
    return sorted(each for each in containers.attributes(value).items() if each[0] != HIDDEN)


def _children(value: Any) -> list[tuple[Any, Any]]:
    """Return what a container holds by key, in an order that does not depend on hashing."""
    if _is_object(value):
        return attributes(value)
    held = containers.items(value)
    return sorted(held, key=lambda item: str(item[0])) if isinstance(value, dict) else held


def _is_object(value: Any) -> bool:
    """Return whether it holds others by its attributes."""
    return isinstance(value, Node) or not isinstance(value, (dict, list, tuple))


def _is_container(value: Any) -> bool:
    return isinstance(value, (Node, dict, list, tuple)) or hasattr(type(value), "__dataclass_fields__")


def reach(value: Any, is_leaf: IsLeaf) -> Iterator[tuple[Path, Any, bool]]:
    """Return what is reached from `value`, itself first, each once: path, value, and whether it is a leaf.

    There is a path for leaves only.
    """
    seen: set[int] = set()
    pending: list[tuple[_Link, Any]] = [((), value)]
    while pending:
        link, value = pending.pop()
        found = is_leaf(value)
        if not (found or _is_container(value)) or id(value) in seen:
            continue
        seen.add(id(value))
        yield _path(link) if found else (), value, found
        if not found:
            pending += [((link, key), child) for key, child in reversed(_children(value)) if type(child) not in _ATOMS]


def _path(link: _Link) -> Path:
    keys = []
    while link:
        link, key = link
        keys.append(key)
    return tuple(reversed(keys))


def replace(value: Any, is_leaf: IsLeaf, new: Callable[[Any], Any]) -> Any:
    """Return a copy with every leaf replaced, which shares and points back where the original does.

    Only what leads to a leaf or a `Node` is copied.
    """
    met = [(each, found) for _, each, found in reach(value, is_leaf)]
    made = {id(leaf): new(leaf) for leaf, found in met if found}
    copied = _copied(met)
    tuples = [each for each in copied if isinstance(each, tuple) and not isinstance(each, Node)]
    others = [each for each in copied if not isinstance(each, tuple) or isinstance(each, Node)]
    for each in others:
        made[id(each)] = containers.new(type(each), containers.items(each), containers.attributes(each))
    for each in _inner_first(tuples):
        held = [(key, made.get(id(item), item)) for key, item in containers.items(each)]
        made[id(each)] = containers.new(type(each), held, containers.attributes(each))
    for each in others:
        put = containers.set_attribute if _is_object(each) else containers.put
        for key, child in _children(each):
            if id(child) in made:
                put(made[id(each)], key, made[id(child)])
    return made.get(id(value), value)


def _copied(met: list[tuple[Any, bool]]) -> list[Any]:
    """Return the containers that lead to a leaf or a `Node`, in the order in which they were met."""
    holders: dict[int, list[Any]] = {}
    for each, found in met:
        for _, child in () if found else _children(each):
            holders.setdefault(id(child), []).append(each)
    pending = [each for each, found in met if found or isinstance(each, Node)]
    known = set(map(id, pending))
    while pending:
        for holder in holders.get(id(pending.pop()), ()):
            if id(holder) not in known:
                known.add(id(holder))
                pending.append(holder)
    return [each for each, found in met if not found and id(each) in known]


def _inner_first(tuples: list[Any]) -> Iterator[Any]:
    """Yield tuples, each after those that it holds, which do not hold it."""
    waiting = set(map(id, tuples))
    pending = list(reversed(tuples))
    while pending:
        inner = [item for item in tuple.__iter__(pending[-1]) if id(item) in waiting]
        if inner:
            pending += inner
            continue
        each = pending.pop()
        if id(each) in waiting:
            waiting.remove(id(each))
            yield each


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
