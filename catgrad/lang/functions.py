"""Functions of arrays that are written in the core operations: means, activations, softmax."""

from __future__ import annotations

import math
from typing import Any

from catgrad import dims, ops
from catgrad.errors import CatgradError

__all__ = [
    "all",
    "any",
    "clip",
    "gelu",
    "log_softmax",
    "logsumexp",
    "mean",
    "reciprocal",
    "relu",
    "silu",
    "softmax",
    "softplus",
    "square",
]


def square(x: Any) -> Any:
    """Return x² entrywise.

    Example:
        >>> square(ops.constant([3.0])).tolist()
        [9.0]
    """
    return ops.multiply(x, x)


def reciprocal(x: Any) -> Any:
    """Return 1/x entrywise.

    Example:
        >>> reciprocal(ops.constant([4.0])).tolist()
        [0.25]
    """
    return ops.divide(1, x)


def clip(x: Any, low: Any, high: Any) -> Any:
    """Return x limited to [low, high] entrywise.

    Example:
        >>> clip(ops.constant([-2.0, 0.5, 2.0]), -1, 1).tolist()
        [-1.0, 0.5, 1.0]
    """
    return ops.minimum(ops.maximum(x, low), high)


def mean(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """Return the mean over the given axes, or all of them.

    Args:
        x: Floats of any shape.
        axis: An axis or several; all of them when left out.
        keepdims: Whether the reduced axes stay, with extent 1.

    Example:
        >>> mean(ops.constant([[1.0, 3.0]]), axis=1).tolist()
        [2.0]
    """
    total = ops.sum(x, axis, keepdims=keepdims)
    given = ops.typeof(x)
    axes = ops.axis_indices("mean", axis, given.rank)
    return ops.divide(total, ops.nat_to_tensor(dims.product(given.shape[a] for a in axes), given.dtype))


def any(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """Return whether some bool is true over the given axes, or all of them.

    Example:
        >>> any(ops.constant([[True, False]]), axis=1).tolist()
        [True]
    """
    return ops.max(x, axis, keepdims=keepdims)


def all(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """Return whether every bool is true over the given axes, or all of them.

    Example:
        >>> all(ops.constant([[True, False]]), axis=1).tolist()
        [False]
    """
    return ops.min(x, axis, keepdims=keepdims)


def logsumexp(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """Return log ∑ exp(x) over the given axes, shifted by the largest so that it cannot overflow.

    Example:
        >>> round(logsumexp(ops.constant([1000.0, 1000.0])).item() - 1000, 3)
        0.693
    """
    top = ops.stop_gradient(ops.max(x, axis, keepdims=True))
    total = ops.log(ops.sum(ops.exp(ops.subtract(x, top)), axis, keepdims=keepdims))
    return ops.add(total, ops.reshape(top, ops.typeof(total).shape))


def softmax(x: Any, axis: int = -1) -> Any:
    """Return exp(x) / ∑ exp(x) along an axis, shifted by the largest so that it cannot overflow.

    Example:
        >>> softmax(ops.constant([0.0, 0.0])).tolist()
        [0.5, 0.5]
    """
    weights = ops.exp(ops.subtract(x, ops.stop_gradient(ops.max(x, axis, keepdims=True))))
    return ops.divide(weights, ops.sum(weights, axis, keepdims=True))


def log_softmax(x: Any, axis: int = -1) -> Any:
    """Return the logarithm of softmax, computed without leaving the logarithms.

    Example:
        >>> log_softmax(ops.constant([0.0, -1000.0])).tolist()
        [0.0, -1000.0]
    """
    shifted = ops.subtract(x, ops.stop_gradient(ops.max(x, axis, keepdims=True)))
    return ops.subtract(shifted, ops.log(ops.sum(ops.exp(shifted), axis, keepdims=True)))


def relu(x: Any) -> Any:
    """Return max(x, 0) entrywise, with derivative 0 at 0; NaN stays NaN.

    Example:
        >>> relu(ops.constant([-1.0, 2.0])).tolist()
        [0.0, 2.0]
    """
    return ops.where(ops.less_equal(x, 0), 0, x)


def silu(x: Any) -> Any:
    """Return x · sigmoid(x) entrywise.

    Example:
        >>> silu(ops.constant([0.0])).tolist()
        [0.0]
    """
    return ops.multiply(x, ops.sigmoid(x))


def softplus(x: Any) -> Any:
    """Return log(1 + exp(x)) entrywise, without overflow.

    Example:
        >>> softplus(ops.constant([1000.0])).tolist()
        [1000.0]
    """
    return ops.add(relu(x), ops.log1p(ops.exp(ops.negative(ops.abs(x)))))


def gelu(x: Any, *, approximate: str = "none") -> Any:
    """Return x · Φ(x) entrywise, Φ being the normal distribution function.

    Args:
        x: Floats of any shape.
        approximate: "none" for Φ by erf, or "tanh" for the approximation of the paper.

    Raises:
        CatgradError: `approximate` is neither.

    Reference: Hendrycks and Gimpel, "Gaussian error linear units" (2016), arXiv:1606.08415.

    Example:
        >>> gelu(ops.constant([0.0])).tolist()
        [0.0]
    """
    half = ops.multiply(x, 0.5)
    if approximate == "none":
        return ops.multiply(half, ops.add(1, ops.erf(ops.multiply(x, math.sqrt(0.5)))))
    if approximate != "tanh":
        raise CatgradError(f'gelu: approximate is "none" or "tanh", not {approximate!r}')
    inner = ops.multiply(x, ops.add(ops.multiply(square(x), 0.044715 * math.sqrt(2 / math.pi)), math.sqrt(2 / math.pi)))
    return ops.multiply(half, ops.add(1, ops.tanh(inner)))
