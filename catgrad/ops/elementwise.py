"""Operations applied entrywise: arithmetic and the functions of one variable.

The core operation sees operands of one type. At the surface, operands broadcast as in NumPy, which is recorded as
explicit `broadcast_to`; a Python number takes the dtype of the tensors beside it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from catgrad.errors import TypeCheckError
from catgrad.ops.broadcasting import together
from catgrad.ops.op import Op, Sample
from catgrad.ops.samples import operands
from catgrad.types import DType, TensorType, bf16, bool_, f16, f32, f64, i32, i64

__all__ = [
    "ALL",
    "FLOATS",
    "INTEGERS",
    "NUMBERS",
    "abs",
    "add",
    "ceil",
    "cos",
    "divide",
    "elementwise",
    "erf",
    "exp",
    "expm1",
    "floor",
    "floor_divide",
    "log",
    "log1p",
    "maximum",
    "minimum",
    "multiply",
    "negative",
    "pow",
    "remainder",
    "round",
    "rsqrt",
    "sigmoid",
    "sign",
    "sin",
    "sqrt",
    "subtract",
    "tanh",
    "trunc",
]

FLOATS = (f16, bf16, f32, f64)
INTEGERS = (i32, i64)
NUMBERS = INTEGERS + FLOATS
ALL = (bool_, *NUMBERS)

UNARY = ("x",)
BINARY = ("x", "y")


def elementwise(
    name: str,
    reference: Callable[..., Any],
    samples: Callable[[DType], Sequence[Sample]],
    *,
    inputs: tuple[str, ...] = UNARY,
    dtypes: tuple[DType, ...] = FLOATS,
    result: DType | None = None,
    doc: str,
) -> Op:
    """Make the entry of an entrywise operation.

    Args:
        name: Its name.
        reference: `(xp, *arrays) -> array`.
        samples: See `Op.samples`.
        inputs: Operand names.
        dtypes: Element types it is defined for.
        result: Element type of the result; that of the operands when left out.
        doc: Type and meaning.
    """

    def typing(*types: TensorType) -> TensorType:
        first = types[0]
        require_dtype(name, first, dtypes)
        require_same(name, inputs, types)
        return TensorType(result or first.dtype, first.shape)

    return Op(
        name=name,
        inputs=inputs,
        attributes={},
        typing=typing,
        reference=reference,
        samples=samples,
        dtypes=dtypes,
        surface=lambda op, *values: op.record(*together(name, *values)),
        doc=doc,
    )


def require_dtype(
    name: str, given: TensorType, dtypes: Sequence[DType], advice: str = "cast it first, with cg.cast(x, cg.{!r})"
) -> None:
    """Raise `TypeCheckError` unless the element type is one of `dtypes`.

    Args:
        name: The operation.
        given: The type of an operand, or of a result whose dtype is chosen.
        dtypes: The element types that it may have.
        advice: What to do, with a place for one of them.
    """
    if given.dtype not in dtypes:
        known = ", ".join(d.name for d in dtypes)
        fit = f32 if f32 in dtypes else dtypes[0]
        raise TypeCheckError(f"{name} is defined for {known}; given {given}: {advice.format(fit)}")


def require_same(name: str, inputs: Sequence[str], types: Sequence[TensorType]) -> None:
    """Raise `TypeCheckError` unless all types are equal."""
    for label, other in zip(inputs[1:], types[1:], strict=True):
        if other.dtype is not types[0].dtype:
            raise TypeCheckError(
                f"{name} needs operands of one dtype; {inputs[0]} is {types[0]}, {label} is {other}: use cg.cast"
            )
        if other.shape != types[0].shape:
            raise TypeCheckError(f"{name} needs operands of one shape; {inputs[0]} is {types[0]}, {label} is {other}")


add = elementwise(
    "add",
    lambda xp, x, y: x + y,
    operands("add", (-4, 4), (-4, 4)),
    inputs=BINARY,
    dtypes=NUMBERS,
    doc="add : X × X → X, the sum; integers wrap.",
)
subtract = elementwise(
    "subtract",
    lambda xp, x, y: x - y,
    operands("subtract", (-4, 4), (-4, 4)),
    inputs=BINARY,
    dtypes=NUMBERS,
    doc="subtract : X × X → X, the difference; integers wrap.",
)
multiply = elementwise(
    "multiply",
    lambda xp, x, y: x * y,
    operands("multiply", (-4, 4), (-4, 4)),
    inputs=BINARY,
    dtypes=NUMBERS,
    doc="multiply : X × X → X, the product; integers wrap.",
)
divide = elementwise(
    "divide",
    lambda xp, x, y: x / y,
    operands("divide", (-4, 4), (0.5, 4)),
    inputs=BINARY,
    doc="divide : X × X → X, the quotient of floats; for integers see floor_divide.",
)


def _nonzero(xp: Any, y: Any) -> Any:
    return xp.where(y == 0, xp.ones_like(y), y)


def _floor_divide(xp: Any, x: Any, y: Any) -> Any:
    quotient = xp.floor_divide(x, y if xp.isdtype(y.dtype, "real floating") else _nonzero(xp, y))
    return quotient if xp.isdtype(y.dtype, "real floating") else xp.where(y == 0, xp.zeros_like(x), quotient)


def _remainder(xp: Any, x: Any, y: Any) -> Any:
    rest = xp.remainder(x, y if xp.isdtype(y.dtype, "real floating") else _nonzero(xp, y))
    return rest if xp.isdtype(y.dtype, "real floating") else xp.where(y == 0, xp.zeros_like(x), rest)


floor_divide = elementwise(
    "floor_divide",
    _floor_divide,
    operands("floor_divide", (-9, 9), (1, 4)),
    inputs=BINARY,
    dtypes=NUMBERS,
    doc="floor_divide : X × X → X, the quotient rounded down; an integer divided by zero is 0.",
)
remainder = elementwise(
    "remainder",
    _remainder,
    operands("remainder", (-9, 9), (1, 4)),
    inputs=BINARY,
    dtypes=NUMBERS,
    doc="remainder : X × X → X, with the sign of the divisor; an integer's remainder by zero is 0.",
)


def _pow(xp: Any, x: Any, y: Any) -> Any:
    """Evaluate pow; what takes a root for y = 1/2 would keep the sign of zeros and infinities, which odd y alone do."""
    is_odd = xp.pow(-xp.ones_like(y), y) == -1
    return xp.pow(xp.where(((x == 0) | xp.isinf(x)) & ~is_odd, xp.abs(x), x), y)


pow = elementwise(
    "pow",
    _pow,
    operands("pow", (0.5, 3), (-2, 3)),
    inputs=BINARY,
    doc="pow : X × X → X, x to the power y, as IEEE 754 defines pow.",
)


def _maximum(xp: Any, x: Any, y: Any) -> Any:
    return xp.where((x > y) | (x != x), x, y)


def _minimum(xp: Any, x: Any, y: Any) -> Any:
    return xp.where((x < y) | (x != x), x, y)


maximum = elementwise(
    "maximum",
    _maximum,
    operands("maximum", (-4, 4), (-4, 4)),
    inputs=BINARY,
    dtypes=NUMBERS,
    doc="maximum : X × X → X, the larger; NaN if either is NaN.",
)
minimum = elementwise(
    "minimum",
    _minimum,
    operands("minimum", (-4, 4), (-4, 4)),
    inputs=BINARY,
    dtypes=NUMBERS,
    doc="minimum : X × X → X, the smaller; NaN if either is NaN.",
)
negative = elementwise(
    "negative",
    lambda xp, x: -x,
    operands("negative", (-4, 4)),
    dtypes=NUMBERS,
    doc="negative : X → X, the additive inverse; integers wrap.",
)
abs = elementwise(
    "abs",
    lambda xp, x: xp.abs(x),
    operands("abs", (0.5, 4)),
    dtypes=NUMBERS,
    doc="abs : X → X, the absolute value; the least integer is its own.",
)
sign = elementwise(
    "sign",
    lambda xp, x: xp.sign(x),
    operands("sign", (0.5, 4)),
    dtypes=NUMBERS,
    doc="sign : X → X, one of -1, 0, 1; NaN for NaN.",
)
sqrt = elementwise("sqrt", lambda xp, x: xp.sqrt(x), operands("sqrt", (0.5, 4)), doc="sqrt : X → X; NaN below zero.")
rsqrt = elementwise("rsqrt", lambda xp, x: 1 / xp.sqrt(x), operands("rsqrt", (0.5, 4)), doc="rsqrt : X → X, 1/sqrt(x).")
exp = elementwise("exp", lambda xp, x: xp.exp(x), operands("exp", (-3, 3)), doc="exp : X → X.")
expm1 = elementwise(
    "expm1", lambda xp, x: xp.expm1(x), operands("expm1", (-3, 3)), doc="expm1 : X → X, exp(x) - 1, exact near 0."
)
log = elementwise("log", lambda xp, x: xp.log(x), operands("log", (0.2, 4)), doc="log : X → X, natural.")
log1p = elementwise(
    "log1p", lambda xp, x: xp.log1p(x), operands("log1p", (-0.5, 4)), doc="log1p : X → X, log(1 + x), exact near 0."
)
sin = elementwise("sin", lambda xp, x: xp.sin(x), operands("sin", (-4, 4)), doc="sin : X → X, in radians.")
cos = elementwise("cos", lambda xp, x: xp.cos(x), operands("cos", (-4, 4)), doc="cos : X → X, in radians.")
tanh = elementwise("tanh", lambda xp, x: xp.tanh(x), operands("tanh", (-3, 3)), doc="tanh : X → X.")
sigmoid = elementwise(
    "sigmoid",
    lambda xp, x: 1 / (1 + xp.exp(-x)),
    operands("sigmoid", (-4, 4)),
    doc="sigmoid : X → X, 1/(1 + exp(-x)).",
)


def _erf(xp: Any, x: Any) -> Any:
    """Evaluate by the C library: the Array API has no erf."""
    values = np.vectorize(math.erf, otypes=[np.float64])(np.asarray(x, dtype=np.float64))
    return xp.astype(xp.asarray(values), x.dtype)


erf = elementwise("erf", _erf, operands("erf", (-2, 2)), doc="erf : X → X, the Gauss error function.")
floor = elementwise("floor", lambda xp, x: xp.floor(x), operands("floor", (0.1, 0.9)), doc="floor : X → X.")
ceil = elementwise("ceil", lambda xp, x: xp.ceil(x), operands("ceil", (0.1, 0.9)), doc="ceil : X → X.")
trunc = elementwise("trunc", lambda xp, x: xp.trunc(x), operands("trunc", (0.1, 0.9)), doc="trunc : X → X, toward 0.")
round = elementwise(
    "round", lambda xp, x: xp.round(x), operands("round", (0.1, 0.4)), doc="round : X → X, halves to even."
)
