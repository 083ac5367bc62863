"""Properties of open hypergraphs: degrees of nodes, and the conditions under which a graph is a program."""

from __future__ import annotations

import numpy as np

from catgrad.hypergraph.arrays import IntArray
from catgrad.hypergraph.open_hypergraph import OpenHypergraph

__all__ = ["consumers", "is_monogamous", "producers"]


def producers(f: OpenHypergraph) -> IntArray:
    """Return how often each node is produced: listed as a target of an edge or in the source boundary."""
    uses = np.concatenate([f.sources.table, f.hypergraph.targets.values])
    return np.bincount(uses, minlength=len(f.hypergraph.nodes))


def consumers(f: OpenHypergraph) -> IntArray:
    """Return how often each node is consumed: listed as a source of an edge or in the target boundary."""
    uses = np.concatenate([f.hypergraph.sources.values, f.targets.table])
    return np.bincount(uses, minlength=len(f.hypergraph.nodes))


def is_monogamous(f: OpenHypergraph) -> bool:
    """Return whether each node is produced once and consumed once.

    Monogamous acyclic open hypergraphs are the string diagrams of a symmetric monoidal category.

    Example:
        >>> from catgrad.hypergraph.finite_function import FiniteFunction
        >>> two, one = FiniteFunction.identity(1) + FiniteFunction.identity(1), FiniteFunction.identity(1)
        >>> is_monogamous(OpenHypergraph.identity(["X"])), is_monogamous(OpenHypergraph.spider(one, two, ["X"]))
        (True, False)
    """
    return bool((producers(f) == 1).all() and (consumers(f) == 1).all())
