"""Nested arguments: tuples, lists, dicts and dataclasses of arrays, flattened and rebuilt (by optree)."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
import optree

from catgrad.dims import Dim
from catgrad.errors import CatgradError
from catgrad.types import DType, TensorType, as_array

__all__ = [
    "DEEPEST",
    "Tree",
    "example",
    "flatten",
    "flatten_arguments",
    "from_json",
    "is_array",
    "leaf_names",
    "to_json",
    "unflatten",
]

Tree: TypeAlias = optree.PyTreeSpec
DEEPEST = 100
"""How deep what is read from a file may be nested."""

_NAMESPACE = "catgrad"
_NUMBERS = (bool, int, float, np.generic)
_registered: set[type] = set()
_WHOLE = (TensorType, DType, Dim)


def _is_leaf(value: Any) -> bool:
    """Return whether `value` is a type or a dimension, which is a dataclass but has no parts."""
    return isinstance(value, _WHOLE)


def _register(cls: type) -> None:
    """Teach optree a dataclass: its fields are its children."""
    names = tuple(f.name for f in dataclasses.fields(cls) if f.init)
    _registered.add(cls)
    optree.register_pytree_node(
        cls,
        lambda node: ([getattr(node, name) for name in names], None, names),
        lambda _, children: cls(**dict(zip(names, children, strict=True))),
        namespace=_NAMESPACE,
    )


def _is_new_dataclass(cls: type) -> bool:
    return dataclasses.is_dataclass(cls) and cls not in _registered and not issubclass(cls, _WHOLE)


def flatten(tree: Any, is_leaf: Callable[[Any], bool] = _is_leaf) -> tuple[list[Any], Tree]:
    """Return the leaves of a nested structure in a fixed order (dicts by sorted key), and its shape.

    Example:
        >>> leaves, shape = flatten({"b": 1, "a": (2, 3)})
        >>> leaves
        [2, 3, 1]
        >>> unflatten(shape, leaves) == {"b": 1, "a": (2, 3)}
        True
    """
    while True:
        leaves, shape = optree.tree_flatten(tree, is_leaf, namespace=_NAMESPACE)
        unknown = set(filter(_is_new_dataclass, set(map(type, leaves))))
        if not unknown:
            return leaves, shape
        for cls in unknown:
            _register(cls)


def flatten_arguments(tree: Any) -> tuple[list[Any], Tree]:
    """Do what `flatten` does where no types say otherwise: a list of numbers is an array, any other a structure.

    Example:
        >>> flatten_arguments(([1.0, 2.0], [np.ones(2), 3.0]))[0]
        [array([1., 2.], dtype=float32), array([1., 1.]), 3.0]
    """
    leaves, shape = flatten(tree, is_array)
    return [as_array(leaf) if isinstance(leaf, list) else leaf for leaf in leaves], shape


def is_array(value: Any) -> bool:
    """Return whether it is a leaf: a type, or a list of numbers."""
    return _is_leaf(value) or _is_list(value)


def _is_list(value: Any) -> bool:
    """Return whether it is a list of numbers, or of such lists."""
    return isinstance(value, list) and bool(value) and all(isinstance(x, _NUMBERS) or _is_list(x) for x in value)


def unflatten(shape: Tree, leaves: Sequence[Any]) -> Any:
    """Return the nested structure with the given leaves."""
    return optree.tree_unflatten(shape, leaves)


def example(shape: Tree) -> Any:
    """Return a nested structure of a shape, which pickles where the shape does not: `flatten` learns its classes anew.

    Example:
        >>> example(flatten({"a": ("x", None)})[1])
        {'a': (0, None)}
    """
    return unflatten(shape, range(shape.num_leaves))


def leaf_names(root: str, tree: Any) -> list[str]:
    """Return how a user would write each leaf of the value named `root`.

    Example:
        >>> leaf_names("state", {"w": (1, 2)})
        ["state['w'][0]", "state['w'][1]"]
    """
    flatten(tree)
    return [path.codify(root) for path in optree.tree_accessors(tree, _is_leaf, namespace=_NAMESPACE)]


def to_json(shape: Tree) -> Any:
    """Return a shape of dicts, lists, tuples and None as what JSON can hold.

    Raises:
        CatgradError: It has something else, such as a dataclass, whose meaning is in a program.

    Example:
        >>> to_json(flatten({"a": (1, [2])})[1])
        {'dict': [['a', {'tuple': [0, {'list': [0]}]}]]}
    """
    if shape.is_leaf():
        return 0
    if shape.type is type(None):
        return None
    children = list(map(to_json, shape.children()))
    if shape.type is dict and all(isinstance(key, str | int) for key in shape.entries()):
        return {"dict": [[key, child] for key, child in zip(shape.entries(), children, strict=True)]}
    if shape.type in (list, tuple):
        return {shape.type.__name__: children}
    kind = "dicts with other keys" if shape.type is dict else getattr(shape.type, "__qualname__", shape.type)
    raise CatgradError(f"a file can hold lists, tuples, and dicts with text or integers as keys, not {kind}")


def from_json(data: Any) -> Tree:
    """Return what `to_json` was given.

    Raises:
        ValueError, TypeError, KeyError: It is something else.
    """
    return flatten(_nested(data))[1]


def _nested(data: Any, depth: int = 0) -> Any:
    if data in (0, None):
        return data
    if depth > DEEPEST:
        raise ValueError(f"arguments and results may be nested {DEEPEST} deep")
    ((kind, children),) = data.items()
    if kind == "dict":
        return {key: _nested(child, depth + 1) for key, child in children}
    return {"list": list, "tuple": tuple}[kind](_nested(child, depth + 1) for child in children)
