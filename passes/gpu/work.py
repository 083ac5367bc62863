"""Roofline of a kernel's operations: their arithmetic, and the bytes that move in any case.

These are W and Q of the roofline model, for a cache that holds everything: each element that is read comes once from
memory, and each that is written goes there once, unless nothing but the kernel itself reads it. They are read off
linalg, before any kernel is written, and travel in the location of the launch, which outlining, merging and upstream's
passes keep and no code depends on.

Reference: Williams, Waterman and Patterson, "Roofline: an insightful visual performance model" (2009).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import prod

from mlir import ir

from catgrad.passes.accesses import VIEWS, Step, root_of
from catgrad.passes.kernels.view import width

__all__ = ["PRODUCTS", "Work", "accounted", "plain", "work_at", "work_of", "worth"]

PRODUCTS = " products"
"""How the arithmetic of a contraction is told from that of scalars: tensor cores may do it."""

_MARK = "work "
_FLOP = {
    **dict.fromkeys(("arith.addf", "arith.subf", "arith.mulf", "arith.divf", "arith.remf"), 1),
    **dict.fromkeys(("arith.maximumf", "arith.minimumf", "arith.maxnumf", "arith.minnumf"), 1),
    **dict.fromkeys(("math.sqrt", "math.rsqrt", "math.sin", "math.cos", "math.powf"), 1),
    "math.fma": 2,
}
"""Floating-point operations of a scalar operation; choosing, comparing, converting and changing a sign are none."""


@dataclass(frozen=True)
class Work:
    """Least work of a kernel.

    Attributes:
        flop: Floating-point operations, by the format of their results: "f32". Those of contractions by the format of
            their operands: "f16 products".
        read: Bytes of the distinct elements that come from memory.
        written: Bytes of the distinct elements that go there.
    """

    flop: Mapping[str, int]
    read: int
    written: int


def accounted(ops: Sequence[ir.Operation]) -> ir.Location:
    """Return the location for the launch of the kernel that takes the place of linalg operations: it says what they do.

    Args:
        ops: Operations on memrefs, in order.
    """
    work, place = work_of(ops), ir.Location.fused([op.location for op in ops], context=ops[0].context)
    return place if work is None else worth(work, place)


def worth(work: Work, location: ir.Location) -> ir.Location:
    """Return a location that says what work is done there."""
    return ir.Location.name(_MARK + json.dumps(asdict(work)), plain(location), context=location.context)


def work_at(location: ir.Location) -> Work | None:
    """Return the work that a location tells of."""
    return Work(**json.loads(location.name_str.removeprefix(_MARK))) if _tells(location) else None


def plain(location: ir.Location) -> ir.Location:
    """Return a location without the work that it tells of."""
    return location.child_loc if _tells(location) else location


def _tells(location: ir.Location) -> bool:
    return bool(location.is_a_name()) and location.name_str.startswith(_MARK)


def work_of(ops: Sequence[ir.Operation]) -> Work | None:
    """Return what operations do together, or None if a size is not known; see `accounted`."""
    flop = Counter[str]()
    read, written = dict[ir.Value, int](), dict[ir.Value, int]()
    for op in ops:
        accesses = list(_accesses(Step(op)))
        if any(access.bytes < 0 for access in accesses):
            return None
        made = {_root(buffer) for buffer in written}
        _enter(read, [access for access in accesses if access.reads and _root(access.buffer) not in made])
        _enter(written, [access for access in accesses if access.writes])
        flop += _arithmetic(op)
    kept = [size for buffer, size in written.items() if _outlives(_root(buffer), ops)]
    return Work(dict(flop), sum(read.values()), sum(kept))


@dataclass(frozen=True)
class _Access:
    """Access of an operation to an operand.

    Attributes:
        buffer: The operand.
        bytes: The size of the distinct elements that it touches; negative if that is not known.
        reads: Whether it reads them.
        writes: Whether it writes them.
    """

    buffer: ir.Value
    bytes: int
    reads: bool
    writes: bool


def _enter(sizes: dict[ir.Value, int], accesses: Sequence[_Access]) -> None:
    """Enter how much of each buffer is touched; what is touched twice counts once."""
    for access in accesses:
        sizes[access.buffer] = max(sizes.get(access.buffer, 0), access.bytes)


def _accesses(step: Step) -> Iterator[_Access]:
    """Yield what an operation does with each of its buffers; what its body does not use is not read."""
    for position, (buffer, map) in enumerate(zip(step.op.operands, step.maps, strict=True)):
        if isinstance(buffer.type, ir.MemRefType):
            axes = {expr.position for expr in map.results if isinstance(expr, ir.AffineDimExpr)}
            size = _size(buffer, [step.extents[axis] for axis in axes])
            is_used = any(_body(step.op).arguments[position].uses)
            yield _Access(buffer, size, reads=is_used, writes=position >= step.inputs)


def _size(buffer: ir.Value, extents: Sequence[int]) -> int:
    """Return the bytes of as many elements of a buffer; -1 if an extent is not known."""
    return -1 if min(extents, default=0) < 0 else prod(extents) * width(buffer.type.element_type) // 8


def _arithmetic(op: ir.Operation) -> Counter[str]:
    """Return the floating-point operations of all iterations, by format."""
    iterations = prod(Step(op).extents)
    is_contraction = op.name == "linalg.contract"
    found = Counter[str]()
    for step in (view.operation for view in _body(op).operations):
        if step.name in _FLOP:
            format = f"{_format(op.operands[0])}{PRODUCTS}" if is_contraction else str(step.results[0].type)
            found[format] += _FLOP[step.name] * iterations
    return found


def _format(buffer: ir.Value) -> str:
    return str(ir.MemRefType(buffer.type).element_type)


def _root(buffer: ir.Value) -> ir.Value:
    return root_of(buffer)[0]


def _body(op: ir.Operation) -> ir.Block:
    return op.regions[0].blocks[0]


def _outlives(buffer: ir.Value, ops: Sequence[ir.Operation]) -> bool:
    """Return whether anything but some operations reads a buffer."""
    if not isinstance(buffer, ir.OpResult):
        return True
    users = [use.owner.operation for use in buffer.uses]
    views = [user for user in users if user.name in VIEWS]
    others = [user for user in users if user.name not in VIEWS and user not in ops]
    return bool(others) or any(_outlives(view.result, ops) for view in views)
