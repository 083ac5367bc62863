"""Lowering context: the operation's types, run-time extents, and the builders of linalg."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from mlir import ir
from mlir.dialects import arith, linalg

from catgrad.cached import cached_property
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
    "Result",
    "Rule",
    "Site",
    "Splat",
    "generic",
    "iterators",
    "loaded",
    "memory_type",
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
class Splat:
    """A result whose elements are all one scalar: a tensor only for those who read more than that.

    Attributes:
        scalar: The element, as bodies see it.
        tensor: Builds the tensor.
    """

    scalar: ir.Value
    tensor: Callable[[], ir.Value]


Result: TypeAlias = "ir.Value | Splat"
"""What a rule makes: a tensor, or what all its elements are."""


@dataclass(frozen=True)
class Site:
    """Context of operations that are the same to their rule; new ones go to the current insertion point.

    Attributes:
        inputs: Types of the operands.
        result: Type of the result.
        symbols: The index value of each symbol.
        splats: The tensors of which one scalar is known to be each element.
    """

    inputs: tuple[TensorType, ...]
    result: TensorType
    symbols: Mapping[Symbol, ir.Value]
    splats: Mapping[ir.Value, Splat]

    def extent(self, extent: Extent) -> ir.Value:
        """Return an extent at run time, as an index value."""
        return at_run_time(extent, self.symbols)

    def sizes(self, shape: Sequence[Extent]) -> list[int | ir.Value]:
        """Return the extents of a shape: numbers where they are known."""
        return [e if isinstance(e, int) else self.extent(e) for e in shape]

    def empty(self, type: TensorType) -> ir.Value:
        """Return a tensor of unspecified elements."""
        dynamic = [self.extent(e) for e in type.shape if not isinstance(e, int)]
        return ir.Operation.create("tensor.empty", [memory_type(type)], dynamic).result

    @cached_property
    def identity(self) -> ir.AffineMap:
        """The map of each position of the result to itself."""
        return ir.AffineMap.get_identity(self.result.rank)

    @cached_property
    def parallel(self) -> ir.ArrayAttr:
        """The kinds of the axes of an iteration over the result."""
        return iterators([PARALLEL] * self.result.rank)

    def filled(self, type: TensorType, value: float) -> ir.Value:
        """Return a tensor whose every element is `value`."""
        return linalg.fill(number(storage_type(type.dtype), value), outs=[self.empty(type)])

    def element(self, x: ir.Value, read: ir.Value) -> ir.Value:
        """Return an element of a tensor: the one that all are, if that is known, or as a body reads it."""
        return self.splats[x].scalar if x in self.splats else read

    def splat(self, scalar: ir.Value) -> Splat:
        """Return the result whose elements are all `scalar`, a truth value if they are bools."""
        return Splat(scalar, lambda: self._elements([], lambda: scalar))

    def pointwise(self, operands: Sequence[ir.Value | Operand], body: Body) -> Result:
        """Return the result, whose element at each position is `body` of the operands' elements.

        It is computed once if they are the same everywhere.

        Args:
            operands: Tensors read at the position itself, or at the position that a map tells.
            body: Makes an element of the result; it sees bools as i1.
        """
        reads = [operand if isinstance(operand, tuple) else (operand, self.identity) for operand in operands]
        tensors = [read for read in reads if read[0] not in self.splats]

        def made(*elements: ir.Value) -> ir.Value:
            rest = iter(elements)
            return body(*(self.splats[x].scalar if x in self.splats else next(rest) for x, _ in reads))

        return self.splat(made()) if reads and not tensors else self._elements(tensors, made)

    def _elements(self, inputs: Sequence[Operand], body: Body) -> ir.Value:
        """Return the result as a tensor, whose elements `body` makes of those of tensors."""
        output = self.empty(self.result), self.identity
        (value,) = generic(inputs, [output], self.parallel, lambda *scalars: [body(*scalars[:-1])])
        return value

    def moved(self, x: ir.Value, map: ir.AffineMap) -> Result:
        """Return the result, whose elements are those of `x` at the positions that `map` tells."""
        if x in self.splats:
            return self.splat(self.splats[x].scalar)
        output = self.empty(self.result), self.identity
        (value,) = _generic([(x, map)], [output], self.parallel, lambda element, _: [element])
        return value


Rule = Callable[..., Result]
"""`(site, *operands, **attributes) -> result`, on tensors without encodings."""

LOWERINGS: RuleTable[Op, Rule] = RuleTable("lowering to linalg", "passes/to_linalg")
"""The lowering of every operation of the dialect."""


def number(type: ir.Type, value: float) -> ir.Value:
    """Return the constant `value` of an integer or floating-point type."""
    return arith.constant(type, float(value) if isinstance(type, ir.FloatType) else int(value))


def storage_type(dtype: DType) -> ir.Type:
    """Return the type of an element in memory: a byte for a bool, because memrefs have no smaller loads."""
    return ir.IntegerType.get_signless(8) if dtype.is_bool else element_type(dtype)


def memory_type(type: TensorType) -> ir.RankedTensorType:
    """Return the type of a tensor without the names of its extents, with elements as they are in memory."""
    sizes = [e if isinstance(e, int) else ir.ShapedType.get_dynamic_size() for e in type.shape]
    return ir.RankedTensorType.get(sizes, storage_type(type.dtype))


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


def loaded(element: ir.Value) -> ir.Value:
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


def iterators(kinds: Iterable[str]) -> ir.ArrayAttr:
    """Return the kinds of axes, each PARALLEL or REDUCTION, as an attribute."""
    return ir.ArrayAttr.get([ir.Attribute.parse(f"#linalg.iterator_type<{kind}>") for kind in kinds])


def generic(
    inputs: Sequence[Operand],
    outputs: Sequence[Operand],
    iterators: ir.ArrayAttr,
    body: Callable[..., Sequence[ir.Value]],
) -> list[ir.Value]:
    """Return the results of a `linalg.generic`.

    Args:
        inputs: Tensors it reads.
        outputs: Initial tensors of the results.
        iterators: The kind of each axis of the iteration.
        body: Makes the new elements of the results of the elements of the inputs and outputs; it sees bools as i1.
    """
    return _generic(inputs, outputs, iterators, lambda *scalars: map(_stored, body(*map(loaded, scalars))))


def _generic(
    inputs: Sequence[Operand],
    outputs: Sequence[Operand],
    iterators: ir.ArrayAttr,
    body: Callable[..., Iterable[ir.Value]],
) -> list[ir.Value]:
    """Return the results of a `linalg.generic` whose body sees elements as they are in memory."""
    operands = [*inputs, *outputs]
    types = [value.type for value, _ in operands]
    attributes = {
        "indexing_maps": ir.ArrayAttr.get([ir.AffineMapAttr.get(map) for _, map in operands]),
        "iterator_types": iterators,
        "operandSegmentSizes": ir.DenseI32ArrayAttr.get([len(inputs), len(outputs)]),
    }
    values, results = [value for value, _ in operands], types[len(inputs) :]
    # Half of the time of linalg.GenericOp, of which a program has many.
    op = ir.Operation.create("linalg.generic", results, values, attributes, regions=1)
    block = op.regions[0].blocks.append(*(type.element_type for type in types))
    with ir.InsertionPoint(block):
        ir.Operation.create("linalg.yield", operands=list(body(*block.arguments)))
    return list(op.results)
