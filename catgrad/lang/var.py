"""Traced values: what a program computes with while it is being recorded."""

from __future__ import annotations

from typing import Any

from catgrad import ops
from catgrad.errors import TypeCheckError, located
from catgrad.lang.refusals import Refusals
from catgrad.ops import Recorder
from catgrad.types import DType, TensorType

__all__ = ["Var"]


_set = object.__setattr__


class Var(Refusals):
    """A value that will exist when the traced program runs: a node of its graph, with operators.

    Attributes:
        type: dtype and shape.
        node: The node in the tracer's graph.
        tracer: The recorder it belongs to.
    """

    __slots__ = ("node", "tracer", "type")

    def __init__(self, tracer: Recorder, node: int, type: TensorType) -> None:
        _set(self, "tracer", tracer)
        _set(self, "node", node)
        _set(self, "type", type)

    @property
    def shape(self) -> tuple[Any, ...]:
        """Extents, each an int or a symbolic dimension."""
        return self.type.shape

    @property
    def dtype(self) -> DType:
        """Element type."""
        return self.type.dtype

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self.type.rank

    @property
    def T(self) -> Var:
        """The value with its axes in reverse order."""
        return self.permute_dims(*reversed(range(self.ndim)))

    @located()
    def reshape(self, *shape: Any) -> Var:
        """Return the same elements in another shape: `x.reshape(2, -1)` or `x.reshape((2, -1))`."""
        return ops.reshape(self, _one_or_many(shape))

    @located()
    def permute_dims(self, *axes: Any) -> Var:
        """Return the value with its axes in the given order."""
        return ops.permute_dims(self, _one_or_many(axes))

    @located()
    def sum(self, axis: Any = None, *, keepdims: bool = False) -> Var:
        """Return the sum over the given axes, or all of them."""
        return ops.sum(self, axis, keepdims=keepdims)

    @located()
    def max(self, axis: Any = None, *, keepdims: bool = False) -> Var:
        """Return the largest over the given axes, or all of them."""
        return ops.max(self, axis, keepdims=keepdims)

    @located()
    def astype(self, dtype: Any) -> Var:
        """Return the value converted to another dtype, by the rules of `cast`."""
        return ops.cast(self, dtype)

    def __repr__(self) -> str:
        return f"<traced {self.type}>"

    def __hash__(self) -> int:
        return id(self)

    def __copy__(self) -> Var:
        return self

    def __deepcopy__(self, memo: Any) -> Var:
        return self

    def __add__(self, other: Any) -> Var:
        return ops.add(self, other)

    def __radd__(self, other: Any) -> Var:
        return ops.add(other, self)

    def __sub__(self, other: Any) -> Var:
        return ops.subtract(self, other)

    def __rsub__(self, other: Any) -> Var:
        return ops.subtract(other, self)

    def __mul__(self, other: Any) -> Var:
        return ops.multiply(self, other)

    def __rmul__(self, other: Any) -> Var:
        return ops.multiply(other, self)

    def __truediv__(self, other: Any) -> Var:
        return ops.divide(self, other)

    def __rtruediv__(self, other: Any) -> Var:
        return ops.divide(other, self)

    def __floordiv__(self, other: Any) -> Var:
        return ops.floor_divide(self, other)

    def __rfloordiv__(self, other: Any) -> Var:
        return ops.floor_divide(other, self)

    def __mod__(self, other: Any) -> Var:
        return ops.remainder(self, other)

    def __rmod__(self, other: Any) -> Var:
        return ops.remainder(other, self)

    @located()
    def __pow__(self, other: Any, modulus: Any = None) -> Var:
        if modulus is not None:
            raise TypeCheckError("pow of traced values takes no modulus: write x**y % z")
        return ops.pow(self, other)

    def __rpow__(self, other: Any) -> Var:
        return ops.pow(other, self)

    def __matmul__(self, other: Any) -> Var:
        return ops.matmul(self, other)

    def __rmatmul__(self, other: Any) -> Var:
        return ops.matmul(other, self)

    def __pos__(self) -> Var:
        return self

    def __neg__(self) -> Var:
        return ops.negative(self)

    def __abs__(self) -> Var:
        return ops.abs(self)

    def __eq__(self, other: Any) -> Any:
        return ops.equal(self, other)

    def __ne__(self, other: Any) -> Any:
        return ops.not_equal(self, other)

    def __lt__(self, other: Any) -> Var:
        return ops.less(self, other)

    def __le__(self, other: Any) -> Var:
        return ops.less_equal(self, other)

    def __gt__(self, other: Any) -> Var:
        return ops.greater(self, other)

    def __ge__(self, other: Any) -> Var:
        return ops.greater_equal(self, other)

    def __and__(self, other: Any) -> Var:
        return ops.logical_and(self, other)

    def __or__(self, other: Any) -> Var:
        return ops.logical_or(self, other)

    def __xor__(self, other: Any) -> Var:
        return ops.logical_xor(self, other)

    __rand__, __ror__, __rxor__ = __and__, __or__, __xor__

    def __invert__(self) -> Var:
        return ops.logical_not(self)


def _one_or_many(arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(arguments[0]) if len(arguments) == 1 and isinstance(arguments[0], tuple | list) else arguments
