"""Nested arguments: tuples, lists, dicts and dataclasses of arrays, flattened and rebuilt (by optree)."""

from __future__ import annotations

import dataclasses
import warnings
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypeAlias

import numpy as np
import optree

from catgrad.containers import Position, flatten_node, unflatten_node
from catgrad.dims import Dim
from catgrad.errors import CatgradError
from catgrad.numbers import is_list
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
_WHOLE = (TensorType, DType, Dim)
_BUILT_IN = (dict, list, tuple, OrderedDict, defaultdict)
"""What optree knows of itself; of tuples with fields it knows those that are nothing else."""
_learned: set[type] = set()


def _is_leaf(value: Any) -> bool:
    """Return whether `value` is a type or a dimension, which has no parts; learn its class if it may have some."""
    if isinstance(value, _WHOLE):
        return True
    kind = type(value)
    if kind not in _learned and _is_container(kind):
        _learn(kind)
    return False


def _is_container(kind: type) -> bool:
    """Return whether objects of a class have parts of which optree does not know."""
    if kind in _BUILT_IN or optree.is_structseq_class(kind):
        return False
    is_plain = "_field_defaults" in vars(kind) and not kind.__dictoffset__
    return not is_plain and (issubclass(kind, _BUILT_IN) or dataclasses.is_dataclass(kind))


class _Entry(optree.PyTreeEntry):  # type: ignore[misc]
    """Entry of a path: a part, written behind what has it."""

    def codify(self, /, node: str = "") -> str:
        is_item = issubclass(self.type, dict) or isinstance(self.entry, int)
        return f"{node}[{self.entry!r}]" if is_item else f"{node}.{self.entry}"


def _learn(kind: type) -> None:
    """Teach optree a class."""
    with suppress(ValueError), warnings.catch_warnings():  # another thread was faster; it is a tuple with fields
        warnings.simplefilter("ignore", UserWarning)
        optree.register_pytree_node(kind, flatten_node, unflatten_node, path_entry_type=_Entry, namespace=_NAMESPACE)
    _learned.add(kind)


def flatten(tree: Any, is_leaf: Callable[[Any], bool] = _is_leaf) -> tuple[list[Any], Tree]:
    """Return the leaves of a nested structure in a fixed order (dicts by sorted key), and its shape.

    Raises:
        CatgradError: It holds itself, or is nested too deeply.

    Example:
        >>> leaves, shape = flatten({"b": 1, "a": (2, 3)})
        >>> leaves
        [2, 3, 1]
        >>> unflatten(shape, leaves) == {"b": 1, "a": (2, 3)}
        True
    """
    try:
        leaves, shape = optree.tree_flatten(tree, is_leaf, namespace=_NAMESPACE)
    except RecursionError:
        raise CatgradError("a nested structure holds itself, or is nested too deeply") from None
    return leaves, shape


def flatten_arguments(tree: Any) -> tuple[list[Any], Tree]:
    """Do what `flatten` does where no types say otherwise: a list of numbers is an array, any other a structure.

    Arrays of NumPy's subclasses are what they hold.

    Example:
        >>> flatten_arguments(([1.0, 2.0], [np.ones(2), 3.0]))[0]
        [array([1., 2.], dtype=float32), array([1., 1.]), 3.0]
    """
    leaves, shape = flatten(tree, is_array)
    return [as_array(leaf) if isinstance(leaf, list | np.ndarray) else leaf for leaf in leaves], shape


def is_array(value: Any) -> bool:
    """Return whether it is a leaf: a type, or a list of numbers."""
    return _is_leaf(value) or is_list(value)


def unflatten(shape: Tree, leaves: Sequence[Any]) -> Any:
    """Return the nested structure with the given leaves."""
    return optree.tree_unflatten(shape, leaves)


def example(shape: Tree) -> Any:
    """Return a nested structure of a shape, which pickles where the shape does not: `flatten` learns its classes anew.

    Example:
        >>> example(flatten({"a": ("x", None)})[1])
        {'a': (0, None)}
    """
    return unflatten(shape, list(map(Position, range(shape.num_leaves))))


def leaf_names(root: str, tree: Any) -> list[str]:
    """Return how a user would write each leaf of the value named `root`.

    Example:
        >>> leaf_names("state", {"w": (1, 2)})
        ["state['w'][0]", "state['w'][1]"]
    """
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
