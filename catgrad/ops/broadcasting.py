"""NumPy's broadcasting at the surface, made explicit in what is recorded."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Number
from typing import Any

import numpy as np

from catgrad.dims import Extent
from catgrad.errors import TypeCheckError
from catgrad.ops.op import recorder, typeof
from catgrad.ops.shape import broadcast_to
from catgrad.types import DType, TensorType, dtype, f32

__all__ = ["broadcast_shapes", "is_number", "lift", "together"]


def is_number(value: Any) -> bool:
    """Return whether `value` is a Python number, which has no dtype of its own.

    Example:
        >>> is_number(2.0), is_number(np.float32(2.0))
        (True, False)
    """
    return isinstance(value, Number) and not isinstance(value, np.generic)


def lift(value: Any, like: DType) -> Any:
    """Return `value` as a tensor: a Python number becomes a rank-0 constant of dtype `like`."""
    if not is_number(value):
        return recorder().constant(np.asarray(value)) if isinstance(value, list | np.generic) else value
    if isinstance(value, float) and not like.is_float:
        raise TypeCheckError(f"the number {value} has no place beside a tensor of {like.name}: use cg.cast")
    return recorder().constant(np.asarray(value, dtype=like.numpy))


def broadcast_shapes(name: str, shapes: Sequence[tuple[Extent, ...]]) -> tuple[Extent, ...]:
    """Return the common shape by NumPy's rule: aligned at the right, extents equal or 1.

    Args:
        name: The operation, for the error.
        shapes: The operands' shapes.

    Raises:
        TypeCheckError: Two extents differ, or cannot be proved equal.

    Example:
        >>> broadcast_shapes("add", [(3, 1), (4,)])
        (3, 4)
    """
    rank = max(map(len, shapes), default=0)
    common: list[Extent] = [1] * rank
    for shape in shapes:
        for axis, extent in enumerate(shape, rank - len(shape)):
            if common[axis] == 1:
                common[axis] = extent
            elif extent not in (1, common[axis]):
                shown = " and ".join("[" + ", ".join(map(str, s)) + "]" for s in shapes)
                raise TypeCheckError(f"{name} cannot broadcast {shown}: {common[axis]} is not known to equal {extent}")
    return tuple(common)


def together(name: str, *values: Any) -> tuple[Any, ...]:
    """Return the operands as tensors of one shape, with `broadcast_to` recorded where it is needed."""
    tensors = [typeof(v) for v in values if not is_number(v)]
    like = tensors[0].dtype if tensors else _number_dtype(values)
    lifted = [lift(v, like) for v in values]
    types = [typeof(v) for v in lifted]
    shape = broadcast_shapes(name, [t.shape for t in types])
    return tuple(_expand(v, t, shape) for v, t in zip(lifted, types, strict=True))


def _number_dtype(values: Sequence[Any]) -> DType:
    return f32 if any(isinstance(v, float) for v in values) else dtype(np.int32)


def _expand(value: Any, given: TensorType, shape: tuple[Extent, ...]) -> Any:
    return value if given.shape == shape else broadcast_to.record(value, shape=shape)
