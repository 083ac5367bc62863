"""Generated code as Python: integers with operators, records in memory, loops, conditions, and routines.

A `Word` is an SSA value of an integer type; addresses are words of 64 bits. Comparisons, divisions and right shifts are
those of unsigned numbers. State that changes lives in memory, so that no loop carries values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
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
    "Routine",
    "Word",
    "call",
    "call_address",
    "constant",
    "declare",
    "either",
    "load",
    "loop",
    "pointer",
    "repeat",
    "routine",
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
    op = scf.IfOp(condition.value, _integers(1), has_else=True)
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


@dataclass(frozen=True)
class Routine:
    """A function of words, emitted into a module when it is first called there.

    Attributes:
        name: Its symbol.
        arguments: The widths of what it takes.
        result: The width of what it returns; 0 for nothing.
        body: Emits it.
        is_hot: Whether it is worth optimising at every place that calls it; else compiling it fast matters more.
    """

    name: str
    arguments: tuple[int, ...]
    result: int
    body: Callable[..., Word | None]
    is_hot: bool = False

    def __call__(self, *operands: Operand) -> Word:
        """Emit a call; the result of a routine that returns nothing must not be used."""
        self.define()
        words = [
            constant(each, bits) if isinstance(each, int) else each.to(bits)
            for each, bits in zip(operands, self.arguments, strict=True)
        ]
        return Word(call(self.name, [each.value for each in words], _integers(self.result)))

    def address(self) -> Word:
        """Return where the function is, for `call_address`."""
        self.define()
        return word(llvm.mlir_addressof(llvm.PointerType.get(), self.name))

    def define(self) -> None:
        """Emit the function, unless the module has it."""
        module = _enclosing_module()
        if self.name in ir.SymbolTable(module):
            return
        types = [ir.IntegerType.get_signless(bits) for bits in self.arguments]
        with ir.InsertionPoint(module.regions[0].blocks[0]):
            attributes = {} if self.is_hot else _cold()
            function = declare(self.name, types, _integers(self.result), linkage="internal", **attributes)
        block = function.regions[0].blocks.append(*types)
        with ir.InsertionPoint(block):
            result = self.body(*map(Word, block.arguments))
            ir.Operation.create("llvm.return", operands=[] if result is None else [result.value])


def routine(*arguments: int, result: int = 0) -> Callable[[Callable[..., Word | None]], Routine]:
    """Return a decorator that makes a routine of a function which emits its body."""

    def make(body: Callable[..., Word | None]) -> Routine:
        return Routine(f"emulator.{body.__name__.strip('_')}", arguments, result, body)

    return make


def declare(
    name: str, arguments: Sequence[ir.Type], results: Sequence[ir.Type], linkage: str = "external", **attributes: Any
) -> ir.Operation:
    """Emit the head of a function, with an empty region for its body."""
    result = str(results[0]) if results else "void"
    kind = ir.Type.parse(f"!llvm.func<{result} ({', '.join(map(str, arguments))})>")
    fixed = {
        "sym_name": ir.StringAttr.get(name),
        "function_type": ir.TypeAttr.get(kind),
        "linkage": ir.Attribute.parse(f"#llvm.linkage<{linkage}>"),
    }
    return ir.Operation.create("llvm.func", regions=1, attributes={**fixed, **attributes})


def call(name: str, operands: Sequence[ir.Value], results: Sequence[ir.Type]) -> Any:
    """Emit a call of a function by its name, and return its result, if it has one."""
    return _call(operands, results, {"callee": ir.FlatSymbolRefAttr.get(name)})


def call_address(address: Word, operands: Sequence[ir.Value], results: Sequence[ir.Type]) -> Any:
    """Emit a call of a function by its address, and return its result, if it has one."""
    return _call([pointer(address), *operands], results, {})


def _call(operands: Sequence[ir.Value], results: Sequence[ir.Type], attributes: dict[str, ir.Attribute]) -> Any:
    segments = {
        "operandSegmentSizes": ir.DenseI32ArrayAttr.get([len(operands), 0]),
        "op_bundle_sizes": ir.DenseI32ArrayAttr.get([]),
    }
    op = ir.Operation.create(
        "llvm.call", results=list(results), operands=list(operands), attributes={**attributes, **segments}
    )
    return op.results[0] if results else None


def _cold() -> dict[str, ir.Attribute]:
    """Return the attributes of a function that is neither inlined nor unrolled."""
    return {"no_inline": ir.UnitAttr.get(), "passthrough": ir.ArrayAttr.get([ir.StringAttr.get("optsize")])}


def _integers(bits: int) -> list[ir.Type]:
    return [ir.IntegerType.get_signless(bits)] if bits else []


def _enclosing_module() -> ir.Operation:
    """Return the module around the insertion point."""
    op = ir.InsertionPoint.current.block.owner.operation
    while op.name != "builtin.module":
        op = op.parent
    return op
