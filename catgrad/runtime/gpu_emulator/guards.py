"""Operations of the LLVM dialect that touch memory, or can stop the processor, made safe in place.

An address is checked before it is used; where it is at fault, scratch memory takes its place, and the launch ends when
the thread next waits. What the program states about addresses, that they do not wrap around, is dropped: LLVM would
conclude that checks are not needed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from mlir import ir
from mlir.dialects import llvm

from catgrad.runtime.gpu_emulator.access import aligned, anywhere, fault, global_memory, inside, shared_memory
from catgrad.runtime.gpu_emulator.code import Word, constant, either, pointer, when, where, word
from catgrad.runtime.gpu_emulator.coroutine import Coroutine
from catgrad.runtime.gpu_emulator.layout import SCRATCH, Fault
from catgrad.runtime.gpu_emulator.roots import literal, root_of
from catgrad.runtime.gpu_emulator.rules import UnsupportedError
from catgrad.runtime.gpu_emulator.sizes import natural_alignment, size_of
from catgrad.runtime.gpu_emulator.variables import SHARED_SPACE, Variables

__all__ = ["GUARDS", "HARMLESS", "Guard"]

Guard: TypeAlias = Callable[[Any, Coroutine, Variables], None]
"""Makes an operation safe, given the variables of the module."""

GUARDS: dict[type[ir.OpView], Guard] = {}
"""Guards by the class of the operation."""

HARMLESS: frozenset[str] = frozenset({
    "llvm.addrspacecast",
    "llvm.bitcast",
    "llvm.br",
    "llvm.cond_br",
    "llvm.extractvalue",
    "llvm.freeze",
    "llvm.icmp",
    "llvm.insertvalue",
    "llvm.intr.assume",
    "llvm.intr.invariant.end",
    "llvm.intr.invariant.start",
    "llvm.intr.lifetime.end",
    "llvm.intr.lifetime.start",
    "llvm.intr.prefetch",
    "llvm.ptrtoint",
    "llvm.select",
    "llvm.switch",
})  # fmt: skip
"""Operations that take addresses and access nothing."""


@dataclass(frozen=True)
class _Access:
    """An access to memory.

    Attributes:
        index: Which operand is the address.
        kind: The type of what is accessed.
        alignment: What the address is a multiple of.
        reads: Whether memory is read.
        writes: Whether memory is written.
    """

    index: int
    kind: ir.Type
    alignment: int
    reads: bool = False
    writes: bool = False


def guard(*kinds: type[ir.OpView]) -> Callable[[Guard], Guard]:
    """Return a decorator that enters a guard for classes of operations."""

    def enter(function: Guard) -> Guard:
        for kind in kinds:
            assert kind not in GUARDS
            GUARDS[kind] = function
        return function

    return enter


@guard(llvm.LoadOp)
def _load(op: llvm.LoadOp, thread: Coroutine, variables: Variables) -> None:
    kind = op.operation.results[0].type
    _protect(op, thread, variables, _Access(0, kind, _alignment(op, kind), reads=True))


@guard(llvm.StoreOp)
def _store(op: llvm.StoreOp, thread: Coroutine, variables: Variables) -> None:
    kind = op.operands[0].type
    _protect(op, thread, variables, _Access(1, kind, _alignment(op, kind), writes=True))


@guard(llvm.AtomicRMWOp, llvm.AtomicCmpXchgOp)
def _atomic(op: ir.OpView, thread: Coroutine, variables: Variables) -> None:
    kind = op.operands[1].type
    _protect(op, thread, variables, _Access(0, kind, natural_alignment(kind), reads=True, writes=True))


@guard(llvm.MemcpyOp, llvm.MemmoveOp, llvm.MemsetOp)
def _bulk(op: ir.OpView, thread: Coroutine, variables: Variables) -> None:
    """Bulk operations on global memory touch nothing where an address is at fault."""
    site = constant(thread.sites.add(op), 32)
    size = word(op.operands[2]).to(64)
    valid = constant(1, 1)
    for operand in op.operands[: 1 if isinstance(op, llvm.MemsetOp) else 2]:
        if _space(operand) == SHARED_SPACE or root_of(operand) is not None:
            raise UnsupportedError("of other than global memory")
        valid = valid & _bulk_valid(thread, site, word(operand), size)
    thread.count(size, not isinstance(op, llvm.MemsetOp), writes=True)
    op.operands[2] = where(valid, size, constant(0, 64)).to(word(op.operands[2]).bits).value


def _bulk_valid(thread: Coroutine, site: Word, address: Word, size: Word) -> Word:
    """Return a bit: whether bytes are in an allocation, or there are none."""
    return either(
        size.equals(0), lambda: constant(1, 1), lambda: global_memory(thread.launch.address, site, address, size)
    )


@guard(llvm.SDivOp, llvm.SRemOp, llvm.UDivOp, llvm.URemOp)
def _divide(op: ir.OpView, thread: Coroutine, variables: Variables) -> None:
    """A device goes on where the processor would stop: after a division by zero, or with a quotient that overflows."""
    divisor = op.operands[1]
    if not isinstance(divisor.type, ir.IntegerType) or literal(divisor) not in {None, 0, -1}:
        return
    bad = Word(divisor).equals(0)
    if isinstance(op, (llvm.SDivOp, llvm.SRemOp)):
        least = constant(-(1 << Word(divisor).bits - 1), Word(divisor).bits)
        bad = bad | (Word(divisor).equals(-1) & Word(op.operands[0]).equals(least))
    op.operands[1] = where(bad, 1, Word(divisor)).value


@guard(llvm.MaskedLoadOp)
def _masked_load(op: llvm.MaskedLoadOp, thread: Coroutine, variables: Variables) -> None:
    access = _Access(0, op.operation.results[0].type, op.alignment.value, reads=True)
    _protect_lanes(op, thread, variables, access, op.operands[1])


@guard(llvm.MaskedStoreOp)
def _masked_store(op: llvm.MaskedStoreOp, thread: Coroutine, variables: Variables) -> None:
    access = _Access(1, op.operands[0].type, op.alignment.value, writes=True)
    _protect_lanes(op, thread, variables, access, op.operands[2])


def _protect(op: ir.OpView, thread: Coroutine, variables: Variables, access: _Access) -> None:
    """Emit the check of an access before `op`, and let it use scratch memory where it is at fault."""
    operand, site = op.operands[access.index], constant(thread.sites.add(op), 32)
    size = _size(access.kind)
    valid = _check(thread, variables, access, operand, site, word(operand), size)
    _redirect(op, thread, access, valid & _straight(thread, access, site, word(operand), size))


def _protect_lanes(op: ir.OpView, thread: Coroutine, variables: Variables, access: _Access, mask: ir.Value) -> None:
    """The same for the elements of a vector where a mask is set."""
    operand, site = op.operands[access.index], constant(thread.sites.add(op), 32)
    size = _size(ir.VectorType(access.kind).element_type)
    address = word(operand)
    valid = _straight(thread, access, site, address, size)
    for lane in range(ir.VectorType(access.kind).shape[0]):

        def check(at: Word = address + lane * size) -> Word:
            return _check(thread, variables, access, operand, site, at, size)

        is_active = Word(llvm.extractelement(mask, constant(lane, 64).value))
        valid = valid & either(is_active, check, lambda: constant(1, 1))
    _redirect(op, thread, access, valid)


def _size(kind: ir.Type) -> int:
    size = size_of(kind)
    if size is None or size > SCRATCH:
        raise UnsupportedError(f"of {kind}")
    return size


def _check(
    thread: Coroutine,
    variables: Variables,
    access: _Access,
    operand: ir.Value,
    site: Word,
    address: Word,
    size: int,
) -> Word:
    """Return a bit: whether bytes may be accessed by an address that was computed from `operand`."""
    launch, root = thread.launch.address, root_of(operand)
    length = 0 if root is None else _variable_size(root, variables)
    within = _in_variable(thread, site, address, size, word(root), length) if length else constant(1, 1)
    if SHARED_SPACE in {_space(operand), 0 if root is None else _space(root)}:
        return within & shared_memory(size, access.reads, access.writes)(launch, site, address)
    if thread.counts and not (root and isinstance(root.owner.opview, llvm.AllocaOp)):
        _count(thread, access, address, size)
    return within if length else anywhere(size, access.reads, access.writes)(launch, site, address)


def _count(thread: Coroutine, access: _Access, address: Word, size: int) -> None:
    """Emit the counting of an access, unless a generic address turns out to be one of shared memory."""
    is_shared = inside(address, size, thread.launch.get("shared"), thread.launch.get("shared_size"))
    thread.count(where(is_shared, 0, constant(size, 64)), access.reads, access.writes)


def _straight(thread: Coroutine, access: _Access, site: Word, address: Word, size: int) -> Word:
    """Return a bit: whether an address has the alignment that the access states."""
    if access.alignment == 1:
        return constant(1, 1)
    return aligned(thread.launch.address, site, address, size, access.alignment)


def _redirect(op: ir.OpView, thread: Coroutine, access: _Access, valid: Word) -> None:
    """Let an operation use scratch memory where an access is not valid."""
    operand = op.operands[access.index]
    scratch = pointer(thread.launch.get("scratch"), operand.type)
    op.operands[access.index] = llvm.select(valid.value, operand, scratch)


def _in_variable(thread: Coroutine, site: Word, address: Word, size: int, start: Word, length: int) -> Word:
    """Return a bit: whether bytes are in a variable of a thread or of the module; note a fault if they are not."""
    valid = inside(address, size, start, constant(length, 64))
    with when(~valid):
        fault(thread.launch.address, Fault.LOCAL, site, address, size)
    return valid


def _variable_size(root: ir.Value, variables: Variables) -> int:
    """Return the bytes of a variable."""
    op = root.owner.opview
    if isinstance(op, llvm.AddressOfOp):
        return variables.sizes[op.global_name.value]
    count, size = literal(op.operands[0]), size_of(op.elem_type.value)
    if count is None or size is None:
        raise UnsupportedError("in a variable of unknown size")
    return count * size


def _space(value: ir.Value) -> int:
    return int(llvm.PointerType(value.type).address_space)


def _alignment(op: llvm.LoadOp | llvm.StoreOp, kind: ir.Type) -> int:
    return natural_alignment(kind) if op.alignment is None else int(op.alignment.value)
