"""Emission of kernels: the code of one thread, where it is written in the host's function."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce

from mlir import ir
from mlir.dialects import arith, gpu, scf

from catgrad.passes.gpu.work import plain
from catgrad.passes.kernels.emit import Index, add, divide, value

__all__ = ["Thread", "all_of", "ceil_divide", "guarded", "launch", "less", "shared_buffer"]

_AXES = 3
_BLOCK, _THREAD = 0, 3
"""Where the positions of the block and of the thread begin among the arguments of a launch's body."""


@dataclass(frozen=True)
class Thread:
    """Position of one thread.

    Attributes:
        block: The position of its block in the grid.
        thread: Its position in the block.
        shared: The buffers that it shares with its block.
    """

    block: tuple[ir.Value, ...]
    thread: tuple[ir.Value, ...]
    shared: tuple[ir.Value, ...]


@contextmanager
def launch(grid: Sequence[Index], block: Sequence[int], shared: Sequence[ir.MemRefType] = ()) -> Iterator[Thread]:
    """Emit the launch of a kernel, whose code is emitted inside the `with`.

    The launch has the current location; the work that it tells of is not repeated by every operation of the code.

    Args:
        grid: Blocks along each axis; axes that are left out have one, and so has one whose size turns out to be 0.
        block: Threads of a block along each axis, likewise.
        shared: Types of the buffers that the threads of a block share, in the memory space for it.
    """
    blocks = [each if isinstance(each, int) else arith.maxui(each, value(1)) for each in grid]
    sizes = [[*axes, *[1] * (_AXES - len(axes))] for axes in (blocks, block)]
    op = gpu.LaunchOp(*(tuple(map(value, axes)) for axes in sizes))
    body = op.body.blocks[0]
    buffers = tuple(body.add_argument(kind, ir.Location.current) for kind in shared)
    if shared:
        i64 = ir.IntegerType.get_signless(64)
        op.attributes["workgroup_attributions"] = ir.IntegerAttr.get(i64, len(shared))
    block_ids, thread_ids = (tuple(body.arguments)[start : start + _AXES] for start in (_BLOCK, _THREAD))
    with ir.InsertionPoint(body), plain(ir.Location.current):
        yield Thread(block_ids, thread_ids, buffers)
        gpu.terminator()


@contextmanager
def guarded(condition: ir.Value | None) -> Iterator[None]:
    """Emit what is inside the `with` where a condition holds; None is one that always does."""
    if condition is None:
        yield
        return
    op = scf.IfOp(condition)
    with ir.InsertionPoint(op.then_block):
        yield
        scf.yield_([])


def less(position: Index, count: Index, step: int) -> ir.Value | None:
    """Return whether a position is below a count; None if it certainly is, the count being a multiple of `step`.

    Positions that are rounded up to multiples of `step` are meant, as those of threads are.
    """
    if isinstance(count, int) and count % step == 0:
        return None
    return arith.cmpi(arith.CmpIPredicate.ult, value(position), value(count))


def all_of(conditions: Sequence[ir.Value | None]) -> ir.Value | None:
    """Return whether all conditions hold."""
    given = [each for each in conditions if each is not None]
    return reduce(arith.andi, given) if given else None


def shared_buffer(shape: Sequence[int], element: ir.Type) -> ir.MemRefType:
    """Return the type of a buffer that the threads of a block share."""
    return ir.MemRefType.get(shape, element, memory_space=ir.Attribute.parse("#gpu.address_space<workgroup>"))


def ceil_divide(a: Index, b: int) -> Index:
    """Return ⌈a / b⌉ for a ≥ 0."""
    return divide(add(a, b - 1), b)
