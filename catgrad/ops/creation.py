"""Operations without operands, and the arrays made with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from catgrad import types
from catgrad.dims import Extent
from catgrad.errors import TypeCheckError, located
from catgrad.numbers import placed
from catgrad.ops.broadcasting import numbers
from catgrad.ops.elementwise import require_dtype
from catgrad.ops.logic import cast, equal
from catgrad.ops.op import Kind, Op, Operation, Sample, operation, recorder, typeof
from catgrad.ops.shape import axis_index, broadcast_to, expand_dims, extents
from catgrad.types import DType, TensorType, bf16, dtypes, f16, f32, f64, i32, i64

__all__ = ["Literal", "arange", "constant", "full", "iota", "nat_to_tensor", "one_hot", "ones", "zeros"]


@dataclass(frozen=True)
class Literal:
    """An array as a static attribute: immutable, hashable, compared bit for bit.

    Attributes:
        type: dtype and shape.
        data: The elements in row-major order and the machine's byte order.

    Raises:
        TypeCheckError: There are more or fewer bytes than the type has.
    """

    type: TensorType
    data: bytes

    def __post_init__(self) -> None:
        size = self.type.size
        if not isinstance(size, int) or len(self.data) != size * self.type.dtype.numpy.itemsize:
            raise TypeCheckError(f"a literal of {len(self.data)} bytes is no {self.type}")

    @classmethod
    def of(cls, array: np.ndarray[Any, Any]) -> Literal:
        """Return the literal with the elements of `array`."""
        type = TensorType.of(array)
        return cls(type, np.ascontiguousarray(array, type.dtype.numpy).tobytes())

    @property
    def array(self) -> np.ndarray[Any, Any]:
        """The elements as a read-only array."""
        return np.frombuffer(self.data, dtype=self.type.dtype.numpy).reshape(self.type.shape)

    def __str__(self) -> str:
        return str(self.array.item()) if self.type.size == 1 else str(self.type)


def _constant_samples(dtype: DType) -> list[Sample]:
    values = [np.asarray(1, dtype=dtype.numpy), np.arange(6).reshape(2, 3).astype(dtype.numpy)]
    values.append(np.zeros((0, 3), dtype.numpy))
    return [Sample((), {"value": Literal.of(value)}) for value in values]


def _constant(op: Op, value: Any, dtype: Any = None) -> Any:
    is_array = isinstance(value, np.ndarray | np.generic)
    wanted = TensorType.of(value).dtype if is_array and dtype is None else dtype
    return recorder().constant(numbers(value, None if wanted is None else types.dtype(wanted)))


@operation(
    inputs=(),
    attributes={"value": Kind.ARRAY},
    reference=lambda xp, value: xp.asarray(value.array),
    samples=_constant_samples,
    dtypes=dtypes,
    surface=_constant,
)
def constant(value: Literal) -> TensorType:
    """constant : () → X, an array known when tracing; Python floats are f32 and integers i32 unless told otherwise.

    Example:
        >>> constant([1.0, 2.0])
        array([1., 2.], dtype=float32)
    """
    return value.type


def constant_operation(array: np.ndarray[Any, Any]) -> Operation:
    """Return the label of the constant with these elements."""
    return constant.operation(value=Literal.of(array))


_CHOICE = "cast the result for dtype=cg.{!r}"


def _iota_samples(dtype: DType) -> list[Sample]:
    cases = [((5,), 0), ((3, 4), 0), ((3, 4), 1), ((0,), 0), ((2, 3, 2), 1)]
    return [Sample((), {"dtype": dtype, "shape": shape, "axis": axis}) for shape, axis in cases]


def _iota(op: Op, shape: Any, axis: int = 0, dtype: Any = i32) -> Any:
    wanted = extents("iota", shape)
    return op.record(dtype=types.dtype(dtype), shape=wanted, axis=axis_index("iota", axis, len(wanted)))


def _iota_reference(xp: Any, dtype: DType, shape: tuple[int, ...], axis: int) -> Any:
    line = xp.arange(shape[axis])
    return xp.broadcast_to(xp.reshape(line, tuple(-1 if a == axis else 1 for a in range(len(shape)))), shape)


@operation(
    inputs=(),
    attributes={"dtype": Kind.DTYPE, "shape": Kind.SHAPE, "axis": Kind.INT},
    reference=_iota_reference,
    samples=_iota_samples,
    dtypes=(i32, i64, f32),
    surface=_iota,
)
def iota(dtype: DType, shape: tuple[Extent, ...], axis: int) -> TensorType:
    """iota : () → X, the position along `axis` of each element.

    Example:
        >>> iota((2, 2), axis=1).tolist()
        [[0, 1], [0, 1]]
    """
    result = TensorType(dtype, shape)
    require_dtype("iota", result, (i32, i64, f32), _CHOICE)
    if not 0 <= axis < result.rank:
        raise TypeCheckError(f"iota: axis {axis} is out of range for rank {result.rank}")
    return result


def _nat_samples(dtype: DType) -> list[Sample]:
    return [Sample((), {"value": value, "dtype": dtype}) for value in (0, 7)]


def _nat_to_tensor(op: Op, value: Any, dtype: Any = f32) -> Any:
    """Record the value of an extent; one that is known has a place in the dtype."""
    wanted = types.dtype(dtype)
    if isinstance(value, int):
        placed(value, wanted)
    return op.record(value=value, dtype=wanted)


@operation(
    inputs=(),
    attributes={"value": Kind.EXTENT, "dtype": Kind.DTYPE},
    reference=lambda xp, value, dtype: xp.asarray(value),
    samples=_nat_samples,
    dtypes=(i32, i64, f16, bf16, f32, f64),
    surface=_nat_to_tensor,
)
def nat_to_tensor(value: Extent, dtype: DType) -> TensorType:
    """nat_to_tensor : Nat → X, an extent, known now or when the program is called, as a rank-0 tensor.

    One that is known now and out of the dtype's range is an error. When the program is called, it is converted as by
    `cast`: to floats it is rounded once, and inf beyond the range; in i32 it wraps.

    Example:
        >>> nat_to_tensor(3).item()
        3.0
    """
    result = TensorType(dtype, ())
    require_dtype("nat_to_tensor", result, (i32, i64, f16, bf16, f32, f64), _CHOICE)
    return result


@located(is_composite=True)
def full(shape: Any, value: Any, dtype: Any = None) -> Any:
    """Return the tensor of the given shape whose every element is `value`.

    Example:
        >>> full((2,), 7).tolist()
        [7, 7]
    """
    return broadcast_to(constant(value, dtype), extents("full", shape))


@located(is_composite=True)
def zeros(shape: Any, dtype: Any = f32) -> Any:
    """Return the tensor of zeros.

    Example:
        >>> zeros((2,)).tolist()
        [0.0, 0.0]
    """
    return full(shape, 0, dtype)


@located(is_composite=True)
def ones(shape: Any, dtype: Any = f32) -> Any:
    """Return the tensor of ones.

    Example:
        >>> ones((2,), i32).tolist()
        [1, 1]
    """
    return full(shape, 1, dtype)


@located(is_composite=True)
def arange(stop: Extent, dtype: Any = i32) -> Any:
    """Return 0, 1, ..., stop - 1 : dtype[stop].

    Example:
        >>> arange(3).tolist()
        [0, 1, 2]
    """
    return iota((stop,), axis=0, dtype=dtype)


@located(is_composite=True)
def one_hot(x: Any, classes: Extent, dtype: Any = f32) -> Any:
    """Return the indicator of x's entries along a new last axis; entries outside [0, classes) give zeros.

    Args:
        x: Integers of any shape [...].
        classes: Extent of the new axis.
        dtype: Element type of the result.

    Returns:
        Shape [..., classes].

    Example:
        >>> one_hot(np.array([1, 0], np.int32), 3).tolist()
        [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]
    """
    given = typeof(x)
    require_dtype("one_hot", given, (i32, i64))
    positions = iota((*given.shape, classes), axis=given.rank, dtype=given.dtype)
    return cast(equal(expand_dims(x, -1), positions), dtype)
