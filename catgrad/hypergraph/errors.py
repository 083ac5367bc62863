"""Errors in graphs: the children of `CatgradError` that this package raises."""

from __future__ import annotations

from collections.abc import Sequence

from catgrad.errors import CatgradError

__all__ = ["CompositionError", "CycleError", "FormatError", "HypergraphError", "LabelClashError"]


class HypergraphError(CatgradError, ValueError):
    """Arrays do not describe the mathematical object they were given for."""


class CompositionError(HypergraphError):
    """Two arrows do not compose: the target of the first is not the source of the second."""


class LabelClashError(HypergraphError):
    """Nodes with different labels would become one node."""


class FormatError(HypergraphError):
    """A serialized graph is malformed; the message starts with the path of the offending field."""


class CycleError(HypergraphError):
    """The operations have no order in which each one finds its inputs ready.

    Attributes:
        edges: The edges along one cycle, each feeding the next and the last feeding the first.
    """

    def __init__(self, message: str, edges: Sequence[int]) -> None:
        super().__init__(message)
        self.edges = tuple(edges)
