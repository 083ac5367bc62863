"""Working precision: composites of 16-bit floats are computed in f32, and rounded once at the end.

A sum of 16-bit floats soon leaves their range, and each of many roundings costs three digits or more. Conversions
are linear, so the derivative of a composite that is computed in f32 is computed in f32 as well.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

from catgrad.errors import TypeCheckError, located
from catgrad.ops import logic
from catgrad.ops.op import typeof
from catgrad.types import DType, TensorType

__all__ = ["converted", "upcast"]

P = ParamSpec("P")
R = TypeVar("R")


def converted(x: Any, dtype: DType) -> Any:
    """Return a tensor in another dtype: itself, where that is its own.

    Example:
        >>> import numpy as np
        >>> from catgrad.types import f32
        >>> converted(np.ones(2, np.float16), f32).dtype
        dtype('float32')
    """
    return x if typeof(x).dtype is dtype else logic.cast(x, dtype)


def upcast(function: Callable[P, R]) -> Callable[P, R]:
    """Make a function of tensors compute in f32 what is given in f16, or in bf16, and convert its float results back.

    Operands of other dtypes are left alone: what is given in f32 or f64 is computed as it is written, and dtypes
    that do not go together are the error that they are. Errors point at the user's line (`catgrad.errors.located`).

    Example:
        >>> import numpy as np
        >>> from catgrad import ops
        >>> norm = upcast(lambda x: ops.sqrt(ops.sum(ops.multiply(x, x))))
        >>> norm(np.array([300, 400], np.float16))
        array(500., dtype=float16)
    """
    function = located(is_composite=True)(function)

    @located()
    @functools.wraps(function)
    def computed(*arguments: P.args, **options: P.kwargs) -> R:
        dtypes = {typeof(x).dtype for x in (*arguments, *options.values()) if _is_float(x)}
        given = dtypes.pop() if len(dtypes) == 1 else None
        if given is None or given.accumulator is given:
            return function(*arguments, **options)
        wide = function(
            *(_between(given, given.accumulator, x) for x in arguments),
            **{name: _between(given, given.accumulator, x) for name, x in options.items()},
        )
        if isinstance(wide, tuple):
            return cast(R, tuple(_between(given.accumulator, given, x) for x in wide))
        return cast(R, _between(given.accumulator, given, wide))

    return computed


def _is_float(x: Any) -> bool:
    """Return whether an argument is a tensor of floats; types, axes and Python numbers are none."""
    try:
        return hasattr(x, "dtype") and not isinstance(x, TensorType) and typeof(x).dtype.is_float
    except TypeCheckError:  # the function says what is wrong with it
        return False


def _between(old: DType, new: DType, x: Any) -> Any:
    """Convert what is a tensor of one dtype to another."""
    return logic.cast(x, new) if _is_float(x) and typeof(x).dtype is old else x
