"""Elementary functions, from MLIR's operations to the formulas of `catgrad.passes.to_linalg.math`.

Until kernels are made, a function is one operation, which every pass before that reads as one. A formula is built once
for each function and type, and copied. Where elementwise loops use it so often that copies would be most of the code,
they call a private function that computes it, and has variants for vectors (`catgrad.passes.variants`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from mlir import ir
from mlir.dialects import func, scf, ub

from catgrad.dialect.functions import functions
from catgrad.passes.base import Pass
from catgrad.passes.kernels.walk import named
from catgrad.passes.machine import Machine
from catgrad.passes.to_linalg.math import formulas
from catgrad.passes.variants import define

__all__ = ["ExpandElementary"]

_MANY = 1500
"""Operations in all copies of a formula from which there is one function instead: those of 19 sines of f32."""
_REGISTERS = (128, 256, 512)
"""Bits that vector registers have; loops may work on shorter vectors than those of the processor."""


@dataclass(frozen=True)
class ExpandElementary(Pass):
    """Replace elementary functions of f32 and f64 by their formulas, or by calls of functions that compute them.

    Attributes:
        outside_loops: Only where a function depends on no tensor. Its argument may be a constant, of which
            `canonicalize` would compute it by the mathematical library of whoever compiles.
        calls: The processor whose vectors functions have variants for; if none, nothing is called.
    """

    name: ClassVar[str] = "catgrad-expand-elementary"

    outside_loops: bool = False
    calls: Machine | None = None

    def run(self, module: ir.Operation) -> None:
        """Replace each operation that has a formula."""
        uses: dict[tuple[str, ir.Type, bool], list[ir.Operation]] = defaultdict(list)
        for op in list(_outside_loops(module)) if self.outside_loops else named(module, *formulas):
            uses[op.name, op.result.type, _is_elementwise(op.parent)].append(op)
        scratch = ir.Module.create()
        for (*_, is_elementwise), operations in uses.items():
            pattern = _pattern(scratch, operations[0])
            copies = len(operations) * len(pattern.regions[0].blocks[0].operations)
            if self.calls and is_elementwise and copies >= _MANY:
                _call(module, operations, self.calls)
            else:
                for op in operations:
                    _replace(op, pattern)


def _outside_loops(module: ir.Operation) -> Iterator[ir.Operation]:
    for function in functions(module):
        if not function.is_external:
            yield from (op.operation for op in function.entry_block.operations if op.operation.name in formulas)


def _is_elementwise(op: ir.Operation) -> bool:
    """Return whether an operation becomes loops that LLVM may vectorise: nothing is folded."""
    return op.name == "linalg.generic" and all("parallel" in str(kind) for kind in op.attributes["iterator_types"])


def _call(module: ir.Operation, operations: Sequence[ir.Operation], machine: Machine) -> None:
    """Put calls in place of operations of one name and type."""
    first = operations[0]
    name, type = first.name, first.result.type
    widths = [bits for bits in _REGISTERS if bits <= machine.vector_bits]
    lanes = [bits // ir.FloatType(type).width for bits in widths]
    with ir.Location.name(name):
        symbol = f"{name.removeprefix('math.')}_{type}"
        callee = define(module, symbol, [type] * len(first.operands), lanes, formulas[name])
    for op in operations:
        with ir.InsertionPoint(op), op.location:
            op.result.replace_all_uses_with(func.CallOp([type], callee, list(op.operands)).result)
        op.erase()


def _pattern(scratch: ir.Module, op: ir.Operation) -> ir.Operation:
    """Emit a region that computes a formula, of values that its first operations make."""
    type = op.result.type
    with ir.InsertionPoint(scratch.body), ir.Location.name(op.name):
        region = scf.ExecuteRegionOp([type])
        with ir.InsertionPoint(region.regions[0].blocks.append()):
            scf.YieldOp([formulas[op.name](*(ub.poison(type) for _ in op.operands))])
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
