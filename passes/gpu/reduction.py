"""Reductions as one kernel: a warp or a block of threads folds each result, in an order that the extents fix.

Every thread folds what lies a whole group apart; then the threads of a warp exchange their parts in five steps, and the
warps of a block theirs through shared memory. There are no atomic operations, so results are reproducible.

Reference: Harris, "Optimizing parallel reduction in CUDA" (2007).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mlir import ir
from mlir.dialects import arith, gpu, memref, scf

from catgrad.passes.gpu.generic import Generic
from catgrad.passes.gpu.launch import ceil_divide, guarded, launch, product, shared_buffer, split
from catgrad.passes.gpu.machine import GpuMachine
from catgrad.passes.kernels.emit import Index, constant, multiply, value
from catgrad.passes.kernels.view import width

__all__ = ["emit_reduction"]

_LONG = 1024
"""Terms of one result from which a whole block folds them."""

_INFINITY = float("inf")
_NEUTRAL: dict[str, Callable[[ir.Type], float]] = {
    "arith.addf": lambda kind: 0.0,
    "arith.mulf": lambda kind: 1.0,
    "arith.maximumf": lambda kind: -_INFINITY,
    "arith.minimumf": lambda kind: _INFINITY,
    "arith.addi": lambda kind: 0,
    "arith.muli": lambda kind: 1,
    "arith.maxsi": lambda kind: -(1 << width(kind) - 1),
    "arith.minsi": lambda kind: (1 << width(kind) - 1) - 1,
    "arith.ori": lambda kind: 0,
    "arith.andi": lambda kind: -1,
}
"""The operations that may be folded in any order, and what changes nothing."""

_ROUNDED = frozenset({"arith.addf", "arith.mulf"})


def emit_reduction(generic: Generic, machine: GpuMachine) -> None:
    """Emit the kernel of a generic with reductions."""
    axes = range(len(generic.extents))
    kept = [axis for axis in axes if generic.iterators[axis] == "parallel"]
    folded = [axis for axis in axes if axis not in kept]
    results, terms = (product([generic.extents[axis] for axis in part]) for part in (kept, folded))
    if results == 0:
        return
    folds = _folds(generic)
    group = 1 if folds is None else machine.block if isinstance(terms, int) and terms >= _LONG else machine.warp
    shared = [_shared(generic, result, machine) for result in range(generic.results)] if group > machine.warp else []
    blocks = ceil_divide(results, machine.block // group)
    with launch([blocks], [machine.block], shared) as here:
        lane = arith.remui(here.thread[0], value(group))
        own = arith.divui(here.thread[0], value(group))
        result = arith.addi(multiply(here.block[0], machine.block // group), own)
        with guarded(arith.cmpi(arith.CmpIPredicate.ult, result, value(results))):
            place: list[Index] = [0] * len(generic.extents)
            for axis, position in zip(kept, split(result, [generic.extents[axis] for axis in kept]), strict=True):
                place[axis] = position
            reduction = _Reduction(generic, place, folded, terms)
            if folds is None:
                reduction.store(reduction.fold(value(0), 1, reduction.old()))
            else:
                _cooperate(reduction, folds, lane, group, here.shared, machine)


def _cooperate(
    reduction: _Reduction,
    folds: Sequence[_Fold],
    lane: ir.Value,
    group: int,
    shared: Sequence[ir.Value],
    machine: GpuMachine,
) -> None:
    """Emit the folding of one result by a group of threads."""
    parts = reduction.fold(lane, group, [fold.neutral() for fold in folds])
    parts = [_warp_wide(fold, part, machine.warp) for fold, part in zip(folds, parts, strict=True)]
    if group > machine.warp:
        parts = _block_wide(folds, parts, lane, group // machine.warp, shared, machine.warp)
    with guarded(arith.cmpi(arith.CmpIPredicate.eq, lane, value(0))):
        old = reduction.old()
        reduction.store([fold.join(x, part) for fold, x, part in zip(folds, old, parts, strict=True)])


@dataclass(frozen=True)
class _Reduction:
    """One result of a generic, or one of each.

    Attributes:
        generic: The operation.
        place: Its place in the iteration; 0 along the axes that are folded.
        folded: Those axes.
        terms: How many terms there are.
    """

    generic: Generic
    place: Sequence[Index]
    folded: Sequence[int]
    terms: Index

    def fold(self, first: ir.Value, step: int, parts: Sequence[ir.Value]) -> list[ir.Value]:
        """Emit the folding of every `step`-th term from `first` on into `parts`."""
        over = scf.ForOp(first, value(self.terms), value(step), list(parts))
        with ir.InsertionPoint(over.body):
            position = list(self.place)
            extents = [self.generic.extents[axis] for axis in self.folded]
            for axis, at in zip(self.folded, split(over.induction_variable, extents), strict=True):
                position[axis] = at
            inputs = [self.generic.load(operand, position) for operand in range(self.generic.inputs)]
            scf.yield_(self.generic.compute([*inputs, *over.inner_iter_args], position))
        return list(over.results)

    def old(self) -> list[ir.Value]:
        """Emit what the results are before."""
        return [self.generic.load(self.generic.inputs + i, self.place) for i in range(self.generic.results)]

    def store(self, scalars: Sequence[ir.Value]) -> None:
        """Emit the writing of the results."""
        for i, scalar in enumerate(scalars):
            self.generic.store(i, scalar, self.place)


@dataclass(frozen=True)
class _Fold:
    """How the terms of one result are folded.

    Attributes:
        op: The operation of the body that folds a term into the result.
    """

    op: ir.Operation

    def neutral(self) -> ir.Value:
        """Emit what changes nothing."""
        kind = self.op.results[0].type
        return constant(kind, _NEUTRAL[self.op.name](kind))

    def join(self, x: ir.Value, y: ir.Value) -> ir.Value:
        """Emit the folding of two parts."""
        copy = self.op.clone()
        copy.operands[0], copy.operands[1] = x, y
        return copy.result


def _folds(generic: Generic) -> list[_Fold] | None:
    """Return how each result is folded, or None if that needs an order."""
    arguments = list(generic.body.arguments)[generic.inputs :]
    *_, terminator = generic.body.operations
    found = []
    for argument, scalar in zip(arguments, terminator.operation.operands, strict=True):
        uses = [use.owner.operation for use in argument.uses]
        op = scalar.owner.operation if isinstance(scalar, ir.OpResult) else None
        if op is None or uses != [op] or op.name not in _NEUTRAL or not _is_free(op):
            return None
        found.append(_Fold(op))
    return found


def _is_free(op: ir.Operation) -> bool:
    """Return whether the order of folding is free: rounded sums and products have to allow it."""
    return op.name not in _ROUNDED or "reassoc" in str(op.attributes["fastmath"])


def _warp_wide(fold: _Fold, part: ir.Value, warp: int) -> ir.Value:
    """Emit the folding of the parts of a warp, which all its threads get."""
    offset = warp // 2
    while offset:
        part = fold.join(part, _shuffled(part, offset, warp))
        offset //= 2
    return part


def _shuffled(x: ir.Value, offset: int, warp: int) -> ir.Value:
    """Emit the value of the thread whose number differs in one bit; registers of 32 bits are what can be exchanged."""
    i32 = ir.IntegerType.get_signless(32)
    bits = width(x.type)
    as_integer = ir.IntegerType.get_signless(bits)
    number = arith.bitcast(as_integer, x) if isinstance(x.type, ir.FloatType) else x
    if bits == 64:
        shift = arith.constant(as_integer, 32)
        low, high = (_exchange(arith.trunci(i32, each), offset, warp) for each in (number, arith.shrui(number, shift)))
        moved = arith.ori(arith.extui(as_integer, low), arith.shli(arith.extui(as_integer, high), shift))
    elif bits == 32:
        moved = _exchange(number, offset, warp)
    else:
        moved = arith.trunci(as_integer, _exchange(arith.extui(i32, number), offset, warp))
    return arith.bitcast(x.type, moved) if isinstance(x.type, ir.FloatType) else moved


def _exchange(x: ir.Value, offset: int, warp: int) -> ir.Value:
    i32 = ir.IntegerType.get_signless(32)
    return gpu.ShuffleOp(x, arith.constant(i32, offset), arith.constant(i32, warp), gpu.ShuffleMode.XOR).shuffleResult


def _shared(generic: Generic, result: int, machine: GpuMachine) -> ir.MemRefType:
    """Return the type of the buffer in which the warps of a block leave their parts."""
    element = ir.MemRefType(generic.op.operands[generic.inputs + result].type).element_type
    return shared_buffer([machine.block // machine.warp], element)


def _block_wide(
    folds: Sequence[_Fold],
    parts: Sequence[ir.Value],
    thread: ir.Value,
    warps: int,
    shared: Sequence[ir.Value],
    warp: int,
) -> list[ir.Value]:
    """Emit the folding of the parts of a block's warps, which the threads of the first warp get."""
    lane, own = arith.remui(thread, value(warp)), arith.divui(thread, value(warp))
    with guarded(arith.cmpi(arith.CmpIPredicate.eq, lane, value(0))):
        for buffer, part in zip(shared, parts, strict=True):
            memref.store(part, buffer, [own])
    gpu.barrier()
    is_there = arith.cmpi(arith.CmpIPredicate.ult, lane, value(warps))
    place = arith.select(is_there, lane, value(0))
    found = [memref.load(buffer, [place]) for buffer in shared]
    kept = [arith.select(is_there, x, fold.neutral()) for fold, x in zip(folds, found, strict=True)]
    return [_warp_wide(fold, x, warp) for fold, x in zip(folds, kept, strict=True)]
