"""NumPy's broadcasting at the surface, made explicit in what is recorded."""

from __future__ import annotations

import reprlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from catgrad.dims import Extent
from catgrad.errors import TypeCheckError
from catgrad.ops.op import recorder, typeof
from catgrad.ops.shape import broadcast_to
from catgrad.rounding import rounded
from catgrad.types import DType, TensorType, as_array, bool_, f32, i32

__all__ = ["broadcast_shapes", "is_list", "is_number", "lift", "numbers", "together"]

_KINDS = {"b": bool_, "i": i32, "f": f32}
"""Element types of Python numbers, by the kind that numpy gives them; each kind is part of the next."""

_OTHER_KINDS = {"u": "i", "V": "f"}
"""What arrays have besides: unsigned integers, and the floats that numpy does not know itself."""


def is_number(value: Any) -> bool:
    """Return whether `value` is a Python number, which has no dtype of its own.

    Example:
        >>> is_number(2.0), is_number(np.float32(2.0))
        (True, False)
    """
    return isinstance(value, int | float) and not isinstance(value, np.generic)


def is_list(value: Any) -> bool:
    """Return whether `value` is a list of Python numbers, or of such lists, which has no dtype of its own either.

    Example:
        >>> is_list([[1.0, 2.0]]), is_list([np.float32(1)]), is_list([])
        (True, False, False)
    """
    return isinstance(value, list) and bool(value) and all(is_number(each) or is_list(each) for each in value)


def numbers(value: Any, dtype: DType | None = None) -> np.ndarray[Any, Any]:
    """Return numbers as an array: a Python number, nested lists of them, or an array of another dtype.

    Args:
        value: Bools, integers or floats.
        dtype: The element type; bool, i32 or f32, by their kind, when left out.

    Raises:
        TypeCheckError: They are no numbers, or have no place in `dtype`: a float in integers, a number out of range.
            Infinities and NaN are floats of every dtype, and floats are rounded.

    Example:
        >>> numbers([1, 2]).dtype, numbers(1, f32).item()
        (dtype('int32'), 1.0)
    """
    try:
        found = np.asarray(float(value) if is_number(value) and dtype and dtype.is_float else value)
        target = dtype or _KINDS[found.dtype.kind]
        if not _holds(target, found):
            raise OverflowError
        array = rounded(found, target) if target.is_float else np.asarray(value, dtype=target.numpy)
        if not _in_range(target, found, array):
            raise OverflowError
        return array
    except (KeyError, OverflowError, TypeError, ValueError):
        wanted = dtype.name if dtype else " or ".join(each.name for each in _KINDS.values())
        raise TypeCheckError(
            f"{_shown(value)} has no place in a tensor of {wanted}: name another dtype, or use cg.cast"
        ) from None


def _holds(dtype: DType, found: np.ndarray[Any, Any]) -> bool:
    """Return whether numbers are of the kind of an element type, or of a part of it."""
    if not found.size:
        return True
    if dtype.is_bool and found.dtype.kind == "i":
        return bool(((found == 0) | (found == 1)).all())
    order = list(_KINDS)
    return order.index(_OTHER_KINDS.get(found.dtype.kind, found.dtype.kind)) <= order.index(dtype.kind[0])


def _in_range(dtype: DType, found: np.ndarray[Any, Any], array: np.ndarray[Any, Any]) -> bool:
    """Return whether no number left the range as it was converted: no integer wrapped, no float became infinite."""
    kept = np.isfinite(array) | ~np.isfinite(found) if dtype.is_float else array == found
    return bool(kept.all())


def _shown(value: Any) -> str:
    if isinstance(value, int) and value.bit_length() > 64:
        return f"an integer of {value.bit_length()} bits"
    return f"the number {value}" if is_number(value) else reprlib.repr(value)


def lift(value: Any, like: DType) -> Any:
    """Return `value` as a tensor: numbers, those of Python in lists as well, become a constant of dtype `like`."""
    if is_number(value) or is_list(value) or isinstance(value, np.generic):
        return recorder().constant(numbers(value, like))
    return recorder().constant(as_array(value)) if isinstance(value, list) else value


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

    Numbers take the dtype of the first tensor: those of Python, and beside a tensor those of NumPy, whose dtype says
    little of what is meant (`np.sqrt(64)` is an f64). Numbers of NumPy alone keep theirs.
    """
    typed = [v for v in values if not (is_number(v) or is_list(v))]
    tensors = [v for v in typed if not isinstance(v, np.generic)]
    like = typeof((tensors or typed)[0]).dtype if typed else _common_dtype(values)
    if not tensors:
        values = tuple(as_array(v) if isinstance(v, np.generic) else v for v in values)
    lifted = [lift(v, like) for v in values]
    types = [typeof(v) for v in lifted]
    shape = broadcast_shapes(name, [t.shape for t in types])
    return tuple(_expand(v, t, shape) for v, t in zip(lifted, types, strict=True))


def _common_dtype(values: Sequence[Any]) -> DType:
    """Return the dtype of Python numbers: f32 if there is a float among them; bools alone are integers."""
    return f32 if "f" in {as_array(value).dtype.kind for value in values} else i32


def _expand(value: Any, given: TensorType, shape: tuple[Extent, ...]) -> Any:
    return value if given.shape == shape else broadcast_to.record(value, shape=shape)
