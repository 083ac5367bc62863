"""What a lowering rule works with: the operation's types, run-time extents, and the builders of linalg."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from mlir import ir
from mlir.dialects import arith, linalg, tensor

from catgrad.dialect.types import element_type
from catgrad.dims import Extent, Symbol
from catgrad.ops import Op
from catgrad.passes.extents import at_run_time
from catgrad.rules import RuleTable
from catgrad.types import DType, TensorType, bool_

__all__ = [
    "LOWERINGS",
    "PARALLEL",
    "REDUCTION",
    "Body",
    "Operand",
    "Rule",
    "Site",
    "generic",
    "number",
    "plain",
    "projection",
    "storage_type",
]

Body = Callable[..., ir.Value]
"""Builds a scalar from scalars at the current insertion point."""

Operand = tuple[ir.Value, ir.AffineMap]
"""A tensor, and where an iteration reads or writes it."""

PARALLEL, REDUCTION = "parallel", "reduction"


@dataclass(frozen=True)
class Site:
    """The place of one operation that is being lowered; new operations go to the current insertion point.

    Attributes:
        inputs: Types of the operands.
        result: Type of the result.
        symbols: The index value of each symbol.
    """

    inputs: tuple[TensorType, ...]
    result: TensorType
    symbols: Mapping[Symbol, ir.Value]

    def extent(self, extent: Extent) -> ir.Value:
        """Return an extent at run time, as an index value."""
        return at_run_time(extent, self.symbols)

    def sizes(self, shape: Sequence[Extent]) -> list[int | ir.Value]:
        """Return the extents of a shape: numbers where they are known."""
        return [e if isinstance(e, int) else self.extent(e) for e in shape]

    def empty(self, type: TensorType) -> ir.Value:
        """Return a tensor of unspecified elements."""
        return tensor.empty(self.sizes(type.shape), storage_type(type.dtype))

    def filled(self, type: TensorType, value: float) -> ir.Value:
        """Return a tensor whose every element is `value`."""
        return linalg.fill(number(storage_type(type.dtype), value), outs=[self.empty(type)])

    def pointwise(self, operands: Sequence[ir.Value | Operand], body: Body) -> ir.Value:
        """Return the result, whose element at each position is `body` of the operands' elements.

        Args:
            operands: Tensors read at the position itself, or at the position that a map tells.
            body: Makes an element of the result; it sees bools as i1.
        """
        identity = ir.AffineMap.get_identity(self.result.rank)
        inputs = [operand if isinstance(operand, tuple) else (operand, identity) for operand in operands]
        output = self.empty(self.result), identity
        (value,) = generic(inputs, [output], [PARALLEL] * self.result.rank, lambda *scalars: [body(*scalars[:-1])])
        return value

    def moved(self, x: ir.Value, map: ir.AffineMap) -> ir.Value:
        """Return the result, whose elements are those of `x` at the positions that `map` tells."""
        output = self.empty(self.result), ir.AffineMap.get_identity(self.result.rank)
        (value,) = _generic([(x, map)], [output], [PARALLEL] * self.result.rank, lambda element, _: [element])
        return value


Rule = Callable[..., ir.Value]
"""`(site, *operands, **attributes) -> result`, on tensors without encodings."""

LOWERINGS: RuleTable[Op, Rule] = RuleTable("lowering to linalg", "passes/to_linalg")
"""The lowering of every operation of the dialect."""


def number(type: ir.Type, value: float) -> ir.Value:
    """Return the constant `value` of an integer or floating-point type."""
    return arith.constant(type, float(value) if isinstance(type, ir.FloatType) else int(value))


def storage_type(dtype: DType) -> ir.Type:
    """Return the type of an element in memory: a byte for a bool, because memrefs have no smaller loads."""
    return ir.IntegerType.get_signless(8) if dtype.is_bool else element_type(dtype)


def plain(type: ir.Type) -> ir.Type:
    """Return a tensor type without the names of its extents, tensors and memrefs of bools as those of bytes."""
    if not isinstance(type, ir.RankedTensorType | ir.MemRefType):
        return type
    element = type.element_type
    if element == ir.IntegerType.get_signless(1):
        element = storage_type(bool_)
    if isinstance(type, ir.MemRefType):
        return ir.MemRefType.get(type.shape, element, type.layout, type.memory_space)
    return ir.RankedTensorType.get(type.shape, element)


def _loaded(element: ir.Value) -> ir.Value:
    """Return what a body computes with: the truth of a byte, and anything else as it is."""
    byte = ir.IntegerType.get_signless(8)
    if element.type != byte:
        return element
    return arith.cmpi(arith.CmpIPredicate.ne, element, arith.constant(byte, 0))


def _stored(element: ir.Value) -> ir.Value:
    """Return what is written: the byte of a truth value, and anything else as it is."""
    is_bool = element.type == ir.IntegerType.get_signless(1)
    return arith.extui(ir.IntegerType.get_signless(8), element) if is_bool else element


def projection(rank: int, axes: Sequence[int | None]) -> ir.AffineMap:
    """Return the map of an iteration over `rank` axes to the positions along `axes`; None stands for position 0.

    Args:
        rank: Number of axes of the iteration.
        axes: For each axis of the tensor, the axis of the iteration that it follows.
    """
    exprs = [ir.AffineConstantExpr.get(0) if a is None else ir.AffineDimExpr.get(a) for a in axes]
    return ir.AffineMap.get(rank, 0, exprs)


def generic(
    inputs: Sequence[Operand],
    outputs: Sequence[Operand],
    iterators: Sequence[str],
    body: Callable[..., Sequence[ir.Value]],
) -> list[ir.Value]:
    """Return the results of a `linalg.generic`.

    Args:
        inputs: Tensors it reads.
        outputs: Initial tensors of the results.
        iterators: For each axis of the iteration, PARALLEL or REDUCTION.
        body: Makes the new elements of the results of the elements of the inputs and outputs; it sees bools as i1.
    """
    return _generic(inputs, outputs, iterators, lambda *scalars: map(_stored, body(*map(_loaded, scalars))))


def _generic(
    inputs: Sequence[Operand],
    outputs: Sequence[Operand],
    iterators: Sequence[str],
    body: Callable[..., Iterable[ir.Value]],
) -> list[ir.Value]:
    """Return the results of a `linalg.generic` whose body sees elements as they are in memory."""
    operands = [*inputs, *outputs]
    op = linalg.GenericOp(
        [value.type for value, _ in outputs],
        [value for value, _ in inputs],
        [value for value, _ in outputs],
        ir.ArrayAttr.get([ir.AffineMapAttr.get(map) for _, map in operands]),
        ir.ArrayAttr.get([ir.Attribute.parse(f"#linalg.iterator_type<{kind}>") for kind in iterators]),
    )
    block = op.regions[0].blocks.append(*(ir.RankedTensorType(value.type).element_type for value, _ in operands))
    with ir.InsertionPoint(block):
        linalg.YieldOp(list(body(*block.arguments)))
    return list(op.results)
