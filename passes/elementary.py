"""Elementary functions, from MLIR's operations to the formulas of `catgrad.passes.to_linalg.math`.

Until kernels are made, a function is one operation, which every pass before that reads as one. A formula is built once
for each function and type, and copied.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from mlir import ir
from mlir.dialects import scf, ub

from catgrad.dialect.functions import functions
from catgrad.passes.base import Pass
from catgrad.passes.kernels.walk import named
from catgrad.passes.to_linalg.math import formulas

__all__ = ["ExpandElementary"]


@dataclass(frozen=True)
class ExpandElementary(Pass):
    """Replace elementary functions of f32 and f64 by their formulas.

    Attributes:
        outside_loops: Only where a function depends on no tensor. Its argument may be a constant, of which
            `canonicalize` would compute it by the mathematical library of whoever compiles.
    """

    name: ClassVar[str] = "catgrad-expand-elementary"

    outside_loops: bool = False

    def run(self, module: ir.Operation) -> None:
        """Replace each operation that has a formula by a copy of it."""
        patterns: dict[tuple[str, ir.Type], ir.Operation] = {}
        scratch = ir.Module.create()
        for op in list(_outside_loops(module)) if self.outside_loops else named(module, *formulas):
            key = op.name, op.result.type
            if key not in patterns:
                with ir.InsertionPoint(scratch.body), ir.Location.name(op.name):
                    patterns[key] = _pattern(*key, len(op.operands))
            _replace(op, patterns[key])


def _outside_loops(module: ir.Operation) -> Iterator[ir.Operation]:
    for function in functions(module):
        if not function.is_external:
            yield from (op.operation for op in function.entry_block.operations if op.operation.name in formulas)


def _pattern(name: str, type: ir.Type, operands: int) -> ir.Operation:
    """Emit a region that computes a formula, of values that its first operations make."""
    region = scf.ExecuteRegionOp([type])
    with ir.InsertionPoint(region.regions[0].blocks.append()):
        scf.YieldOp([formulas[name](*(ub.poison(type) for _ in range(operands)))])
    return region.operation


def _replace(op: ir.Operation, pattern: ir.Operation) -> None:
    """Put a copy of a pattern's region in place of an operation."""
    with ir.InsertionPoint(op):
        copy = pattern.clone().operation
    *steps, end = (view.operation for view in copy.regions[0].blocks[0].operations)
    _bind(steps[: len(op.operands)], op.operands)
    for step in steps[len(op.operands) :]:
        step.move_before(op)
    op.result.replace_all_uses_with(end.operands[0])
    copy.erase()
    op.erase()


def _bind(placeholders: Sequence[ir.Operation], values: Sequence[ir.Value]) -> None:
    for placeholder, value in zip(placeholders, values, strict=True):
        placeholder.result.replace_all_uses_with(value)
