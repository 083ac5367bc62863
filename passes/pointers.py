"""Bare-pointer calling convention of private functions: an address, and the extents that the type does not tell.

    @f(%x: memref<?x4xf32>)    becomes    @f(%x: !llvm.ptr, %extent: index)

As a descriptor, an array of rank r is 3 + 2r arguments in LLVM, which takes more than linear time on many.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mlir import ir
from mlir.dialects import builtin, func, llvm, memref

from catgrad.passes.base import Pass
from catgrad.passes.calls import is_private
from catgrad.passes.frames import array_of
from catgrad.passes.kernels.emit import value
from catgrad.passes.kernels.view import is_whole
from catgrad.passes.kernels.walk import named

__all__ = ["PointerArguments"]


@dataclass(frozen=True)
class PointerArguments(Pass):
    """Let private functions take arrays without gaps by their addresses."""

    name: ClassVar[str] = "catgrad-pointer-arguments"

    def run(self, module: ir.Operation) -> None:
        """Rewrite the private functions that have a body, and their calls."""
        functions = [op for op in module.regions[0].blocks[0].operations if isinstance(op, func.FuncOp)]
        private = {op.sym_name.value: op for op in functions if is_private(op) and not op.is_external}
        for call in named(module, "func.call"):
            if call.opview.callee.value in private:
                _pass_pointers(call.opview)
        for function in private.values():
            _take_pointers(function)


def _pass_pointers(call: func.CallOp) -> None:
    with ir.InsertionPoint(call), call.location:
        operands = [part for operand in call.operands for part in _parts(operand)]
        made = func.CallOp([result.type for result in call.results], call.callee.value, operands)
    for old, new in zip(call.results, made.results, strict=True):
        old.replace_all_uses_with(new)
    call.operation.erase()


def _parts(operand: ir.Value) -> list[ir.Value]:
    """Emit what is passed for an operand."""
    if not _is_array(operand):
        return [operand]
    kind = ir.MemRefType(operand.type)
    sizes = f", array<{kind.rank} x i64>" * 2 if kind.rank else ""
    descriptor = builtin.unrealized_conversion_cast([ir.Type.parse(f"!llvm.struct<(ptr, ptr, i64{sizes})>")], [operand])
    pointer = llvm.extractvalue(llvm.PointerType.get(), descriptor, [1])
    return [pointer, *(memref.dim(operand, value(axis)) for axis in _unknown(kind))]


def _take_pointers(function: func.FuncOp) -> None:
    """Replace the arguments of a function, and emit the arrays that begin at addresses."""
    block, location = function.entry_block, function.location
    attributes = list(function.arg_attrs) if "arg_attrs" in function.attributes else []
    arguments, kept = list(block.arguments), []
    with location, ir.InsertionPoint.at_block_begin(block):
        for number, argument in enumerate(arguments):
            new = [block.add_argument(kind, location) for kind in _part_types(argument)]
            is_array = _is_array(argument)
            if any(argument.uses):
                made = array_of(new[0], ir.MemRefType(argument.type), new[1:]) if is_array else new[0]
                argument.replace_all_uses_with(made)
            kept += [ir.DictAttr.get({})] * len(new) if is_array else attributes[number : number + 1]
        for _ in arguments:
            block.erase_argument(0)
        kinds = [argument.type for argument in block.arguments]
        function.attributes["function_type"] = ir.TypeAttr.get(ir.FunctionType.get(kinds, function.type.results))
        if attributes:
            function.attributes["arg_attrs"] = ir.ArrayAttr.get(kept)


def _part_types(argument: ir.Value) -> list[ir.Type]:
    if not _is_array(argument):
        return [argument.type]
    return [llvm.PointerType.get(), *[ir.IndexType.get()] * len(_unknown(ir.MemRefType(argument.type)))]


def _is_array(value: ir.Value) -> bool:
    """Return whether a value is an array without gaps."""
    return isinstance(value.type, ir.MemRefType) and is_whole(value)


def _unknown(kind: ir.MemRefType) -> list[int]:
    """Return the axes whose extent the type does not tell."""
    return [axis for axis in range(kind.rank) if kind.is_dynamic_dim(axis)]
