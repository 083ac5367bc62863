"""Labelled examples, and holding some of them back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Dataset", "Examples", "hold_back"]


@dataclass(frozen=True)
class Examples:
    """Labelled examples.

    Attributes:
        x: Features, f32[N, features].
        y: Class numbers, i32[N].
    """

    x: np.ndarray[Any, np.dtype[np.float32]]
    y: np.ndarray[Any, np.dtype[np.int32]]

    def __len__(self) -> int:
        return len(self.y)

    def __getitem__(self, rows: Any) -> Examples:
        """Return the examples at an array of positions."""
        return Examples(self.x[rows], self.y[rows])


@dataclass(frozen=True)
class Dataset:
    """Examples to learn from, and others to be judged by.

    Attributes:
        train: Examples to learn from.
        test: Examples that are held back, if any are.
    """

    train: Examples
    test: Examples | None


def hold_back(examples: Examples, seed: int, one_in: int = 4) -> Dataset:
    """Hold back a part of the examples at random, of each class as large a part.

    Args:
        examples: All examples.
        seed: Decides which.
        one_in: The inverse of the part.

    Example:
        >>> data = hold_back(Examples(np.zeros((80, 1), np.float32), np.arange(80, dtype=np.int32) % 2), seed=0)
        >>> len(data.train), len(data.test), data.test.y.sum().item()
        (60, 20, 10)
    """
    shuffled = np.random.default_rng(seed).permutation(len(examples))
    by_class = shuffled[np.argsort(examples.y[shuffled], kind="stable")]
    held = np.arange(len(examples)) % one_in == 0
    return Dataset(examples[by_class[~held]], examples[by_class[held]])
