"""Generators of sample inputs: ordinary values, special values, and the awkward shapes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from catgrad.ops.op import Sample, generator
from catgrad.types import DType

__all__ = ["SHAPES", "draw", "operands", "special"]

SHAPES: tuple[tuple[int, ...], ...] = ((3, 4), (), (0, 5), (17,))
"""Shapes every elementwise operation is tried on: a matrix, rank 0, empty, and one that fills no vector register."""

Array = np.ndarray[Any, Any]


def draw(rng: np.random.Generator, dtype: DType, shape: tuple[int, ...], low: float, high: float) -> Array:
    """Return values drawn uniformly from [low, high]; bools are fair coins."""
    if dtype.is_bool:
        return np.asarray(rng.integers(0, 2, shape), dtype=bool)
    if dtype.is_integer:
        return np.asarray(rng.integers(int(low), int(high) + 1, shape), dtype=dtype.numpy)
    return np.asarray(rng.uniform(low, high, shape)).astype(dtype.numpy)


def special(dtype: DType) -> Array:
    """Return the values that break implementations: zeros, infinities, NaN, the extremes, ties."""
    if dtype.is_bool:
        return np.array([False, True])
    if dtype.is_integer:
        info = np.iinfo(dtype.numpy)
        return np.array([0, 1, -1, 2, -7, info.max, info.min], dtype=dtype.numpy)
    values = [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 1e-3, 1e4, -1e4, np.inf, -np.inf, np.nan]
    return np.array(values).astype(dtype.numpy)


def operands(name: str, *ranges: tuple[float, float], specials: bool = True) -> Callable[[DType], Sequence[Sample]]:
    """Return samples for an operation whose operands share one dtype and shape.

    Args:
        name: The operation, which seeds the generator.
        *ranges: For each operand, the interval where it is smooth.
        specials: Whether to add every combination of special values.
    """

    def samples(dtype: DType) -> Sequence[Sample]:
        rng = generator(name, dtype)
        found = [Sample(tuple(draw(rng, dtype, shape, *r) for r in ranges)) for shape in SHAPES]
        if specials:
            grid = np.meshgrid(*[special(dtype)] * len(ranges), indexing="ij")
            found.append(Sample(tuple(axis.reshape(-1) for axis in grid), smooth=False))
        return found

    return samples
