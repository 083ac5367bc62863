"""Generated code as Python: integers with operators, records in memory, loops and conditions.

A `Word` is an SSA value of an integer type; addresses are words of 64 bits. Comparisons, divisions and right shifts are
those of unsigned numbers. State that changes lives in memory, so that no loop carries values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from mlir import ir
from mlir.dialects import arith, llvm, scf

from catgrad.runtime.gpu_emulator.layout import THREAD

__all__ = [
    "POINTER_BITS",
    "Operand",
    "Record",
    "Word",
    "constant",
    "either",
    "load",
    "loop",
    "pointer",
    "repeat",
    "store",
    "thread_at",
    "when",
    "where",
    "word",
]

POINTER_BITS = 64
_PREDICATE = arith.CmpIPredicate


@dataclass(frozen=True)
class Word:
    """An integer of generated code.

    Attributes:
        value: The SSA value, of a signless integer type.
    """

    value: ir.Value

    @property
    def bits(self) -> int:
        """The width of the type."""
        return ir.IntegerType(self.value.type).width

    def to(self, bits: int) -> Word:
        """Return the number in another width, cut off or filled with zeros."""
        kind = ir.IntegerType.get_signless(bits)
        if bits == self.bits:
            return self
        return Word((arith.trunci if bits < self.bits else arith.extui)(kind, self.value))

    def like(self, other: Operand) -> ir.Value:
        """Return `other` as a value of this type."""
        return arith.constant(self.value.type, other) if isinstance(other, int) else other.to(self.bits).value

    def __add__(self, other: Operand) -> Word:
        return Word(arith.addi(self.value, self.like(other)))

    def __sub__(self, other: Operand) -> Word:
        return Word(arith.subi(self.value, self.like(other)))

    def __mul__(self, other: Operand) -> Word:
        return Word(arith.muli(self.value, self.like(other)))

    def __floordiv__(self, other: Operand) -> Word:
        return Word(arith.divui(self.value, self.like(other)))

    def __mod__(self, other: Operand) -> Word:
        return Word(arith.remui(self.value, self.like(other)))

    def __and__(self, other: Operand) -> Word:
        return Word(arith.andi(self.value, self.like(other)))

    def __or__(self, other: Operand) -> Word:
        return Word(arith.ori(self.value, self.like(other)))

    def __xor__(self, other: Operand) -> Word:
        return Word(arith.xori(self.value, self.like(other)))

    def __lshift__(self, other: Operand) -> Word:
        return Word(arith.shli(self.value, self.like(other)))

    def __rshift__(self, other: Operand) -> Word:
        return Word(arith.shrui(self.value, self.like(other)))

    def __invert__(self) -> Word:
        return self ^ -1

    def equals(self, other: Operand) -> Word:
        """Return a bit: whether the numbers are equal."""
        return self._compare(_PREDICATE.eq, other)

    def differs(self, other: Operand) -> Word:
        """Return a bit: whether the numbers are different."""
        return self._compare(_PREDICATE.ne, other)

    def __lt__(self, other: Operand) -> Word:
        return self._compare(_PREDICATE.ult, other)

    def __le__(self, other: Operand) -> Word:
        return self._compare(_PREDICATE.ule, other)

    def __gt__(self, other: Operand) -> Word:
        return self._compare(_PREDICATE.ugt, other)

    def __ge__(self, other: Operand) -> Word:
        return self._compare(_PREDICATE.uge, other)

    def signed_at_most(self, other: Operand) -> Word:
        """Return a bit: whether this is at most `other`, as signed numbers."""
        return self._compare(_PREDICATE.sle, other)

    def _compare(self, predicate: arith.CmpIPredicate, other: Operand) -> Word:
        return Word(arith.cmpi(predicate, self.value, self.like(other)))


Operand: TypeAlias = "Word | int"


def constant(number: int, bits: int) -> Word:
    """Return a number as a word."""
    return Word(arith.constant(ir.IntegerType.get_signless(bits), number))


def word(value: ir.Value) -> Word:
    """Return an integer, or the bits of a pointer, float or vector, as a word."""
    if isinstance(value.type, ir.IntegerType):
        return Word(value)
    if isinstance(value.type, llvm.PointerType):
        return Word(llvm.ptrtoint(ir.IntegerType.get_signless(POINTER_BITS), value))
    width = value.type.width if isinstance(value.type, ir.FloatType) else _vector_bits(value.type)
    return Word(llvm.bitcast(ir.IntegerType.get_signless(width), value))


def _vector_bits(kind: ir.Type) -> int:
    vector = ir.VectorType(kind)
    return int(np.prod(vector.shape)) * int(vector.element_type.width)


def pointer(address: Word, kind: ir.Type | None = None) -> ir.Value:
    """Return an address as a pointer, of type `kind` or in the address space 0."""
    return llvm.inttoptr(kind or llvm.PointerType.get(), address.value)


def where(condition: Word, yes: Operand, no: Word) -> Word:
    """Return `yes` where the condition holds, else `no`."""
    return Word(arith.select(condition.value, no.like(yes), no.value))


def load(address: Word, bits: int) -> Word:
    """Return the word at an address, which need not be aligned."""
    return Word(llvm.load(ir.IntegerType.get_signless(bits), pointer(address), alignment=1))


def store(address: Word, number: Word) -> None:
    """Store a word at an address, which need not be aligned."""
    llvm.store(number.value, pointer(address), alignment=1)


@dataclass(frozen=True)
class Record:
    """A record in memory.

    Attributes:
        layout: Its fields.
        address: Where it begins.
    """

    layout: np.dtype[Any]
    address: Word

    def at(self, name: str, element: Operand = 0) -> Word:
        """Return the address of a field, or of an element of it."""
        kind, offset = self._field(name)
        address = self.address + offset
        if isinstance(element, int):
            return address + element * kind.base.itemsize
        return address + element.to(POINTER_BITS) * kind.base.itemsize

    def get(self, name: str, element: Operand = 0) -> Word:
        """Return the number in a field, or in an element of it."""
        return load(self.at(name, element), 8 * self._field(name)[0].base.itemsize)

    def set(self, name: str, number: Operand, element: Operand = 0) -> None:
        """Store a number in a field, or in an element of it."""
        bits = 8 * self._field(name)[0].base.itemsize
        store(self.at(name, element), constant(number, bits) if isinstance(number, int) else number.to(bits))

    def _field(self, name: str) -> tuple[np.dtype[Any], int]:
        fields = self.layout.fields
        assert fields is not None
        kind, offset = fields[name][:2]
        return kind, offset


def thread_at(first: Word, number: Word) -> Record:
    """Return the record of a thread, counted from the one whose record is at the address `first`."""
    return Record(THREAD, first + number.to(POINTER_BITS) * THREAD.itemsize)


@contextmanager
def loop(stop: Operand, start: int = 0) -> Iterator[Word]:
    """Emit a loop over start ≤ i < stop; the body is inside the `with`."""
    bits = POINTER_BITS if isinstance(stop, int) else stop.bits
    end = constant(stop, bits) if isinstance(stop, int) else stop
    op = scf.ForOp(constant(start, bits).value, end.value, constant(1, bits).value)
    with ir.InsertionPoint(op.body):
        yield Word(op.induction_variable)
        scf.yield_([])


@contextmanager
def when(condition: Word) -> Iterator[None]:
    """Emit what is inside the `with` under a condition."""
    op = scf.IfOp(condition.value)
    with ir.InsertionPoint(op.then_block):
        yield
        scf.yield_([])


def either(condition: Word, yes: Callable[[], Word], no: Callable[[], Word]) -> Word:
    """Return what `yes` emits where the condition holds, else what `no` emits; both are bits."""
    op = scf.IfOp(condition.value, [ir.IntegerType.get_signless(1)], has_else=True)
    for block, emit in ((op.then_block, yes), (op.else_block, no)):
        with ir.InsertionPoint(block):
            scf.yield_([emit().value])
    return Word(op.results[0])


@contextmanager
def repeat() -> Iterator[Callable[[Word], None]]:
    """Emit a loop whose body, inside the `with`, ends by calling what is yielded: whether to go round again."""
    op = scf.WhileOp([], [])
    with ir.InsertionPoint(op.before.blocks.append()):
        yield lambda again: scf.condition(again.value, [])
    with ir.InsertionPoint(op.after.blocks.append()):
        scf.yield_([])
