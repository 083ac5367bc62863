"""Kernel sharing: equal computations on buffers become calls of one function.

Layers repeat. After bufferization their linalg operations differ only in the buffers they work on, so each distinct one
is outlined once, and native code is generated once. What happens in place has been decided before.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import ClassVar

from mlir import ir
from mlir.dialects import func

from catgrad.passes.base import Pass

__all__ = ["ShareKernels"]

_MANY = 64
"""Units in one function from which all of them are outlined, so that only calls are left."""

_MATERIAL = ("linalg.generic", "linalg.contract", "gpu.launch_func")
"""Operations that cost code; a fill goes along with the operation that accumulates into what it fills."""


@dataclass(frozen=True)
class ShareKernels(Pass):
    """Outline operations on buffers, or launches, that occur more than once, each distinct one as a private function.

    A function with very many of them keeps none: it becomes a driver.
    """

    name: ClassVar[str] = "catgrad-share-kernels"

    def run(self, module: ir.Operation) -> None:
        """Replace the repeated units of all functions by calls."""
        alike: dict[Hashable, list[_Unit]] = defaultdict(list)
        crowded: set[Hashable] = set()
        for function in module.regions[0].blocks[0].operations:
            if isinstance(function, func.FuncOp) and not function.is_external:
                units = list(_units(function.entry_block))
                crowded.update(unit.key for unit in units if len(units) >= _MANY)
                for unit in units:
                    alike[unit.key].append(unit)
        chosen = [units for key, units in alike.items() if len(units) > 1 or key in crowded]
        taken = {op.sym_name.value for op in module.regions[0].blocks[0].operations if isinstance(op, func.FuncOp)}
        free = (name for name in map("kernel_{}".format, count()) if name not in taken)
        for name, units in zip(free, chosen, strict=False):
            _outline(module, name, units)


@dataclass(frozen=True)
class _Unit:
    """Operations that are outlined together.

    Attributes:
        operations: In order.
        arguments: The values they take from outside, constants excepted, in order of first use.
        constants: The constants they take from outside, likewise.
        key: Equal for units that differ only in their arguments.
    """

    operations: tuple[ir.Operation, ...]
    arguments: tuple[ir.Value, ...]
    constants: tuple[ir.Value, ...]
    key: Hashable


def _units(block: ir.Block) -> Iterator[_Unit]:
    operations = [view.operation for view in block.operations]
    for before, op in zip([None, *operations], operations, strict=False):
        if op.name in _MATERIAL:
            fills = before is not None and before.name == "linalg.fill" and before.operands[-1] == op.operands[-1]
            yield _unit((before, op) if fills else (op,))


@dataclass
class _Reader:
    """Numbers the values of a unit in the order in which they are met."""

    numbers: dict[ir.Value, int] = field(default_factory=dict)
    arguments: list[ir.Value] = field(default_factory=list)
    constants: list[ir.Value] = field(default_factory=list)

    def describe(self, op: ir.Operation) -> Hashable:
        """Return the structure of an operation and of what is inside it."""
        operands = tuple(self._use(value) for value in op.operands)
        bodies = tuple(self._body(block) for region in op.regions for block in region.blocks)
        results = tuple(result.type for result in op.results)
        for result in op.results:
            self._number(result)
        attributes = tuple((name, op.attributes[name]) for name in op.attributes)
        return op.name, operands, attributes, results, bodies

    def _body(self, block: ir.Block) -> Hashable:
        for argument in block.arguments:
            self._number(argument)
        return tuple(self.describe(view.operation) for view in block.operations)

    def _number(self, value: ir.Value) -> int:
        return self.numbers.setdefault(value, len(self.numbers))

    def _use(self, value: ir.Value) -> Hashable:
        """Return the number of a value that is known, or note it as coming from outside."""
        if value in self.numbers:
            return self.numbers[value]
        constant = _constant(value)
        (self.arguments if constant is None else self.constants).append(value)
        return self._number(value), value.type, constant


def _constant(value: ir.Value) -> ir.Attribute | None:
    owner = value.owner
    is_constant = isinstance(owner, ir.OpView | ir.Operation) and owner.operation.name == "arith.constant"
    return owner.operation.attributes["value"] if is_constant else None


def _unit(operations: tuple[ir.Operation, ...]) -> _Unit:
    reader = _Reader()
    key = tuple(reader.describe(op) for op in operations)
    return _Unit(operations, tuple(reader.arguments), tuple(reader.constants), key)


def _outline(module: ir.Operation, name: str, units: list[_Unit]) -> None:
    """Make one function of equal units, and calls of them."""
    first = units[0]
    with first.operations[-1].location:
        with ir.InsertionPoint(module.regions[0].blocks[0]):
            kernel = func.FuncOp(name, ([value.type for value in first.arguments], []), visibility="private")
        with ir.InsertionPoint(kernel.add_entry_block()):
            _copy(first, list(kernel.entry_block.arguments))
            func.ReturnOp([])
    for unit in units:
        with unit.operations[0].location, ir.InsertionPoint(unit.operations[0]):
            func.CallOp([], name, list(unit.arguments))
        for op in reversed(unit.operations):
            op.erase()


def _copy(unit: _Unit, arguments: list[ir.Value]) -> None:
    """Copy a unit to the insertion point, with other arguments."""
    new = {value: argument for value, argument in zip(unit.arguments, arguments, strict=True)}
    new.update((value, value.owner.operation.clone().result) for value in unit.constants)
    for op in unit.operations:
        _rewire(op.clone(), new)


def _rewire(op: ir.Operation, new: dict[ir.Value, ir.Value]) -> None:
    for position, value in enumerate(op.operands):
        if value in new:
            op.operands[position] = new[value]
    for region in op.regions:
        for block in region.blocks:
            for view in block.operations:
                _rewire(view.operation, new)
