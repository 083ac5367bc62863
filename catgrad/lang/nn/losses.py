"""Losses: functions of predictions and targets to a scalar, the mean over the batch.

Shapes have to agree, and are never broadcast. 16-bit floats are computed in f32, and the loss is rounded once.
"""

from __future__ import annotations

import math
from numbers import Integral
from typing import Any

import numpy as np

from catgrad import ops
from catgrad.dims import Extent
from catgrad.errors import CatgradError, TypeCheckError
from catgrad.lang.functions import log_softmax, mean, square
from catgrad.lang.var import Var
from catgrad.types import TensorType, bool_

__all__ = ["mse", "softmax_cross_entropy"]


@ops.upcast
def mse(predictions: Any, targets: Any) -> Any:
    """Return the mean squared difference of two tensors of floats of one shape and dtype, as a scalar.

    Raises:
        TypeCheckError: The shapes or dtypes differ, or the predictions are no floats.

    Example:
        >>> mse(ops.constant([1.0, 3.0]), ops.constant([1.0, 1.0])).item()
        2.0
    """
    given, wanted = ops.typeof(predictions), ops.typeof(targets)
    _check_floats("mse", "predictions", given)
    if given.shape != wanted.shape:
        raise TypeCheckError(f"mse needs targets of the predictions' shape, {given}; given {wanted}: use cg.reshape")
    return mean(square(ops.subtract(predictions, targets)))


@ops.upcast
def softmax_cross_entropy(logits: Any, labels: Any, *, ignore_index: int | None = None) -> Any:
    """Return the mean cross entropy of softmax(logits), as a scalar.

    Logits of -inf exclude their classes: the loss is finite where the labels give them no weight, and inf elsewhere.
    A row that excludes every class is NaN, as is the mean over no rows, or over none that is not ignored.

    Labels that are no class, neither in [0, classes) nor `ignore_index`, are an error where their values are known: in
    a direct call with arrays, and where a traced function has them as constants. The arguments of a traced function
    have no known values, so that such labels make their row of the loss and of its gradient NaN in compiled code, in
    `cg.interpret`, and in what `cg.function`, `cg.grad`, `cg.value_and_grad`, `cg.vjp` and `learner.step` make, also
    where that is called on arrays.

    Args:
        logits: Floats [..., classes].
        labels: Class numbers, integers [...], or distributions, floats [..., classes].
        ignore_index: The class number of rows that do not count, neither in the loss nor in the mean.

    Raises:
        TypeCheckError: The logits are no floats, or the labels are of another shape or dtype.
        CatgradError: A label that is known is no class.

    Example:
        >>> softmax_cross_entropy(np.zeros((2, 4), np.float32), np.array([0, 3])).round(4)
        np.float32(1.3863)
    """
    _check_index(ignore_index)
    given, wanted = ops.typeof(logits), _type_of_labels(labels)
    _check_floats("softmax_cross_entropy", "logits", given)
    if wanted.dtype.is_float and ignore_index is None:
        return _of_distributions(logits, labels, given, wanted)
    if not wanted.dtype.is_integer:
        kinds = "class numbers" if wanted.dtype.is_float else "class numbers, or distributions,"
        raise TypeCheckError(
            f"softmax_cross_entropy needs {kinds} as labels; given {wanted}: use cg.cast(labels, cg.i32)"
        )
    if given.shape[:-1] != wanted.shape or not given.rank:
        raise TypeCheckError(
            f"softmax_cross_entropy needs logits [..., classes] and class numbers [...]; "
            f"given {given} and {wanted}: use cg.reshape"
        )
    _check_classes(labels, given.shape[-1], ignore_index)
    return _of_classes(logits, labels, given, ignore_index)


def _check_floats(loss: str, name: str, given: TensorType) -> None:
    """Raise unless what the loss is a function of is floats."""
    if not given.dtype.is_float:
        raise TypeCheckError(f"{loss} needs floats as {name}; given {given}: use cg.cast({name}, cg.f32)")


def _type_of_labels(labels: Any) -> TensorType:
    try:
        return ops.typeof(labels)
    except TypeCheckError as error:
        raise TypeCheckError(f"softmax_cross_entropy: labels: {error.message}: use labels.astype(np.int32)") from None


def _of_distributions(logits: Any, labels: Any, given: TensorType, wanted: TensorType) -> Any:
    """Return the mean of -∑ p log q, where 0 log 0 is 0."""
    if given.shape != wanted.shape or not given.rank:
        raise TypeCheckError(
            f"softmax_cross_entropy needs distributions of the logits' shape [..., classes]; given {given} and {wanted}"
        )
    logarithms = log_softmax(logits)
    absent = ops.logical_and(ops.equal(labels, 0), ops.equal(logarithms, -math.inf))
    return ops.negative(mean(ops.sum(ops.multiply(labels, ops.where(absent, 0, logarithms)), axis=-1)))


def _of_classes(logits: Any, labels: Any, given: TensorType, ignore_index: int | None) -> Any:
    """Return the mean of -log q[label] over the rows that count; a label that is no class stands for all, times NaN."""
    is_class = _is_class(labels, given.shape[-1])
    weights = ops.where(is_class, ops.constant(1, given.dtype), math.nan)
    chosen = ops.where(ops.expand_dims(is_class, -1), ops.one_hot(labels, given.shape[-1], bool_), True)
    if ignore_index is None:
        return ops.negative(mean(ops.multiply(_logarithms(logits, chosen), weights)))
    counts = ops.not_equal(labels, ignore_index)
    rows = _logarithms(ops.where(ops.expand_dims(counts, -1), logits, 0), chosen)
    total = ops.sum(ops.multiply(rows, ops.where(counts, weights, 0)))
    return ops.divide(ops.negative(total), ops.sum(ops.cast(counts, given.dtype)))


def _logarithms(logits: Any, chosen: Any) -> Any:
    """Return the sum of log q over the chosen classes of each row."""
    return ops.sum(ops.where(chosen, log_softmax(logits), 0), axis=-1)


def _is_class(labels: Any, classes: Extent) -> Any:
    beyond = ops.nat_to_tensor(classes, ops.typeof(labels).dtype)
    return ops.logical_and(ops.greater_equal(labels, 0), ops.less(labels, beyond))


def _check_index(index: Any) -> None:
    """Raise unless what is to be ignored is a class number, or nothing."""
    if index is not None and (isinstance(index, bool) or not isinstance(index, Integral)):
        raise CatgradError(f"softmax_cross_entropy: ignore_index is an integer or None, given {index!r}")


def _check_classes(labels: Any, classes: Extent, ignore_index: int | None) -> None:
    """Raise unless the labels that are known are classes, or to be ignored."""
    if isinstance(labels, Var) or not isinstance(classes, int):
        return
    known = np.asarray(labels)
    wrong = known[((known < 0) | (known >= classes)) & (True if ignore_index is None else known != ignore_index)]
    if wrong.size:
        raise CatgradError(
            f"softmax_cross_entropy: labels are classes in [0, {classes}); given {wrong[0]}: "
            "rows that are not to count have the label ignore_index"
        )
