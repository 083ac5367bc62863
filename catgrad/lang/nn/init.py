"""Initial values of parameters."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from catgrad.errors import located
from catgrad.lang.module import Initializer
from catgrad.lang.settings import natural, real

__all__ = ["fan_in", "normal", "uniform", "zeros"]


@located()
def uniform(bound: float) -> Initializer:
    """Return an initializer that draws uniformly from [-bound, bound]."""
    return partial(_uniform, real("bound", bound, 0, math.inf))


def _uniform(bound: float, generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    return generator.uniform(-bound, bound, shape)


@located()
def fan_in(inputs: int) -> Initializer:
    """Return the initializer of linear layers: uniform with bound 1/√inputs.

    Reference: LeCun et al., "Efficient BackProp" (1998), section 4.6.
    """
    return uniform(1 / math.sqrt(inputs) if natural("inputs", inputs) else 0.0)


@located()
def normal(deviation: float) -> Initializer:
    """Return an initializer that draws from the normal distribution with mean 0."""
    return partial(_normal, real("deviation", deviation, 0, math.inf))


def _normal(deviation: float, generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    return generator.normal(0.0, deviation, shape)


def zeros(_: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """Return zeros."""
    return np.zeros(shape)
