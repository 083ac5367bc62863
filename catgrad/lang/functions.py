"""Functions of arrays that are written in the core operations: means, activations, softmax."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from catgrad import dims, ops
from catgrad.errors import CatgradError, located
from catgrad.types import bool_, f32

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


@located(is_composite=True)
def square(x: Any) -> Any:
    """Return x² entrywise.

    Example:
        >>> square(ops.constant([3.0])).tolist()
        [9.0]
    """
    return ops.multiply(x, x)


@located(is_composite=True)
def reciprocal(x: Any) -> Any:
    """Return 1/x entrywise.

    Example:
        >>> reciprocal(ops.constant([4.0])).tolist()
        [0.25]
    """
    return ops.divide(1, x)


@located(is_composite=True)
def clip(x: Any, low: Any, high: Any) -> Any:
    """Return x limited to [low, high] entrywise.

    Example:
        >>> clip(ops.constant([-2.0, 0.5, 2.0]), -1, 1).tolist()
        [-1.0, 0.5, 1.0]
    """
    return ops.minimum(ops.maximum(x, low), high)


@ops.upcast
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


@located(is_composite=True)
def any(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """Return whether some element is true (not 0) over the given axes, or all of them; of no elements, none is.

    Example:
        >>> any(ops.constant([[True, False]]), axis=1).tolist()
        [True]
    """
    return ops.greater(_count(ops.converted(x, bool_), axis, keepdims), 0)


@located(is_composite=True)
def all(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """Return whether every element is true (not 0) over the given axes, or all of them; of no elements, every one is.

    Example:
        >>> all(ops.constant([[True, False]]), axis=1).tolist()
        [False]
    """
    return ops.equal(_count(ops.logical_not(ops.converted(x, bool_)), axis, keepdims), 0)


def _count(x: Any, axis: Any, keepdims: bool) -> Any:
    """Return how many bools are true, as a float: rounded where it is large, but never wrapped to 0."""
    return ops.sum(ops.cast(x, f32), axis, keepdims=keepdims)


@ops.upcast
def logsumexp(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """Return log ∑ exp(x) over the given axes, shifted by the largest so that it cannot overflow.

    Where the largest is infinite, it is the result: -inf of nothing but -inf. The derivative there is that of the
    largest.

    Example:
        >>> round(logsumexp(ops.constant([1000.0, 1000.0])).item() - 1000, 3)
        0.693
    """
    top = ops.max(x, axis, keepdims=True)
    infinite = ops.equal(ops.abs(top), math.inf)
    shift = ops.stop_gradient(ops.where(infinite, 0, top))
    total = ops.sum(ops.exp(ops.subtract(ops.where(infinite, 0, x), shift)), axis, keepdims=True)
    result = ops.where(infinite, top, ops.add(ops.log(total), shift))
    return result if keepdims else ops.squeeze(result, ops.axis_indices("logsumexp", axis, ops.typeof(x).rank))


@ops.upcast
def softmax(x: Any, axis: int = -1) -> Any:
    """Return exp(x) / ∑ exp(x) along an axis, shifted by the largest so that it cannot overflow.

    An element of -inf is excluded: its probability is 0, as is its derivative. Where the largest is infinite, in a
    row of which everything is excluded or one that has an element of inf, the result is NaN.

    Example:
        >>> softmax(ops.constant([0.0, 0.0])).tolist()
        [0.5, 0.5]
    """
    weights = ops.exp(ops.subtract(x, ops.stop_gradient(ops.max(x, axis, keepdims=True))))
    return ops.divide(weights, ops.sum(weights, axis, keepdims=True))


@ops.upcast
def log_softmax(x: Any, axis: int = -1) -> Any:
    """Return the logarithm of softmax, computed without leaving the logarithms; NaN where softmax is.

    Example:
        >>> log_softmax(ops.constant([0.0, -1000.0])).tolist()
        [0.0, -1000.0]
    """
    shifted = ops.subtract(x, ops.stop_gradient(ops.max(x, axis, keepdims=True)))
    return ops.subtract(shifted, ops.log(ops.sum(ops.exp(shifted), axis, keepdims=True)))


@located(is_composite=True)
def relu(x: Any) -> Any:
    """Return max(x, 0) entrywise, with derivative 0 at 0; NaN stays NaN.

    Example:
        >>> relu(ops.constant([-1.0, 2.0])).tolist()
        [0.0, 2.0]
    """
    return ops.where(ops.less_equal(x, 0), 0, x)


@ops.upcast
def softplus(x: Any) -> Any:
    """Return log(1 + exp(x)) entrywise, without overflow.

    Example:
        >>> softplus(ops.constant([1000.0])).tolist()
        [1000.0]
    """
    # max(x, 0) + log(1 + exp(-|x|)), both of which change sides together at 0: their kinks cancel in every derivative.
    below = ops.where(ops.less_equal(x, 0), x, ops.negative(x))
    return ops.add(relu(x), ops.log1p(ops.exp(below)))


_FAR = 1000.0
"""Where gates are exactly 0 below and 1 above, with derivatives that are 0, in f64 as well."""


@ops.upcast
def _rectified(x: Any, function: Callable[[Any], Any]) -> Any:
    """Return x · gate(x) by `function`, for a gate that goes from 0 to 1: far out it is relu: there is no inf · 0."""
    capped = ops.where(ops.greater(x, _FAR), _FAR, x)
    near = ops.where(ops.less(capped, -_FAR), -_FAR, capped)
    return ops.where(ops.greater(x, _FAR), x, function(near))


@located(is_composite=True)
def silu(x: Any) -> Any:
    """Return x · sigmoid(x) entrywise.

    Example:
        >>> silu(ops.constant([0.0])).tolist()
        [0.0]
    """
    return _rectified(x, lambda x: ops.multiply(x, ops.sigmoid(x)))


@located(is_composite=True)
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
    if approximate not in _GELU:
        raise CatgradError(f'gelu: approximate is "none" or "tanh", not {approximate!r}')
    return _rectified(x, _GELU[approximate])


def _gelu_by_erf(x: Any) -> Any:
    return ops.multiply(ops.multiply(x, 0.5), ops.add(1, ops.erf(ops.multiply(x, math.sqrt(0.5)))))


def _gelu_by_tanh(x: Any) -> Any:
    """Return x (1 + tanh u)/2 for the u of the paper, where (1 + tanh u)/2 is sigmoid(2u)."""
    scale = math.sqrt(8 / math.pi)
    inner = ops.multiply(x, ops.add(ops.multiply(square(x), 0.044715 * scale), scale))
    return ops.multiply(x, ops.sigmoid(inner))


_GELU = {"none": _gelu_by_erf, "tanh": _gelu_by_tanh}
"""Between the bounds of `_rectified`."""
