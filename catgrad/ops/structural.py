"""The Cartesian structure, and calls of definitions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from catgrad.errors import TypeCheckError
from catgrad.ops.op import Kind, Sample, operation
from catgrad.text import printable
from catgrad.types import DType, TensorType, dtypes

__all__ = ["Definition", "call", "copy", "stop_gradient"]


@dataclass(frozen=True, eq=False)
class Definition:
    """A named term that others call; compared by identity.

    Attributes:
        name: A name for people; need not be unique.
        term: The body.
    """

    name: str
    term: Any = field(repr=False)

    def __str__(self) -> str:
        return printable(self.name)


def _copy_samples(dtype: DType) -> list[Sample]:
    return [Sample((np.arange(3).astype(dtype.numpy),), {"count": count}) for count in (0, 2, 3)]


@operation(
    inputs=("x",),
    attributes={"count": Kind.INT},
    reference=lambda xp, x, count: (x,) * count,
    samples=_copy_samples,
    dtypes=dtypes,
)
def copy(x: TensorType, count: int) -> tuple[TensorType, ...]:
    """copy : X → Xⁿ, the diagonal; n = 0 discards."""
    return (x,) * count


@operation(
    inputs=("x",),
    reference=lambda xp, x: x,
    samples=lambda dtype: [Sample((np.arange(3).astype(dtype.numpy),), smooth=False)],
    dtypes=dtypes,
)
def stop_gradient(x: TensorType) -> TensorType:
    """stop_gradient : X → X, the identity whose derivative is declared to be zero."""
    return x


@operation(
    inputs=None,
    attributes={"definition": Kind.DEFINITION},
    reference=lambda xp, *arrays, definition: definition.term.evaluate(xp, *arrays),
    samples=lambda dtype: [],
    dtypes=dtypes,
)
def call(*inputs: TensorType, definition: Definition) -> tuple[TensorType, ...]:
    """call : A → B for a definition of type A → B."""
    expected = tuple(definition.term.source_types)
    if inputs != expected:
        given, wanted = (", ".join(map(str, types)) for types in (inputs, expected))
        raise TypeCheckError(f"{definition.name} takes ({wanted}); given ({given})")
    return tuple(definition.term.target_types)
