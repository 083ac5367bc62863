"""Folding: what operations fold terms into their results, and how threads fold their parts, in an order that is fixed.

The threads of a warp exchange their parts by shuffles, in as many steps as the logarithm of their number; those of
several warps through shared memory. There are no atomic operations, so results are reproducible.

Reference: Harris, "Optimizing parallel reduction in CUDA" (2007).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from mlir import ir
from mlir.dialects import arith, gpu

from catgrad.passes.gpu.extrema import Extremum
from catgrad.passes.gpu.generic import Generic
from catgrad.passes.kernels.emit import constant
from catgrad.passes.kernels.view import width

__all__ = ["Fold", "fold_lanes", "fold_of"]

_INFINITY = float("inf")
_NEUTRAL: dict[str, Callable[[ir.Type], float]] = {
    "arith.addf": lambda kind: 0.0,
    "arith.mulf": lambda kind: 1.0,
    "arith.maximumf": lambda kind: -_INFINITY,
    "arith.minimumf": lambda kind: _INFINITY,
    "arith.addi": lambda kind: 0,
    "arith.muli": lambda kind: 1,
    "arith.maxsi": lambda kind: -(1 << width(kind) - 1),
    "arith.minsi": lambda kind: (1 << width(kind) - 1) - 1,
    "arith.ori": lambda kind: 0,
    "arith.andi": lambda kind: -1,
}
"""The operations that may be folded in any order, and what changes nothing."""

_ROUNDED = frozenset({"arith.addf", "arith.mulf"})


class Fold(Protocol):
    """Combiner of the terms of an operation, in any order."""

    @property
    def kinds(self) -> Sequence[ir.Type]:
        """The types of the results."""

    def neutral(self) -> list[ir.Value] | None:
        """Emit what changes nothing; None if the results so far do not, when a part begins with them."""

    def join(self, x: Sequence[ir.Value], y: Sequence[ir.Value]) -> list[ir.Value]:
        """Emit the folding of two parts."""


@dataclass(frozen=True)
class Terms:
    """The fold of an operation whose results are sums, products or extrema, each by itself.

    Attributes:
        ops: For each result, the operation of the body that folds a term into it.
    """

    ops: tuple[ir.Operation, ...]

    @staticmethod
    def of(generic: Generic) -> Terms | None:
        """Return how an operation folds each of its results, or None if it does not fold them one by one."""
        arguments = list(generic.body.arguments)[generic.inputs :]
        *_, terminator = generic.body.operations
        found = []
        for argument, scalar in zip(arguments, terminator.operation.operands, strict=True):
            uses = [use.owner.operation for use in argument.uses]
            op = scalar.owner.operation if isinstance(scalar, ir.OpResult) else None
            if op is None or uses != [op] or op.name not in _NEUTRAL or not _is_free(op):
                return None
            found.append(op)
        return Terms(tuple(found))

    @property
    def kinds(self) -> Sequence[ir.Type]:
        """The types of the results."""
        return [op.results[0].type for op in self.ops]

    def neutral(self) -> list[ir.Value]:
        """Emit what changes nothing."""
        return [constant(kind, _NEUTRAL[op.name](kind)) for op, kind in zip(self.ops, self.kinds, strict=True)]

    def join(self, x: Sequence[ir.Value], y: Sequence[ir.Value]) -> list[ir.Value]:
        """Emit the folding of two parts."""
        return [_applied(*each) for each in zip(self.ops, x, y, strict=True)]


def fold_of(generic: Generic) -> Fold | None:
    """Return how an operation folds, or None if that needs an order."""
    return Terms.of(generic) or Extremum.of(generic)


def _applied(op: ir.Operation, x: ir.Value, y: ir.Value) -> ir.Value:
    copy = op.clone()
    copy.operands[0], copy.operands[1] = x, y
    return copy.result


def _is_free(op: ir.Operation) -> bool:
    """Return whether the order of folding is free: rounded sums and products have to allow it."""
    return op.name not in _ROUNDED or "reassoc" in str(op.attributes["fastmath"])


def fold_lanes(fold: Fold, part: Sequence[ir.Value], lanes: int, warp: int) -> list[ir.Value]:
    """Emit the folding of the parts of `lanes` neighbours in a warp, a power of two, which all of them get."""
    offset = lanes // 2
    while offset:
        part = fold.join(part, [_shuffled(each, offset, warp) for each in part])
        offset //= 2
    return list(part)


def _shuffled(x: ir.Value, offset: int, warp: int) -> ir.Value:
    """Emit the value of the thread whose number differs in one bit; registers of 32 bits are what can be exchanged."""
    i32 = ir.IntegerType.get_signless(32)
    bits = width(x.type)
    as_integer = ir.IntegerType.get_signless(bits)
    number = arith.bitcast(as_integer, x) if isinstance(x.type, ir.FloatType) else x
    if bits == 64:
        shift = arith.constant(as_integer, 32)
        low, high = (_exchange(arith.trunci(i32, each), offset, warp) for each in (number, arith.shrui(number, shift)))
        moved = arith.ori(arith.extui(as_integer, low), arith.shli(arith.extui(as_integer, high), shift))
    elif bits == 32:
        moved = _exchange(number, offset, warp)
    else:
        moved = arith.trunci(as_integer, _exchange(arith.extui(i32, number), offset, warp))
    return arith.bitcast(x.type, moved) if isinstance(x.type, ir.FloatType) else moved


def _exchange(x: ir.Value, offset: int, warp: int) -> ir.Value:
    i32 = ir.IntegerType.get_signless(32)
    return gpu.ShuffleOp(x, arith.constant(i32, offset), arith.constant(i32, warp), gpu.ShuffleMode.XOR).shuffleResult
