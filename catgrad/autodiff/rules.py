"""The derivative table: for each operation f : A → B, its reverse map M × B' → A'.

A rule's parameters say what it needs. Positional parameters are wires: operands by their names in the table entry and
`out`, which are saved as residuals M, then the cotangents `dy`. Keyword-only parameters are static: attributes by
name, and operands by name as their types. A rule returns a cotangent for each operand, None where that has none.
Integer and bool wires have no cotangents. A rule of several operations is computed in f32 where it is of 16-bit floats.

Reference: Cockett et al., "Reverse derivative categories" (2019), arXiv:1910.07065.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

from catgrad import ops
from catgrad.dims import Extent
from catgrad.rules import RuleTable
from catgrad.types import TensorType

__all__ = ["DERIVATIVES", "NotDifferentiable", "Reverse"]


@dataclass(frozen=True)
class Reverse:
    """A reverse map with what it saves.

    Attributes:
        function: `(*saved, *cotangents, **static) -> cotangents of the operands`.
        saved: Names of operands, or "out", that become residuals.
        static: Names of attributes, or of operands whose types are wanted.
    """

    function: Callable[..., Any]
    saved: tuple[str, ...]
    static: tuple[str, ...]


@dataclass(frozen=True)
class NotDifferentiable:
    """The derivative is zero wherever it exists, and `reason` says why there is nothing to learn from it."""

    reason: str


DERIVATIVES: RuleTable[ops.Op, Reverse | NotDifferentiable] = RuleTable("derivative", "catgrad/autodiff/rules.py")


def reverse(*table: ops.Op) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return a decorator that registers a reverse map for each operation, reading off its signature what it saves."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        parameters = inspect.signature(function).parameters.values()
        wires = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD and p.name != "dy"]
        static = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY]
        for op in table:
            DERIVATIVES.add(op, Reverse(function, tuple(wires), tuple(static)))
        return function

    return register


def not_differentiable(reason: str, *table: ops.Op) -> None:
    """Register operations whose derivative is zero almost everywhere."""
    for op in table:
        DERIVATIVES.add(op, NotDifferentiable(reason))


not_differentiable("piecewise constant", ops.floor, ops.ceil, ops.trunc, ops.round, ops.sign, ops.floor_divide)
not_differentiable(
    "the result is a bool",
    *(ops.equal, ops.not_equal, ops.less, ops.less_equal, ops.greater, ops.greater_equal),
    *(ops.logical_and, ops.logical_or, ops.logical_xor, ops.logical_not),
)
not_differentiable("the result is a position", ops.argmax, ops.argmin)
not_differentiable("declared constant by the program", ops.stop_gradient)
not_differentiable("there is no operand", ops.constant, ops.iota, ops.nat_to_tensor)


@reverse(ops.copy)
def _copy(*dy: Any, x: TensorType) -> Any:
    return reduce(ops.add, dy) if dy else ops.zeros(x.shape, x.dtype)


@reverse(ops.add)
def _add(dy: Any) -> Any:
    return dy, dy


@reverse(ops.subtract)
def _subtract(dy: Any) -> Any:
    return dy, -dy


@reverse(ops.negative)
def _negative(dy: Any) -> Any:
    return -dy


@reverse(ops.multiply)
def _multiply(x: Any, y: Any, dy: Any) -> Any:
    return y * dy, x * dy


@reverse(ops.divide)
@ops.upcast
def _divide(x: Any, y: Any, dy: Any) -> Any:
    return dy / y, -(x / y) * (dy / y)


@reverse(ops.remainder)
@ops.upcast
def _remainder(x: Any, y: Any, dy: Any) -> Any:
    return dy, -ops.floor_divide(x, y) * dy


@reverse(ops.pow)
@ops.upcast
def _pow(x: Any, y: Any, out: Any, dy: Any) -> Any:
    # Where a limit is known to be 0, the operand with which a factor would be infinite is replaced, so that the
    # derivatives of this rule see no 0 · inf either: x^(y - 1) with the factor 0, and log(x) · out for out = 0.
    is_finite = ops.logical_or(y >= 1, ops.abs(ops.pow(x, y - 1)) < math.inf)
    base = ops.where(ops.logical_or(is_finite, y * dy != 0), x, 1)
    vanishes = ops.logical_or(x <= 0, out == 0)
    return y * ops.pow(base, y - 1) * dy, ops.where(vanishes, 0, ops.log(ops.where(vanishes, 1, x)) * out) * dy


def _chosen(larger: Any, smaller: Any, dy: Any) -> Any:
    return ops.where(larger > smaller, dy, ops.where(larger == smaller, dy / 2, 0))


@reverse(ops.maximum)
def _maximum(x: Any, y: Any, dy: Any) -> Any:
    return _chosen(x, y, dy), _chosen(y, x, dy)


@reverse(ops.minimum)
def _minimum(x: Any, y: Any, dy: Any) -> Any:
    return _chosen(y, x, dy), _chosen(x, y, dy)


@reverse(ops.abs)
def _abs(x: Any, dy: Any) -> Any:
    return ops.sign(x) * dy


@reverse(ops.sqrt)
@ops.upcast
def _sqrt(out: Any, dy: Any) -> Any:
    return dy / (2 * out)


@reverse(ops.rsqrt)
@ops.upcast
def _rsqrt(out: Any, dy: Any) -> Any:
    return -0.5 * out * out * out * dy


@reverse(ops.exp)
def _exp(out: Any, dy: Any) -> Any:
    return out * dy


@reverse(ops.expm1)
@ops.upcast
def _expm1(x: Any, dy: Any) -> Any:
    return ops.exp(x) * dy


@reverse(ops.log)
def _log(x: Any, dy: Any) -> Any:
    return dy / x


@reverse(ops.log1p)
@ops.upcast
def _log1p(x: Any, dy: Any) -> Any:
    return dy / (1 + x)


@reverse(ops.sin)
@ops.upcast
def _sin(x: Any, dy: Any) -> Any:
    return ops.cos(x) * dy


@reverse(ops.cos)
@ops.upcast
def _cos(x: Any, dy: Any) -> Any:
    return -ops.sin(x) * dy


@reverse(ops.tanh)
@ops.upcast
def _tanh(out: Any, dy: Any) -> Any:
    return (1 - out * out) * dy


@reverse(ops.sigmoid)
@ops.upcast
def _sigmoid(out: Any, dy: Any) -> Any:
    return out * (1 - out) * dy


@reverse(ops.erf)
@ops.upcast
def _erf(x: Any, dy: Any) -> Any:
    near = _bounded(x, 40)
    return (2 / math.sqrt(math.pi)) * ops.exp(-near * near) * dy


def _bounded(x: Any, bound: float) -> Any:
    """Return x within bounds beyond which what is made of it is 0, so that no derivative meets 0 · inf."""
    low = ops.where(x < -bound, -bound, x)
    return ops.where(low > bound, bound, low)


@reverse(ops.where)
def _where(condition: Any, dy: Any) -> Any:
    return None, ops.where(condition, dy, 0), ops.where(condition, 0, dy)


@reverse(ops.cast)
def _cast(dy: Any, *, x: TensorType) -> Any:
    return ops.cast(dy, x.dtype)


@reverse(ops.reshape)
def _reshape(dy: Any, *, x: TensorType) -> Any:
    return ops.reshape(dy, x.shape)


@reverse(ops.permute_dims)
def _permute_dims(dy: Any, *, axes: tuple[int, ...]) -> Any:
    return ops.permute_dims(dy, tuple(sorted(range(len(axes)), key=axes.__getitem__)))


@reverse(ops.broadcast_to)
def _broadcast_to(dy: Any, *, x: TensorType, shape: tuple[Extent, ...]) -> Any:
    offset = len(shape) - x.rank
    repeated = [a for a in range(len(shape)) if a < offset or x.shape[a - offset] != shape[a]]
    return ops.reshape(ops.sum(dy, axis=repeated), x.shape)


def _spread(reduced: Any, axes: Sequence[int], x: TensorType) -> Any:
    """Repeat a reduction's result along the axes that it lost."""
    kept = tuple(1 if a in axes else e for a, e in enumerate(x.shape))
    return ops.broadcast_to(ops.reshape(reduced, kept), x.shape)


@reverse(ops.sum)
def _sum(dy: Any, *, x: TensorType, axes: tuple[int, ...]) -> Any:
    return _spread(dy, axes, x)


@reverse(ops.max, ops.min)
@ops.upcast
def _extremum(x: Any, out: Any, dy: Any, *, axes: tuple[int, ...]) -> Any:
    """Split dy among the positions that equal out; NaN equals nothing, so that a row that has one gets 0."""
    given = ops.typeof(x)
    spread = _spread(out, axes, given)
    ties = ops.sum(ops.cast(x == spread, given.dtype), axis=axes)
    # The opposite comparison: each is made in the loop that reads it, and no mask is stored for both.
    return ops.where(x != spread, 0, _spread(dy / ties, axes, given))


@reverse(ops.contract)
def _contract(x: Any, y: Any, dy: Any, *, spec: str) -> Any:
    first, second, out = ops.parse_spec(spec)
    return _transposed(dy, out, y, second, x, first), _transposed(dy, out, x, first, y, second)


def _transposed(dy: Any, out: str, other: Any, others: str, target: Any, indices: str) -> Any:
    """Contract the cotangent with the other operand; an index that only the target has is repeated."""
    known = "".join(i for i in indices if i in out + others)
    partial = ops.contract(f"{out},{others}->{known}", dy, other)
    lost = [axis for axis, index in enumerate(indices) if index not in known]
    return _spread(partial, lost, ops.typeof(target)) if lost else partial
