"""Functions of generated code, and calls of them.

A `Routine` is emitted into a module when it is first called there, so that a module has what it needs and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from mlir import ir
from mlir.dialects import llvm

from catgrad.runtime.gpu_emulator.code import Operand, Word, constant, pointer, word

__all__ = ["Routine", "call", "call_address", "declare", "routine"]


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
