"""Constant folding: an operation on literals is the literal of its result.

A *literal* is a tensor whose elements are all one number that no input decides. It is known by that number alone, so
folding makes no array larger than one element, whatever the shape, and also where the shape is symbolic.

Reference: Wegman and Zadeck, "Constant propagation with conditional branches" (1991).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from catgrad import ops
from catgrad.ops import Operation

__all__ = ["EXACT", "SPREADS", "Number", "evaluated"]

Number: TypeAlias = "np.ndarray[Any, Any]"
"""An array of rank 0."""

EXACT = frozenset({
    *(ops.abs, ops.add, ops.divide, ops.maximum, ops.minimum, ops.multiply, ops.negative, ops.sqrt, ops.subtract),
    *(ops.ceil, ops.floor, ops.round, ops.sign, ops.trunc, ops.cast, ops.where),
    *(ops.equal, ops.greater, ops.greater_equal, ops.less, ops.less_equal, ops.not_equal),
    *(ops.logical_and, ops.logical_not, ops.logical_or, ops.logical_xor),
})
"""Entrywise operations whose results IEEE 754 and integer arithmetic leave no choice of.

Others are left to compiled code, so that a result does not depend on the mathematical library of whoever compiles.
"""

SPREADS = frozenset({ops.broadcast_to, ops.permute_dims, ops.reshape, ops.stop_gradient})
"""Operations whose elements are those of their operand."""


def evaluated(operation: Operation, operands: Sequence[Number | None]) -> Number | None:
    """Return the number that all elements of a result are, or None if that is not known.

    Args:
        operation: An operation with one result.
        operands: For each operand, the number that all its elements are, if that is known.

    Example:
        >>> evaluated(ops.add.operation(), [np.asarray(1), np.asarray(2)])
        array(3)
    """
    op, keywords = operation.op, operation.keywords
    if op is ops.constant:
        array = keywords["value"].array
        return array.reshape(()) if array.size == 1 else None
    if any(operand is None for operand in operands):
        return None
    if op in SPREADS:
        return operands[0]
    if op in EXACT or (op is ops.nat_to_tensor and isinstance(keywords["value"], int)):
        (result,) = op.evaluate(np, *operands, **keywords)
        return np.asarray(result)
    return None
