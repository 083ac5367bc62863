"""Structured emission: indices that fold while they are integers, counted loops, and vectors of one element type.

An `Index` is an `int` while it is known, else an SSA value of type `index`; arithmetic on it emits an operation only
when it must. So one emitter serves static and dynamic extents, and a loop of one iteration leaves no loop behind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import reduce
from typing import TypeAlias

from mlir import ir
from mlir.dialects import arith, memref, scf, vector

__all__ = [
    "ROLLED",
    "Index",
    "add",
    "block_size",
    "carried",
    "combine",
    "constant",
    "divide",
    "exclusive_or",
    "extent",
    "is_equal",
    "is_float",
    "lanes_mask",
    "loop",
    "maximum",
    "minimum",
    "multiply",
    "product",
    "reduce_lanes",
    "remainder",
    "round_down",
    "round_up",
    "splat",
    "split",
    "subtract",
    "value",
    "vector_of",
    "zero",
]

Index: TypeAlias = "int | ir.Value"

_NSW = arith.IntegerOverflowFlags.nsw


def value(index: Index) -> ir.Value:
    """Return `index` as an SSA value."""
    return arith.constant(ir.IndexType.get(), index) if isinstance(index, int) else index


def add(a: Index, b: Index) -> Index:
    """Return a + b."""
    if isinstance(a, int) and isinstance(b, int):
        return a + b
    if isinstance(a, int) and a == 0:
        return b
    return a if isinstance(b, int) and b == 0 else arith.addi(value(a), value(b), overflow_flags=_NSW)


def subtract(a: Index, b: Index) -> Index:
    """Return a − b."""
    if isinstance(a, int) and isinstance(b, int):
        return a - b
    return a if isinstance(b, int) and b == 0 else arith.subi(value(a), value(b), overflow_flags=_NSW)


def multiply(a: Index, b: Index) -> Index:
    """Return a · b."""
    if isinstance(a, int):
        a, b = b, a
    if isinstance(a, int) and isinstance(b, int):
        return a * b
    return a if isinstance(b, int) and b == 1 else arith.muli(a, value(b), overflow_flags=_NSW)


def divide(a: Index, b: Index) -> Index:
    """Return ⌊a / b⌋ for a ≥ 0 and b > 0."""
    if isinstance(a, int) and isinstance(b, int):
        return a // b
    return a if isinstance(b, int) and b == 1 else arith.divui(value(a), value(b))


def remainder(a: Index, b: Index) -> Index:
    """Return a − b ⌊a / b⌋ for a ≥ 0 and b > 0."""
    if isinstance(a, int) and isinstance(b, int):
        return a % b
    return 0 if isinstance(b, int) and b == 1 else arith.remui(value(a), value(b))


def exclusive_or(a: Index, b: Index) -> Index:
    """Return a ⊕ b, bit by bit."""
    if isinstance(a, int) and isinstance(b, int):
        return a ^ b
    if isinstance(a, int) and a == 0:
        return b
    return a if isinstance(b, int) and b == 0 else arith.xori(value(a), value(b))


def round_down(a: Index, b: int) -> Index:
    """Return the largest multiple of `b` that is at most a ≥ 0."""
    return multiply(divide(a, b), b)


def round_up(a: Index, b: int) -> Index:
    """Return the smallest multiple of `b` that is at least a ≥ 0."""
    return multiply(divide(add(a, b - 1), b), b)


def minimum(a: Index, b: Index) -> Index:
    """Return min(a, b)."""
    if isinstance(a, int) and isinstance(b, int):
        return min(a, b)
    return arith.minsi(value(a), value(b))


def maximum(a: Index, b: Index) -> Index:
    """Return max(a, b)."""
    if isinstance(a, int) and isinstance(b, int):
        return max(a, b)
    return arith.maxsi(value(a), value(b))


def product(extents: Sequence[Index]) -> Index:
    """Return the product of extents."""
    one: Index = 1
    return reduce(multiply, extents, one)


def split(position: Index, extents: Sequence[Index]) -> list[Index]:
    """Return the position along each axis of an array, given the position among its elements row by row."""
    found: list[Index] = []
    for size in reversed(extents[1:]):
        found.append(remainder(position, size))
        position = divide(position, size)
    return [*([position] if extents else []), *reversed(found)]


def block_size(start: Index, stop: Index, most: int, at: Index) -> Index:
    """Return how much of start ≤ i < stop the block that begins at `at` covers, if blocks have the size `most`."""
    if isinstance(start, int) and isinstance(stop, int) and (stop - start) % most == 0:
        return most
    return minimum(most, subtract(stop, at))


def is_equal(a: Index, b: Index) -> bool | ir.Value:
    """Return whether a = b: known now, or an `i1`."""
    if isinstance(a, int) and isinstance(b, int):
        return a == b
    return arith.cmpi(arith.CmpIPredicate.eq, value(a), value(b))


def extent(buffer: ir.Value, axis: int) -> Index:
    """Return the extent of `axis` of a memref, an `int` where its type says it."""
    kind = ir.MemRefType(buffer.type)
    return memref.dim(buffer, value(axis)) if kind.is_dynamic_dim(axis) else kind.shape[axis]


ROLLED = "llvm.loop_annotation"
"""The attribute of a loop that is not to be unrolled."""


@contextmanager
def loop(start: Index, stop: Index, step: int = 1) -> Iterator[Index]:
    """Emit `for iv = start to stop step step`, the body inside the `with`; yields iv, or `start` if it runs once."""
    if isinstance(start, int) and isinstance(stop, int) and 0 < stop - start <= step:
        yield start
        return
    op = scf.ForOp(value(start), value(stop), value(step))
    with ir.InsertionPoint(op.body):
        yield op.induction_variable
        scf.yield_([])


def carried(
    stop: Index,
    step: int,
    inits: Sequence[ir.Value],
    body: Callable[[Index, list[ir.Value]], list[ir.Value]],
    *,
    rolled: bool = False,
) -> list[ir.Value]:
    """Emit a loop from 0 to `stop` that carries values: `body(iv, values)` returns the next ones.

    If it is to stay `rolled`, no compiler unrolls it, which can take more registers than it is worth.
    """
    if isinstance(stop, int) and stop <= step:
        return body(0, list(inits)) if stop > 0 else list(inits)
    op = scf.ForOp(value(0), value(stop), value(step), list(inits))
    with ir.InsertionPoint(op.body):
        scf.yield_(body(op.induction_variable, list(op.inner_iter_args)))
    if rolled:
        op.attributes[ROLLED] = ir.Attribute.parse("#llvm.loop_annotation<unroll = <disable = true>>")
    return list(op.results)


def is_float(element: ir.Type) -> bool:
    """Return whether `element` is a floating-point type."""
    return isinstance(element, ir.FloatType)


def vector_of(lanes: int, element: ir.Type) -> ir.Type:
    """Return vector<lanes x element>."""
    return ir.VectorType.get([lanes], element)


def constant(element: ir.Type, number: float) -> ir.Value:
    """Return the scalar `number` of type `element`."""
    return arith.constant(element, float(number) if is_float(element) else int(number))


def zero(kind: ir.Type) -> ir.Value:
    """Return the zero of a scalar or vector type."""
    if not isinstance(kind, ir.VectorType):
        return constant(kind, 0)
    element = ir.VectorType(kind).element_type
    attribute = ir.FloatAttr.get(element, 0.0) if is_float(element) else ir.IntegerAttr.get(element, 0)
    return arith.constant(kind, ir.DenseElementsAttr.get_splat(kind, attribute))


def splat(scalar: ir.Value, lanes: int) -> ir.Value:
    """Return a vector with `scalar` in every lane."""
    return vector.broadcast(vector_of(lanes, scalar.type), scalar)


def lanes_mask(lanes: int, active: Index) -> ir.Value | None:
    """Return the mask of the first `active` lanes, or None when all of them are known to be active."""
    if isinstance(active, int) and active >= lanes:
        return None
    return vector.create_mask(vector_of(lanes, ir.IntegerType.get_signless(1)), [value(active)])


def combine(kind: str, x: ir.Value, y: ir.Value) -> ir.Value:
    """Return x ∘ y on scalars or vectors, where ∘ is "add", "mul", "maximumf" or "minimumf"."""
    element = x.type.element_type if isinstance(x.type, ir.VectorType) else x.type
    return _COMBINE[kind, is_float(element)](x, y)


def reduce_lanes(kind: str, x: ir.Value) -> ir.Value:
    """Return the scalar that ∘ makes of the 2ⁿ lanes of `x`: the halves are joined, then the halves of that."""
    lanes = ir.VectorType(x.type).shape[0]
    while lanes > 1:
        lanes //= 2
        x = combine(kind, *(vector.extract_strided_slice(_lanes(x, lanes), x, [at], [lanes], [1]) for at in (0, lanes)))
    return vector.extract(x, [], [0])


def _lanes(x: ir.Value, lanes: int) -> ir.Type:
    """Return the type of `lanes` lanes of `x`."""
    return vector_of(lanes, ir.VectorType(x.type).element_type)


_COMBINE: dict[tuple[str, bool], Callable[..., ir.Value]] = {
    ("add", True): arith.addf,
    ("add", False): arith.addi,
    ("mul", True): arith.mulf,
    ("maximumf", True): arith.maximumf,
    ("minimumf", True): arith.minimumf,
}
