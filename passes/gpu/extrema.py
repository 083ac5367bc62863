"""Extrema with their places: pairs of a value and its position that may be folded in any order.

An operation that goes through a row and keeps the first of the best elements chooses between the pair that it has and a
new one. Two pairs of any parts of a row are joined by the same choice, if that of the lower position counts as what it
has. This is associative and commutative, and what is folded twice counts once; so all threads may begin with the pair
that the operation begins with.

`argmax` and `argmin` become such operations; the lowering marks both choices, since it alone knows that the condition
is an order (`passes/to_linalg/reduction.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mlir import ir
from mlir.dialects import arith

from catgrad.passes.gpu.generic import Generic
from catgrad.passes.views import CHOOSES

__all__ = ["Extremum"]


@dataclass(frozen=True)
class Extremum:
    """The fold of an operation whose results are the best value and its position.

    Attributes:
        body: What it does with one element.
        condition: Whether a new element is better than the best so far.
        new: The new element.
        best: The best so far.
        kinds: The types of value and position.
    """

    body: ir.Block
    condition: ir.Value
    new: ir.Value
    best: ir.Value
    kinds: tuple[ir.Type, ...]

    @staticmethod
    def of(generic: Generic) -> Extremum | None:
        """Return how an operation folds pairs, or None if it folds something else."""
        *_, terminator = generic.body.operations
        chosen = list(terminator.operation.operands)
        choices = [each.owner.operation for each in chosen if isinstance(each, ir.OpResult)]
        if len(choices) != 2 or not all(CHOOSES in choice.attributes for choice in choices):
            return None
        condition, new, best = choices[0].operands
        found = Extremum(generic.body, condition, new, best, tuple(each.type for each in chosen))
        return found if found._depends_on_pair(condition) else None

    def neutral(self) -> None:
        """Return nothing: each part begins with the results so far."""

    def join(self, x: Sequence[ir.Value], y: Sequence[ir.Value]) -> list[ir.Value]:
        """Emit the better pair of two."""
        is_later = arith.cmpi(arith.CmpIPredicate.slt, y[1], x[1])
        first = [arith.select(is_later, b, a) for a, b in zip(x, y, strict=True)]
        second = [arith.select(is_later, a, b) for a, b in zip(x, y, strict=True)]
        is_better = self._computed(self.condition, {self.new: second[0], self.best: first[0]})
        return [arith.select(is_better, b, a) for a, b in zip(first, second, strict=True)]

    def _depends_on_pair(self, scalar: ir.Value) -> bool:
        """Return whether a scalar of the body is a function of the two values."""
        if scalar in (self.new, self.best) or not self._is_inside(scalar):
            return True
        if not isinstance(scalar, ir.OpResult) or scalar.owner.name == "linalg.index":
            return False
        return all(self._depends_on_pair(operand) for operand in scalar.owner.operands)

    def _computed(self, scalar: ir.Value, known: dict[ir.Value, ir.Value]) -> ir.Value:
        """Emit a scalar of the body, for other values."""
        if scalar not in known and self._is_inside(scalar):
            operands = [self._computed(operand, known) for operand in scalar.owner.operands]
            copy = scalar.owner.operation.clone()
            for i, operand in enumerate(operands):
                copy.operands[i] = operand
            known[scalar] = copy.result
        return known.get(scalar, scalar)

    def _is_inside(self, scalar: ir.Value) -> bool:
        """Return whether a scalar is one of the body's own."""
        return (scalar.owner.operation.block if isinstance(scalar, ir.OpResult) else scalar.owner) == self.body
