"""Dependences between operations of a block: one uses results of another one, or memory that either writes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from mlir import ir

from catgrad.passes.accesses import Step, is_known, operands_of, root_of
from catgrad.passes.slices import EFFECT_FREE

__all__ = ["effects", "successors_of"]

_PURE = (*EFFECT_FREE, "math.", "memref.alloc", "memref.get_global", "ub.")
"""How the operations begin that touch no memory."""


def successors_of(ops: Sequence[ir.Operation], steps: Mapping[int, Step]) -> list[set[int]]:
    """Return for each operation later ones that must stay so: they use its results, or memory that one of both writes.

    Operations that are no steps stay in order, and each may write all buffers that it uses.
    """
    index = {op: i for i, op in enumerate(ops)}
    successors = [{_place(use.owner.operation, index) for x in op.results for use in x.uses} for op in ops]
    others = [i for i, op in enumerate(ops) if i not in steps and (op.regions or not op.name.startswith(_PURE))]
    touched: dict[ir.Value, dict[int, bool]] = {}
    for i in sorted({*steps, *others}):
        found = effects(steps[i]) if i in steps else [(root_of(x)[0], True) for x in _buffers(ops[i])]
        for root, is_written in found:
            events = touched.setdefault(root, {})
            events[i] = is_written or events.get(i, False)
    _order(successors, dict.fromkeys(others, True))
    for events in touched.values() if all(map(is_known, touched)) else [_together(touched.values())]:
        _order(successors, events)
    return successors


def effects(step: Step) -> list[tuple[ir.Value, bool]]:
    """Return the buffers that an operation touches, and whether it writes them."""
    return [(each.root, False) for each in step.reads] + [(each.root, True) for each in step.writes]


def _buffers(op: ir.Operation) -> list[ir.Value]:
    return [x for x in operands_of(op) if isinstance(x.type, ir.MemRefType)]


def _place(op: ir.Operation, index: dict[ir.Operation, int]) -> int:
    """Return which operation of the block another one is, or is in."""
    while op not in index:
        op = op.parent.operation
    return index[op]


def _together(all_events: Iterable[dict[int, bool]]) -> dict[int, bool]:
    """Return who touches some of the buffers, and whether any is written then."""
    pairs = sorted(pair for events in all_events for pair in events.items())
    return dict(pairs)


def _order(successors: list[set[int]], events: dict[int, bool]) -> None:
    """Let those that write stay behind all before them, and those that read behind the last that writes."""
    writer: int | None = None
    readers: list[int] = []
    for i, is_written in events.items():
        for before in readers if is_written and readers else [] if writer is None else [writer]:
            successors[before].add(i)
        writer, readers = (i, []) if is_written else (writer, [*readers, i])
