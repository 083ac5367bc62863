"""Loops of calls: where a function calls the same functions again and again, a loop does, over a table of operands.

    call @g(%a0, %w0)                     %a = view %room[%table[%i, 0]]
    call @g(%a1, %w1)      becomes        %w = argument at %table[%i, 1]
    ...                                   call @g(%a, %w)

The layers of a deep network are such calls, once buffers have their places and equal code is shared. What follows then
costs the same for two layers as for two hundred.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from mlir import ir
from mlir.dialects import arith, func, memref, scf

from catgrad.passes.kernels.emit import Index, value

__all__ = ["Home", "roll"]

_REPEATS = 8
"""How often calls repeat until a loop is worth its table."""
_PERIOD = 8
"""How many calls one repetition may have."""

_BETWEEN = frozenset({"arith.constant", "memref.view"})
"""What may stand between calls: nothing that happens."""


@dataclass(frozen=True)
class Home:
    """Where a value is at run time.

    Attributes:
        base: What it is part of.
        offset: Its place there.
        read: Emits what is at an offset.
    """

    base: ir.Value
    offset: int
    read: Callable[[Index], ir.Value]


@dataclass(frozen=True)
class _Call:
    """A call as a letter in the word of calls that a function makes.

    Attributes:
        op: The call.
        homes: Where its operands are, None for what stays the same.
        letter: Equal for calls that a table can tell apart.
    """

    op: func.CallOp
    homes: tuple[Home | None, ...]
    letter: Hashable


def roll(function: func.FuncOp, homes: Mapping[ir.Value, Home]) -> None:
    """Make loops of the calls that a function repeats.

    Args:
        function: Where.
        homes: Where its arguments are.
    """
    tables = 0
    for calls in list(_sequences(function.entry_block, homes)):
        for repeats in _tandems(calls):
            _loop(function, repeats, f"{function.sym_name.value}.calls{tables}")
            tables += 1


def _sequences(block: ir.Block, homes: Mapping[ir.Value, Home]) -> Iterator[list[_Call]]:
    """Yield calls between which nothing else happens."""
    calls: list[_Call] = []
    for op in block.operations:
        if isinstance(op, func.CallOp) and not op.operation.results:
            calls.append(_call(op, homes))
        elif op.operation.name not in _BETWEEN:
            yield calls
            calls = []


def _call(op: func.CallOp, homes: Mapping[ir.Value, Home]) -> _Call:
    found = tuple(homes.get(operand) or _view(operand) for operand in op.operands_)
    operands = zip(op.operands_, found, strict=True)
    return _Call(op, found, (op.callee.value, *(home.base if home else operand for operand, home in operands)))


def _view(operand: ir.Value) -> Home | None:
    """Return where a view of known size is, at a known place."""
    view = operand.owner
    if not isinstance(view, memref.ViewOp) or view.sizes or not isinstance(view.byte_shift.owner, arith.ConstantOp):
        return None
    shift = view.byte_shift.owner.value.value
    return Home(view.source, shift, lambda offset: memref.view(operand.type, view.source, value(offset), []))


def _tandems(calls: Sequence[_Call]) -> Iterator[list[Sequence[_Call]]]:
    """Yield what repeats, from left to right, as a list of equal words."""
    position = 0
    while position < len(calls):
        period, repeats = max(
            ((period, _count(calls, position, period)) for period in range(1, _PERIOD + 1)),
            key=lambda found: (found[1] >= _REPEATS, found[0] * found[1], -found[0]),
        )
        if repeats < _REPEATS:
            position += 1
            continue
        stop = position + period * repeats
        yield [calls[start : start + period] for start in range(position, stop, period)]
        position = stop


def _count(calls: Sequence[_Call], start: int, period: int) -> int:
    """Return how often the word of a length at a position is there one after the other."""
    stop = start + period
    while stop < len(calls) and calls[stop].letter == calls[stop - period].letter:
        stop += 1
    return (stop - start) // period


def _loop(function: func.FuncOp, repeats: Sequence[Sequence[_Call]], name: str) -> None:
    """Replace calls by a loop before the last of them."""
    rows = [[home.offset if home else 0 for call in word for home in call.homes] for word in repeats]
    varying = [i for i, column in enumerate(zip(*rows, strict=True)) if len(set(column)) > 1]
    table = _table(function, [[row[i] for i in varying] for row in rows], name)
    last = repeats[-1][-1].op
    with ir.InsertionPoint(last), last.location:
        entries = memref.get_global(table, name)
        loop = scf.ForOp(value(0), value(len(repeats)), value(1))
        with ir.InsertionPoint(loop.body):
            _body(repeats[0], varying, entries, loop.induction_variable)
            scf.yield_([])
    for word in repeats:
        for call in word:
            call.op.operation.erase()


def _body(word: Sequence[_Call], varying: Sequence[int], table: ir.Value, row: ir.Value) -> None:
    """Emit the calls of one repetition."""
    operands = [operand for call in word for operand in call.op.operands_]
    homes = {i: home for i, home in enumerate(home for call in word for home in call.homes) if home}
    for column, i in enumerate(varying):
        operands[i] = homes[i].read(memref.load(table, [row, value(column)]))
    rest = iter(operands)
    for call in word:
        func.CallOp([], call.op.callee.value, [next(rest) for _ in call.homes])


def _table(function: func.FuncOp, rows: Sequence[Sequence[int]], name: str) -> ir.Type:
    """Add a constant table of offsets to the module."""
    index = ir.IndexType.get()
    kind = ir.MemRefType.get([len(rows), len(rows[0])], index)
    numbers = np.array(rows, np.int64)
    with ir.InsertionPoint(function):
        content = ir.DenseElementsAttr.get(numbers, shape=numbers.shape, type=index)
        memref.global_(name, ir.TypeAttr.get(kind), sym_visibility="private", initial_value=content, constant=True)
    return kind
