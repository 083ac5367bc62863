"""Functions of the LLVM dialect with early returns, the way C programmers write them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from functools import reduce

from mlir import ir
from mlir.dialects import arith, cf, llvm

__all__ = [
    "LOWERING",
    "Body",
    "all_of",
    "call",
    "compare",
    "constant",
    "declare",
    "integer",
    "offset",
    "pointer",
]

LOWERING = "arith-expand,convert-arith-to-llvm,convert-cf-to-llvm,reconcile-unrealized-casts,canonicalize,cse"
"""The pipeline that leaves only the LLVM dialect of what these functions are made of."""

_VARIABLE = -(1 << 31)
"""What stands for an operand among the constant indices of an address."""


def pointer() -> ir.Type:
    """Return the type of pointers."""
    return llvm.PointerType.get()


def integer(bits: int) -> ir.Type:
    """Return the type of integers."""
    return ir.IntegerType.get_signless(bits)


def constant(bits: int, value: int) -> ir.Value:
    """Return an integer constant."""
    return arith.constant(integer(bits), value)


def compare(relation: str, a: ir.Value, b: ir.Value) -> ir.Value:
    """Return whether integers are related: "eq", "sge", "ule", ..."""
    return arith.cmpi(arith.CmpIPredicate[relation], a, b)


def all_of(conditions: Iterable[ir.Value]) -> ir.Value:
    """Return whether all conditions hold."""
    return reduce(arith.andi, conditions, constant(1, 1))


def offset(address: ir.Value, distance: ir.Value) -> ir.Value:
    """Return the address that is some bytes further."""
    flags = ir.IntegerAttr.get(integer(32), 0)
    return llvm.getelementptr(pointer(), address, [distance], [_VARIABLE], ir.TypeAttr.get(integer(8)), flags)


def declare(symbol: str, arguments: Sequence[ir.Type], result: ir.Type | None, visibility: str) -> llvm.LLVMFuncOp:
    """Declare a function.

    Args:
        symbol: Its name.
        arguments: Types of its arguments.
        result: Type of its result, if it has one.
        visibility: "default"; "hidden" from other libraries; or "internal": hidden from other modules as well.
    """
    kind = ir.Type.parse(f"!llvm.func<{result or 'void'} ({', '.join(map(str, arguments))})>")
    linkage = ir.Attribute.parse(f"#llvm.linkage<{'internal' if visibility == 'internal' else 'external'}>")
    hidden = ir.IntegerAttr.get(integer(64), int(visibility == "hidden"))
    return llvm.LLVMFuncOp(symbol, ir.TypeAttr.get(kind), linkage=linkage, visibility_=hidden)


def call(symbol: str, result: ir.Type | None, operands: Sequence[ir.Value]) -> ir.Value:
    """Call a function."""
    return llvm.call(result, operands, [], [], callee=symbol)


class Body:
    """The body of a function: operations go to where the conditions required so far hold.

    Args:
        symbol: Its name.
        arguments: Types of its arguments.
        result: Type of its result, if it has one.
        visibility: See `declare`.

    Attributes:
        arguments: Its arguments.
    """

    def __init__(self, symbol: str, arguments: Sequence[ir.Type], result: ir.Type | None, visibility: str) -> None:
        self._function = declare(symbol, arguments, result, visibility)
        self._block = ir.Block.create_at_start(self._function.body, list(arguments))
        self._points = ExitStack()
        self.arguments = list(self._block.arguments)

    def __enter__(self) -> Body:
        self._points.enter_context(ir.InsertionPoint(self._block))
        return self

    def __exit__(self, *error: object) -> None:
        self._points.close()

    def require(self, condition: ir.Value, otherwise: Callable[[], ir.Value | None] = lambda: None) -> None:
        """Return what `otherwise` emits unless the condition holds."""
        here = ir.InsertionPoint.current.block
        leave, stay = here.create_after(), here.create_after()
        cf.cond_br(condition, [], [], stay, leave)
        with ir.InsertionPoint(leave):
            llvm.return_(arg=otherwise())
        self._points.enter_context(ir.InsertionPoint(stay))
