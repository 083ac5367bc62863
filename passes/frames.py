"""Entries: a public function takes one pointer, to a frame with all that it is called with.

    @f(%B: index, %x: memref<?x4xf32>)    becomes    @f(%frame: !llvm.ptr)

A frame is a table of 64-bit words: for each argument in order a number, or the address of an array and its extents. All
entries look alike to who calls them, and since the addresses lie in a table, code can loop over them: a driver
(`catgrad.passes.roll`) takes the words of its arrays as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import ClassVar

from mlir import ir
from mlir.dialects import arith, builtin, func, llvm, memref

from catgrad.passes.base import DiagnosticError, Pass
from catgrad.passes.calls import is_private
from catgrad.passes.kernels.emit import Index, add, value
from catgrad.passes.kernels.view import is_whole
from catgrad.runtime.buffers import MEASURE

__all__ = ["TABLE", "EntryFrames", "array_at", "array_of"]

TABLE = "catgrad.words"
"""The attribute of an argument that is a part of the frame itself, and says how many words that has."""

_UNKNOWN = ir.ShapedType.get_dynamic_size()
_VARIABLE = -(1 << 31)
"""What stands for an operand among the constant indices of an address."""


@dataclass(frozen=True)
class EntryFrames(Pass):
    """Let public functions take their arguments in a frame."""

    name: ClassVar[str] = "catgrad-entry-frames"

    def run(self, module: ir.Operation) -> None:
        """Rewrite every public function that has a body."""
        for op in list(module.regions[0].blocks[0].operations):
            if isinstance(op, func.FuncOp) and not op.is_external and not is_private(op):
                _rewrite(op)


def array_at(table: ir.Value, word: Index, kind: ir.MemRefType, extents: Sequence[ir.Value]) -> ir.Value:
    """Emit the array whose address is at a word of a frame.

    Args:
        table: The address of the frame.
        word: The number of the word.
        kind: The type of the array.
        extents: Those that its type does not tell.
    """
    return array_of(llvm.load(table.type, _at(table, word)), kind, extents)


def array_of(pointer: ir.Value, kind: ir.MemRefType, extents: Sequence[ir.Value]) -> ir.Value:
    """Emit the array that begins at an address; see `array_at`."""
    return memref.view(kind, _bytes(pointer), value(0), list(extents))


def _rewrite(function: func.FuncOp) -> None:
    block, location = function.entry_block, function.location
    arguments = list(block.arguments)
    *words, _ = accumulate(_words(function), initial=0)
    with location:
        frame = block.add_argument(llvm.PointerType.get(), location)
        with ir.InsertionPoint.at_block_begin(block):
            for argument, word in zip(arguments, words, strict=True):
                if any(argument.uses):
                    argument.replace_all_uses_with(_read(frame, argument.type, word))
        for _ in arguments:
            block.erase_argument(0)
        kind = ir.FunctionType.get([frame.type], function.type.results)
    function.attributes["function_type"] = ir.TypeAttr.get(kind)
    if "arg_attrs" in function.attributes:
        del function.attributes["arg_attrs"]


def _words(function: func.FuncOp) -> Iterator[int]:
    """Yield how many words of a frame stand for each argument."""
    for argument, attributes in zip(function.arguments, function.arg_attrs, strict=True):
        kind = argument.type
        if isinstance(kind, ir.IndexType):
            yield 1
        elif isinstance(kind, ir.MemRefType) and is_whole(argument):
            yield 1 + kind.rank
        elif TABLE in attributes:
            yield ir.IntegerAttr(attributes[TABLE]).value
        else:
            name = function.sym_name.value.removesuffix(MEASURE)
            raise DiagnosticError(function.location, f"@{name} is public: it cannot take {kind}")


def _read(frame: ir.Value, kind: ir.Type, word: Index) -> ir.Value:
    """Emit the argument that begins at a word of the frame."""
    if isinstance(kind, ir.IndexType):
        return _number(frame, word)
    if not isinstance(kind, ir.MemRefType):
        return _at(frame, word)
    extents = [_number(frame, add(word, axis)) for axis, n in enumerate(kind.shape, 1) if n == _UNKNOWN]
    return array_at(frame, word, kind, extents)


def _number(frame: ir.Value, word: Index) -> ir.Value:
    number = llvm.load(ir.IntegerType.get_signless(64), _at(frame, word))
    return arith.index_cast(ir.IndexType.get(), number)


def _at(frame: ir.Value, word: Index) -> ir.Value:
    """Return the address of a word."""
    i64 = ir.IntegerType.get_signless(64)
    known = isinstance(word, int)
    operands = [] if known else [arith.index_cast(i64, word)]
    flags = ir.IntegerAttr.get(ir.IntegerType.get_signless(32), 0)
    return llvm.getelementptr(frame.type, frame, operands, [word if known else _VARIABLE], ir.TypeAttr.get(i64), flags)


def _bytes(pointer: ir.Value) -> ir.Value:
    """Return the memory from a pointer on; how much there is nobody asks."""
    zero, one = (arith.constant(ir.IntegerType.get_signless(64), number) for number in (0, 1))
    fields = {(0,): pointer, (1,): pointer, (2,): zero, (3, 0): zero, (4, 0): one}
    descriptor = llvm.mlir_undef(ir.Type.parse("!llvm.struct<(ptr, ptr, i64, array<1 x i64>, array<1 x i64>)>"))
    for position, field in fields.items():
        descriptor = llvm.insertvalue(descriptor, field, position)
    memory = ir.MemRefType.get([_UNKNOWN], ir.IntegerType.get_signless(8))
    return builtin.unrealized_conversion_cast([memory], [descriptor])
