"""Nested structures that are not as they should be, in words: what is missing, too much, or of another kind, and where.

Example:
    >>> import optree
    >>> difference(optree.tree_structure({"a": 0, "b": [0, 0]}), {"a": 1, "b": [2]}, "state")
    "state['b'] has 1 element, not 2"
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from optree import PyTreeSpec

__all__ = ["argument_names", "difference", "misfit"]

_SHOWN = 4
"""How many keys a message lists."""


def argument_names(tree: PyTreeSpec, names: Sequence[str]) -> tuple[str, ...]:
    """Return what the arguments are called: `state`, where an array is called `state['w']`; `_` without arrays.

    Args:
        tree: The nested structure of the arguments, a tuple.
        names: An expression for each array.
    """
    remaining = iter(names)
    arguments = ([next(remaining) for _ in range(child.num_leaves)] for child in tree.children())
    return tuple(re.split(r"\W", each[0], maxsplit=1)[0] if each else "_" for each in arguments)


def misfit(function: str, names: Sequence[str], tree: PyTreeSpec, arguments: Sequence[Any]) -> str:
    """Say why arguments have another structure than those that a function takes.

    Args:
        function: Its name.
        names: Those of its arguments.
        tree: The structure of the tuple of its arguments.
        arguments: Those that it was given.
    """
    if len(arguments) != len(names):
        return f"{function} takes {_count(len(names), 'argument')} ({', '.join(names)}), got {len(arguments)}"
    found = map(difference, tree.children(), arguments, names)
    return f"{function}: {next(filter(None, found))}"


def difference(tree: PyTreeSpec, value: Any, name: str) -> str:
    """Say where a value first has another structure than a tree; "" where it has the same.

    There may be anything at the leaves.

    Args:
        tree: The structure.
        value: The value.
        name: An expression for it.
    """
    return next(_differences(tree, value, name), "")


def _differences(tree: PyTreeSpec, value: Any, name: str) -> Iterator[str]:
    node = None if tree.is_leaf() else tree.one_level()
    if node is None:
        return
    try:
        children = node.flatten_up_to(value)
    except ValueError:
        yield _misfit(node, value, name)
        return
    names = (accessor.codify(name) for accessor in node.accessors())
    for each in zip(tree.children(), children, names, strict=True):
        yield from _differences(*each)


def _misfit(node: PyTreeSpec, value: Any, name: str) -> str:
    """Say how a container differs from another: in its keys, in its length, or in its kind."""
    keys = node.entries()
    if isinstance(value, dict) and issubclass(node.type, dict) and value.keys() != set(keys):
        missing, extra = [key for key in keys if key not in value], [key for key in value if key not in keys]
        if not missing:
            return f"{name} has {_listed(extra, 'and')}, which does not belong there"
        return f"{name} has no {_listed(missing, 'or')}" + (f", but {_listed(extra, 'and')}" if extra else "")
    if type(value) is node.type and node.type not in (dict, list, tuple):
        return f"{name} is {_kind(node.type)} with other fields, items or settings than is expected"
    if type(value) is node.type:
        return f"{name} has {_count(len(value), 'element')}, not {node.num_children}"
    return f"{name} is {_kind(type(value))}, not {_kind(node.type)}{_contents(node)}"


def _contents(node: PyTreeSpec) -> str:
    if issubclass(node.type, dict) and node.num_children:
        return f" with {_listed(node.entries(), 'and')}"
    return f" of {_count(node.num_children, 'element')}" if node.type in (list, tuple) else ""


def _kind(cls: type) -> str:
    if cls is type(None):
        return "None"
    name = "array" if hasattr(cls, "__array__") else cls.__name__
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _listed(keys: Sequence[Any], conjunction: str) -> str:
    """Return keys as an enumeration, cut short where they are many."""
    shown = [repr(key) for key in keys]
    if len(shown) > _SHOWN:
        shown[_SHOWN - 1 :] = [f"{len(shown) - _SHOWN + 1} others"]
    return f" {conjunction} ".join(filter(None, [", ".join(shown[:-1]), shown[-1]]))
