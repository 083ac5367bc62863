"""Rewrite rules: equations between small diagrams, read from left to right.

A rule is keyed by the operation at its root. It gets the builder and the values the operation would read, and returns
the values that replace its results, or None where the left-hand side does not match.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from catgrad import ops
from catgrad.rewrite.graph import Builder
from catgrad.rules import RuleTable

__all__ = ["RULES"]

Values = Sequence[int]
Rule = Callable[..., "Values | None"]

RULES: RuleTable[ops.Op, Rule] = RuleTable("rewrite rule", "catgrad/rewrite/rules.py")


def is_literal(builder: Builder, value: int, number: float) -> bool:
    """Return whether every element of a value is known to be `number`."""
    known = builder.number(value)
    return known is not None and bool(known == number)


@RULES.rule(ops.broadcast_to, ops.reshape)
def _same_shape(builder: Builder, inputs: Values, **attributes: Any) -> Values | None:
    """broadcast_to[s](x) = x = reshape[s](x) for x of shape s."""
    return inputs if builder.type(inputs[0]).shape == attributes["shape"] else None


@RULES.rule(ops.permute_dims)
def _one_order(builder: Builder, inputs: Values, axes: tuple[int, ...]) -> Values | None:
    """permute_dims[id](x) = x, and permute_dims[a](permute_dims[b](x)) = permute_dims[b ∘ a](x).

    permute_dims[a](contract[s](x, y)) = contract[s'](x, y) where nothing else uses the contraction.
    """
    if axes == tuple(range(len(axes))):
        return inputs
    producer = builder.producer(inputs[0])
    if producer is not None and producer.operation.op is ops.permute_dims:
        composed = tuple(producer.operation.keywords["axes"][axis] for axis in axes)
        known = _one_order(builder, producer.inputs, composed)
        return known or builder.apply(ops.permute_dims.operation(axes=composed), producer.inputs)
    if producer is None or producer.operation.op is not ops.contract or builder.is_shared(inputs[0]):
        return None
    x, y, out = ops.parse_spec(producer.operation.keywords["spec"])
    permuted = "".join(out[axis] for axis in axes)
    return builder.apply(ops.contract.operation(spec=f"{x},{y}->{permuted}"), producer.inputs)


@RULES.rule(ops.cast)
def _same_dtype(builder: Builder, inputs: Values, dtype: Any) -> Values | None:
    """cast[d](x) = x for x of dtype d."""
    return inputs if builder.type(inputs[0]).dtype is dtype else None


@RULES.rule(ops.stop_gradient)
def _stop_gradient(builder: Builder, inputs: Values) -> Values | None:
    """stop_gradient(x) = x once nothing more is differentiated."""
    return inputs


@RULES.rule(ops.sum)
def _sum_of_nothing(builder: Builder, inputs: Values, axes: tuple[int, ...]) -> Values | None:
    """sum[()](x) = x."""
    return inputs if not axes else None


@RULES.rule(ops.multiply)
def _times_one(builder: Builder, inputs: Values) -> Values | None:
    """1 · x = x = x · 1."""
    x, y = inputs
    return (y,) if is_literal(builder, x, 1) else (x,) if is_literal(builder, y, 1) else None


@RULES.rule(ops.divide)
def _over_one(builder: Builder, inputs: Values) -> Values | None:
    """x / 1 = x."""
    return inputs[:1] if is_literal(builder, inputs[1], 1) else None


@RULES.rule(ops.logical_or)
def _or(builder: Builder, inputs: Values) -> Values | None:
    """x ∨ true = true, and x ∨ false = x."""
    return _decided(builder, inputs, absorbing=True)


@RULES.rule(ops.logical_and)
def _and(builder: Builder, inputs: Values) -> Values | None:
    """x ∧ false = false, and x ∧ true = x."""
    return _decided(builder, inputs, absorbing=False)


def _decided(builder: Builder, inputs: Values, absorbing: bool) -> Values | None:
    """Return the result of a connective with a literal among its operands."""
    x, y = inputs
    for one, other in ((x, y), (y, x)):
        if builder.number(one) is not None:
            return (one,) if is_literal(builder, one, absorbing) else (other,)
    return None


@RULES.rule(ops.where)
def _known_choice(builder: Builder, inputs: Values) -> Values | None:
    """where(true, x, y) = x, where(false, x, y) = y and where(c, x, x) = x."""
    condition, x, y = inputs
    if is_literal(builder, condition, True) or x == y:
        return (x,)
    return (y,) if is_literal(builder, condition, False) else None


@RULES.rule(ops.negative)
def _twice_negative(builder: Builder, inputs: Values) -> Values | None:
    """-(-x) = x."""
    producer = builder.producer(inputs[0])
    return producer.inputs if producer and producer.operation.op is ops.negative else None


@RULES.rule(ops.contract)
def _absorb_transposes(builder: Builder, inputs: Values, spec: str) -> Values | None:
    """contract[s](permute_dims[a](x), y) = contract[s'](x, y), and likewise for y."""
    x, y, out = ops.parse_spec(spec)
    (x, first), (y, second) = _untransposed(builder, inputs[0], x), _untransposed(builder, inputs[1], y)
    if (first, second) == tuple(inputs):
        return None
    return builder.apply(ops.contract.operation(spec=f"{x},{y}->{out}"), (first, second))


def _untransposed(builder: Builder, value: int, indices: str) -> tuple[str, int]:
    """Return the operand behind a permutation, and its indices in its own order."""
    producer = builder.producer(value)
    if producer is None or producer.operation.op is not ops.permute_dims:
        return indices, value
    axes = producer.operation.keywords["axes"]
    own = dict(zip(axes, indices, strict=True))
    return "".join(own[axis] for axis in range(len(axes))), producer.inputs[0]
