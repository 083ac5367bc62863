"""Shells: what an object is without the arrays in it, so that it can be made anew with others.

The parts of an object are its items, if it is a dict, list or tuple, and those fields of a dataclass that hold arrays,
or numbers that its constructor takes. Everything else that is set on it is a setting, which two objects of one
structure have in common: settings are compared by type and value, arrays among them by content, and what cannot be
compared is equal to itself.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from catgrad import containers
from catgrad.errors import CatgradError
from catgrad.types import TensorType

__all__ = ["Shell", "apart", "parts", "together"]

_ATOMS = frozenset({type(None), type(...), bool, int, str, bytes})
_FLOATS = frozenset({float, complex})
_ARRAYS = ("dtype", "__dlpack__", "__array__")
"""One of these has whatever stands for an array, and is no number."""


@dataclass(frozen=True, eq=False)
class Shell:
    """What an object is without its parts.

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
        return isinstance(other, Shell) and self._key == other._key

    def __hash__(self) -> int:
        return hash((self.kind, self.fields))

    def __repr__(self) -> str:
        return ", ".join(f"{name}={value!r}" for name, value in self.settings.items())


def apart(value: Any) -> tuple[list[Any], Shell, list[str]]:
    """Return the parts of an object, what it is without them, and how each is written behind it.

    Raises:
        CatgradError: A traced value or a type is neither an item nor in a field.
    """
    kind, settings = type(value), _attributes(value)
    known = dataclasses.fields(kind) if dataclasses.is_dataclass(kind) else ()
    fields = tuple(f.name for f in known if f.name in settings and _is_part(settings[f.name], f.init))
    parts = [settings.pop(name) for name in fields]
    for name, setting in settings.items():
        if any(isinstance(getattr(leaf, "type", leaf), TensorType) for leaf in _leaves(setting)):
            raise CatgradError(f"{kind.__name__}.{name} holds a traced value, or a type, and is no field")
    items = containers.items(value)
    is_mapping = isinstance(value, dict)
    ordered = sorted(items, key=lambda item: str(item[0])) if is_mapping else items
    shell = Shell(kind, tuple(k for k, _ in ordered), tuple(k for k, _ in items), fields, settings)
    written = [f"[{key!r}]" if is_mapping or isinstance(key, int) else f".{key}" for key in shell.keys]
    return [*(item for _, item in ordered), *parts], shell, [*written, *(f".{name}" for name in fields)]


def parts(value: Any) -> list[tuple[Any, Any]]:
    """Return the parts of an object by key or name, items in the order in which they were set.

    Example:
        >>> parts({"b": 1, "a": 2}), parts([3]), parts(None)
        ([('b', 1), ('a', 2)], [(0, 3)], [])
    """
    found, shell, _ = apart(value)
    items = dict(zip(shell.keys, found, strict=False))
    return [*((key, items[key]) for key in shell.order), *zip(shell.fields, found[len(items) :], strict=True)]


def together(shell: Shell, parts: Iterable[Any]) -> Any:
    """Return an object with other parts."""
    given = iter(parts)
    items = dict(zip(shell.keys, given, strict=False))
    fields = dict(zip(shell.fields, given, strict=True))
    return containers.new(shell.kind, [(key, items[key]) for key in shell.order], shell.settings | fields)


def _attributes(value: Any) -> dict[str, Any]:
    """Return what is set on an object or, for a field, on its class, but for what properties computed."""
    kind = type(value)
    fields = dataclasses.fields(kind) if dataclasses.is_dataclass(kind) else ()
    inherited = {f.name: f.default for f in fields if getattr(kind, f.name, kind) is f.default}
    computed = functools.cached_property  # noqa: TID251 - what users write
    found = containers.attributes(value)
    return inherited | {k: v for k, v in found.items() if not isinstance(getattr(kind, k, None), computed)}


def _is_part(value: Any, takes_numbers: bool) -> bool:
    """Return whether something holds an array, perhaps a number, or nothing at all."""
    leaves = list(_leaves(value))
    return not leaves or any((takes_numbers and isinstance(leaf, (int, float))) or _is_array(leaf) for leaf in leaves)


def _is_array(leaf: Any) -> bool:
    if isinstance(leaf, type):
        return False
    return any(hasattr(leaf, name) for name in _ARRAYS) or dataclasses.is_dataclass(leaf)


def _leaves(value: Any) -> Iterator[Any]:
    """Yield what is in containers, but for None."""
    if isinstance(value, (dict, list, tuple)):
        for _, item in containers.items(value):
            yield from _leaves(item)
    elif value is not None:
        yield value


class _Same:
    """Something that is equal to itself."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self._value is other._value

    def __hash__(self) -> int:
        return id(self._value)


def _key(value: Any) -> Hashable:
    """Return what is equal for equal settings."""
    kind = type(value)
    if kind in _ATOMS:
        return kind, value
    if kind in _FLOATS:  # zeros of two signs compare equal, and a NaN to nothing
        return kind, repr(value)
    if isinstance(value, (np.ndarray, np.generic)) and not value.dtype.hasobject:
        return kind, value.dtype, value.shape, value.tobytes()
    if kind in (dict, list, tuple):
        return kind, *((_key(key), _key(item)) for key, item in containers.items(value))
    return _Same(value)
