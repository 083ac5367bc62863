"""Nested arguments and results: trees of tuples, lists, dicts and registered classes with arrays at the leaves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import optree
from optree import PyTreeSpec

from catgrad.errors import ArgumentError

__all__ = ["flatten", "tuple_tree"]


def tuple_tree(length: int) -> PyTreeSpec:
    """Return the structure of a tuple of arrays."""
    return optree.tree_structure((0,) * length)


def flatten(tree: PyTreeSpec, value: Any, misfit: Callable[[Any], str]) -> list[Any]:
    """Return what `value` has at the leaves of `tree`, in order, in a new list.

    Args:
        tree: The expected structure.
        value: Something with this structure; there may be anything at the leaves.
        misfit: Says how `value` differs; see `catgrad.nesting`.

    Raises:
        ArgumentError: It has another structure.
    """
    try:
        leaves: list[Any] = tree.flatten_up_to(value)
    except ValueError:
        raise ArgumentError(misfit(value)) from None
    return leaves
