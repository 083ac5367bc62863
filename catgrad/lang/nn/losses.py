"""Losses: functions of predictions and targets to a scalar, the mean over the batch."""

from __future__ import annotations

from typing import Any

from catgrad import ops
from catgrad.lang.functions import log_softmax, mean, square

__all__ = ["mse", "softmax_cross_entropy"]


def mse(predictions: Any, targets: Any) -> Any:
    """Return the mean squared difference of two tensors of one shape : f32[].

    Example:
        >>> mse(ops.constant([1.0, 3.0]), ops.constant([1.0, 1.0])).item()
        2.0
    """
    return mean(square(predictions - targets))


def softmax_cross_entropy(logits: Any, labels: Any) -> Any:
    """Return the mean cross entropy of softmax(logits) : f32[].

    Args:
        logits: Floats [..., classes].
        labels: Class numbers, integers [...], or distributions, floats [..., classes].

    Example:
        >>> import numpy as np
        >>> round(softmax_cross_entropy(np.zeros((2, 4), np.float32), np.array([0, 3])).item(), 4)
        1.3863
    """
    given, wanted = ops.typeof(logits), ops.typeof(labels)
    if wanted.dtype.is_integer:
        labels = ops.one_hot(labels, given.shape[-1], given.dtype)
    return -mean(ops.sum(labels * log_softmax(logits), axis=-1))
