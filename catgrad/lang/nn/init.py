"""Initial values of parameters."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from catgrad.lang.module import Initializer

__all__ = ["fan_in", "normal", "uniform", "zeros"]


@dataclass(frozen=True)
class uniform:
    """The initializer that draws uniformly from [-bound, bound].

    Args:
        bound: The largest magnitude.
    """

    bound: float

    def __call__(self, generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
        """Return initial values."""
        return generator.uniform(-self.bound, self.bound, shape)


def fan_in(inputs: int) -> Initializer:
    """Return the initializer of linear layers: uniform with bound 1/√inputs.

    Reference: LeCun et al., "Efficient BackProp" (1998), section 4.6.
    """
    return uniform(1 / math.sqrt(inputs) if inputs else 0.0)


@dataclass(frozen=True)
class normal:
    """The initializer that draws from the normal distribution with mean 0.

    Args:
        deviation: The standard deviation.
    """

    deviation: float

    def __call__(self, generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
        """Return initial values."""
        return generator.normal(0.0, self.deviation, shape)


def zeros(_: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """Return zeros."""
    return np.zeros(shape)
