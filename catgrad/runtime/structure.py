"""Nested arguments and results: trees of tuples, lists, dicts and registered classes with arrays at the leaves."""

from __future__ import annotations

from typing import Any

import optree
from optree import PyTreeSpec

from catgrad.containers import Position
from catgrad.errors import ArgumentError

__all__ = ["flatten", "tuple_tree"]


def tuple_tree(length: int) -> PyTreeSpec:
    """Return the structure of a tuple of arrays."""
    return optree.tree_structure((0,) * length)


def flatten(tree: PyTreeSpec, value: Any, function: str, root: str) -> list[Any]:
    """Return what `value` has at the leaves of `tree`, in order, in a new list.

    Args:
        tree: The expected structure.
        value: Something with this structure; there may be anything at the leaves.
        function: Whose structure it is, for the message.
        root: What `value` is called, for the message.

    Raises:
        ArgumentError: It has another structure; the message names the first place that differs.
    """
    try:
        leaves: list[Any] = tree.flatten_up_to(value)
    except ValueError as error:
        expected = tree.unflatten(map(Position, range(tree.num_leaves)))
        options = {"none_is_leaf": tree.none_is_leaf, "namespace": tree.namespace}
        first, *_ = optree.prefix_errors(expected, value, **options)
        message = f"{function}: {root} has another structure than the signature, which is the prefix in what follows"
        raise ArgumentError(f"{message}\n{first(root)}") from error
    return leaves
