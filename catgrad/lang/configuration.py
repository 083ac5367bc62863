"""Memoization key of a module: equal keys mean that `forward` records the same, so that it is traced once.

Only what is plain has a key: numbers, text, functions, classes, and lists, tuples, dicts, dataclasses and modules of
these, as they are at the moment. Where anything else may steer `forward`, there is none, and what it records decides.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from enum import Enum
from types import BuiltinFunctionType, CellType, FunctionType, ModuleType
from typing import Any

import numpy as np

from catgrad.lang.function import Function
from catgrad.lang.structure import Node, attributes, reach
from catgrad.ops import Op
from catgrad.types import DType, TensorType

__all__ = ["configuration"]


class _Opaque(Exception):
    """Something has no key."""


class _Same:
    """A key that is equal to that of the same object only; it keeps the object alive."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self._value is other._value

    def __hash__(self) -> int:
        return id(self._value)


_VALUES = frozenset((bool, int, str, bytes, type(None)))
"""What is equal if it is of one type and compares equal."""
_NAMES = (type, ModuleType, BuiltinFunctionType, np.ufunc, Enum, Function, Op, DType, TensorType)
"""What does not change, and is equal to itself alone."""
_ITEMS: dict[type, Callable[[Any], Any]] = {list: enumerate, tuple: enumerate, dict: dict.items}


def configuration(root: Any, is_slot: Callable[[Any], bool]) -> Hashable | None:
    """Return the key of a module, all but the values in its slots; None if there is none."""
    found = list(reach(root, is_slot))
    numbers = {id(value): position for position, (_, value, _) in enumerate(found)}
    try:
        return tuple(None if leaf else _container(value, numbers) for _, value, leaf in found)
    except _Opaque:
        return None


def _container(value: Any, numbers: dict[int, int]) -> Hashable:
    items = tuple((_plain(key), _reference(child, numbers)) for key, child in _items(value))
    return type(value), items, () if isinstance(value, dict | list | tuple) else _code(type(value))


def _items(value: Any) -> Any:
    if type(value) in _ITEMS:
        return _ITEMS[type(value)](value)
    if isinstance(value, tuple) and hasattr(value, "_fields") and not hasattr(value, "__dict__"):
        return enumerate(tuple.__iter__(value))
    if isinstance(value, dict | list | tuple):
        raise _Opaque
    return attributes(value)


def _reference(value: Any, numbers: dict[int, int]) -> Hashable:
    number = numbers.get(id(value))
    return _plain(value) if number is None else number


def _plain(value: Any) -> Hashable:
    kind = type(value)
    if kind in _VALUES:
        return kind, value
    if kind is float:
        return kind, value.hex()
    if kind is FunctionType:
        return _Same(value), _surroundings(value)
    if isinstance(value, _NAMES):
        return _Same(value)
    raise _Opaque


def _code(cls: type) -> Hashable:
    """Return what the functions of a class read: its own attributes and what is around them."""
    order = cls.__mro__
    classes = order[: order.index(Node) - 1] if Node in order else order[:-1]
    members = [each for c in classes for name, each in vars(c).items() if not _is_special(name)]
    return tuple(_plain(each) for each in members)


def _is_special(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


def _surroundings(function: FunctionType) -> Hashable:
    """Return what a function captures, and the globals that it names."""
    known = function.__globals__
    named = (known[name] for name in function.__code__.co_names if name in known)
    # Of functions that functions name only the identity: what all of them read together has no end.
    return tuple(_Same(each) if type(each) is FunctionType else _plain(each) for each in (*_captured(function), *named))


def _captured(function: FunctionType) -> Iterator[Any]:
    cells: tuple[CellType, ...] = function.__closure__ or ()
    try:
        yield from (cell.cell_contents for cell in cells)
    except ValueError:  # a variable that has no value yet
        raise _Opaque from None
