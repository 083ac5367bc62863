"""NumPy's broadcasting at the surface, made explicit in what is recorded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from catgrad.dims import Extent
from catgrad.errors import TypeCheckError
from catgrad.numbers import is_list, is_number, leaves, placed
from catgrad.ops.op import recorder, typeof
from catgrad.ops.shape import broadcast_to
from catgrad.types import DType, TensorType, as_array, f32, i32, python_dtype

__all__ = ["broadcast_shapes", "is_list", "is_number", "lift", "numbers", "of_one_dtype", "together"]


def numbers(value: Any, dtype: DType | None = None) -> np.ndarray[Any, Any]:
    """Return numbers as an array; see `catgrad.numbers.placed`.

    Args:
        value: Bools, integers or floats.
        dtype: The element type. When left out, it is that of the NumPy numbers or arrays among them, and bool, i32 or
            f32 where there are none.

    Raises:
        TypeCheckError: They are no numbers, or have no place in `dtype`.

    Example:
        >>> numbers([1, 2]).dtype, numbers(1, f32).item()
        (dtype('int32'), 1.0)
    """
    if dtype is None and any(isinstance(leaf, np.ndarray | np.generic) for leaf in leaves(value)):
        return as_array(value)
    return placed(value, dtype) if dtype else placed(value, python_dtype(leaves(value)), "bool or i32 or f32")


def lift(value: Any, like: DType) -> Any:
    """Return `value` as a tensor: numbers, in lists as well, become a constant of dtype `like`."""
    if _is_untyped(value):
        return recorder().constant(placed(value, like))
    return recorder().constant(as_array(value)) if isinstance(value, list) else value


def _is_untyped(value: Any) -> bool:
    """Return whether something takes the dtype of what it meets."""
    return is_number(value) or isinstance(value, np.generic) or is_list(value)


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
    """Return the operands as tensors of one shape, with `broadcast_to` recorded where it is needed.

    Numbers take the dtype of the first tensor; see `of_one_dtype`.
    """
    lifted = of_one_dtype(*values)
    types = [typeof(v) for v in lifted]
    shape = broadcast_shapes(name, [t.shape for t in types])
    return tuple(_expand(v, t, shape) for v, t in zip(lifted, types, strict=True))


def of_one_dtype(*values: Any) -> tuple[Any, ...]:
    """Return the operands as tensors, where numbers take the dtype of the first tensor.

    So do numbers of Python, and beside a tensor those of NumPy, whose dtype says little of what is meant (`np.sqrt(64)`
    is an f64), alone and in lists. Numbers of NumPy without a tensor keep theirs.
    """
    if all(map(_is_untyped, values)):
        values = tuple(v if _is_python(v) else as_array(v) for v in values)
    typed = [v for v in values if not _is_untyped(v)]
    like = typeof(typed[0]).dtype if typed else _common_dtype(values)
    return tuple(lift(v, like) for v in values)


def _is_python(value: Any) -> bool:
    return all(map(is_number, leaves(value)))


def _common_dtype(values: Sequence[Any]) -> DType:
    """Return the dtype of Python numbers: f32 if there is a float among them; bools alone are integers."""
    return f32 if any(python_dtype(leaves(value)) is f32 for value in values) else i32


def _expand(value: Any, given: TensorType, shape: tuple[Extent, ...]) -> Any:
    return value if given.shape == shape else broadcast_to.record(value, shape=shape)
