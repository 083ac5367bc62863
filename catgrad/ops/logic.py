"""Comparisons, the logic of bools, selection and conversion between dtypes."""

from __future__ import annotations

from typing import Any

import numpy as np

from catgrad import types
from catgrad.errors import TypeCheckError
from catgrad.numbers import is_number, leaves, placed, wide
from catgrad.ops.broadcasting import broadcast_shapes, together
from catgrad.ops.elementwise import ALL, BINARY, NUMBERS, UNARY, elementwise, require_same
from catgrad.ops.op import Kind, Op, Sample, generator, operation, recorder, typeof
from catgrad.ops.samples import SHAPES, draw, operands, special
from catgrad.ops.shape import broadcast_to
from catgrad.types import DType, TensorType, bool_, dtypes

__all__ = [
    "cast",
    "equal",
    "greater",
    "greater_equal",
    "less",
    "less_equal",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "not_equal",
    "where",
]


def _comparison(name: str, symbol: str, reference: Any, dtypes: tuple[DType, ...]) -> Op:
    return elementwise(
        name,
        reference,
        operands(name, (-2, 2), (-2, 2)),
        inputs=BINARY,
        dtypes=dtypes,
        result=bool_,
        doc=f"{name} : X × X → bool, x {symbol} y; ordered comparisons with NaN are false.",
    )


equal = _comparison("equal", "=", lambda xp, x, y: x == y, ALL)
not_equal = _comparison("not_equal", "≠", lambda xp, x, y: x != y, ALL)
less = _comparison("less", "<", lambda xp, x, y: x < y, NUMBERS)
less_equal = _comparison("less_equal", "≤", lambda xp, x, y: x <= y, NUMBERS)
greater = _comparison("greater", ">", lambda xp, x, y: x > y, NUMBERS)
greater_equal = _comparison("greater_equal", "≥", lambda xp, x, y: x >= y, NUMBERS)


def _logical(name: str, reference: Any, inputs: tuple[str, ...], doc: str) -> Op:
    return elementwise(
        name, reference, operands(name, *[(0, 1)] * len(inputs)), inputs=inputs, dtypes=(bool_,), doc=doc
    )


logical_and = _logical("logical_and", lambda xp, x, y: x & y, BINARY, "logical_and : bool × bool → bool.")
logical_or = _logical("logical_or", lambda xp, x, y: x | y, BINARY, "logical_or : bool × bool → bool.")
logical_xor = _logical("logical_xor", lambda xp, x, y: x ^ y, BINARY, "logical_xor : bool × bool → bool.")
logical_not = _logical("logical_not", lambda xp, x: ~x, UNARY, "logical_not : bool → bool.")


def _where_samples(dtype: DType) -> list[Sample]:
    rng = generator("where", dtype)
    return [
        Sample((draw(rng, bool_, shape, 0, 1), draw(rng, dtype, shape, -4, 4), draw(rng, dtype, shape, -4, 4)))
        for shape in SHAPES
    ]


def _where(op: Op, condition: Any, x: Any, y: Any) -> Any:
    x, y = together("where", x, y)
    shape = broadcast_shapes("where", [typeof(condition).shape, typeof(x).shape])
    return op.record(*(v if typeof(v).shape == shape else broadcast_to(v, shape) for v in (condition, x, y)))


@operation(
    inputs=("condition", "x", "y"),
    reference=lambda xp, condition, x, y: xp.where(condition, x, y),
    samples=_where_samples,
    dtypes=dtypes,
    surface=_where,
)
def where(condition: TensorType, x: TensorType, y: TensorType) -> TensorType:
    """where : bool × X × X → X, entries of x where the condition holds and of y elsewhere.

    Example:
        >>> import numpy as np
        >>> where(np.array([True, False]), np.array([1, 2]), np.array([3, 4]))
        array([1, 4])
    """
    require_same("where", ("x", "y"), (x, y))
    if not condition.dtype.is_bool:
        raise TypeCheckError(f"where needs a bool condition; given {condition}: use cg.cast(condition, cg.bool_)")
    if condition.shape != x.shape:
        raise TypeCheckError(f"where needs a condition of the operands' shape; given {condition} beside {x}")
    return x


def _convert(xp: Any, x: Any, dtype: DType) -> Any:
    """Convert by the rules of `cast`, in whatever namespace."""
    if dtype.is_bool:
        return xp.astype(x, xp.bool)
    if dtype.is_integer and xp.isdtype(x.dtype, "real floating"):
        return _saturate(xp, x, dtype)
    return xp.astype(x, x.dtype if dtype.is_float and dtype.bits < 32 else _native(xp, dtype))


def _native(xp: Any, dtype: DType) -> Any:
    return getattr(xp, np.dtype(dtype.numpy).name)


def _saturate(xp: Any, x: Any, dtype: DType) -> Any:
    info = np.iinfo(dtype.numpy)
    native = _native(xp, dtype)
    high, low = x >= float(info.max), x <= float(info.min)
    inside = xp.astype(xp.where(high | low | (x != x), xp.zeros_like(x), x), native)
    return xp.where(high, xp.asarray(info.max, dtype=native), xp.where(low, xp.asarray(info.min, dtype=native), inside))


def _cast_samples(source: DType) -> list[Sample]:
    rng = generator("cast", source)
    inputs = [draw(rng, source, shape, -100, 100) for shape in SHAPES] + [special(source)]
    return [Sample((x,), {"dtype": target}, smooth=x is not inputs[-1]) for x in inputs for target in dtypes]


def _cast(op: Op, x: Any, to: Any) -> Any:
    """Convert; Python numbers, which are exact, are rounded once, to the dtype asked for."""
    dtype = types.dtype(to)
    given = list(leaves(x))
    if not all(map(is_number, given)):
        return op.record(x, dtype=dtype)
    if dtype.is_integer and all(isinstance(number, int) for number in given):
        return recorder().constant(placed(x, dtype))
    return recorder().constant(op.evaluate(np, wide(x, dtype), dtype=dtype)[0])


@operation(
    inputs=("x",),
    attributes={"dtype": Kind.DTYPE},
    reference=_convert,
    samples=_cast_samples,
    dtypes=dtypes,
    surface=_cast,
)
def cast(x: TensorType, dtype: DType) -> TensorType:
    """cast : X → Y, the same shape in another dtype.

    Float to integer truncates toward zero and saturates, NaN becomes 0; integer to integer wraps; to bool is x ≠ 0; to
    float is rounded once, and inf beyond the range. So are Python numbers, but integers that do not fit are an error.

    Example:
        >>> import numpy as np
        >>> from catgrad.types import i32
        >>> cast(np.array([1.9, -1.9, np.nan, 1e20]), i32).tolist()
        [1, -1, 0, 2147483647]
    """
    return TensorType(dtype, x.shape)
