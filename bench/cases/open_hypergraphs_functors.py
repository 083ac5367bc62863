"""The functors of the hypergraph cases for the peer, whose functors are classes that map all operations at once."""

from __future__ import annotations

from typing import Any

from open_hypergraphs.numpy import FiniteFunction, FrobeniusFunctor, IndexedCoproduct, OpenHypergraph, Optic

__all__ = ["InputsOptic", "Twice"]


class IdentityOnObjects:
    """F(A) = A."""

    def map_objects(self, objects: Any) -> Any:
        """Maps each object to the list of just it."""
        return IndexedCoproduct.elements(objects)


class Twice(IdentityOnObjects, FrobeniusFunctor):  # type: ignore[misc]
    """F(x) = x ; x for operations whose inputs are typed as their outputs."""

    def map_operations(self, x: Any, sources: Any, targets: Any) -> Any:
        """Maps all operations."""
        return OpenHypergraph.tensor_operations(x, sources, targets) >> OpenHypergraph.tensor_operations(
            x, sources, targets
        )


class Forward(IdentityOnObjects, FrobeniusFunctor):  # type: ignore[misc]
    """x : A → B to an operation A → B ● A."""

    def map_operations(self, x: Any, sources: Any, targets: Any) -> Any:
        """Maps all operations."""
        return OpenHypergraph.tensor_operations(x, sources, side_by_side(targets, sources))


class Reverse(IdentityOnObjects, FrobeniusFunctor):  # type: ignore[misc]
    """x : A → B to an operation A ● B → A, whose label is in the upper half of the alphabet."""

    def map_operations(self, x: Any, sources: Any, targets: Any) -> Any:
        """Maps all operations."""
        reverse = FiniteFunction(x.target, x.table + FiniteFunction.Dtype(x.target // 2))
        return OpenHypergraph.tensor_operations(reverse, side_by_side(sources, targets), sources)


class InputsOptic(Optic):  # type: ignore[misc]
    """The optic of these two, whose residual is an operation's inputs."""

    F, R = Forward(), Reverse()

    def residual(self, x: Any, sources: Any, targets: Any) -> Any:
        """The inputs."""
        return sources


def side_by_side(left: Any, right: Any) -> Any:
    """The family of lists left[i] ● right[i]."""
    pairs = FiniteFunction.transpose(2, len(left))
    sizes = FiniteFunction(None, left.sources.table + right.sources.table)
    return IndexedCoproduct(sizes, (left + right).map_indexes(pairs).values)
