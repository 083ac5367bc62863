"""Private functions on numbers with variants on vectors, which a loop calls instead once LLVM has vectorised it.

    @sin_f32(f32) -> f32
    @sin_f32_4(vector<4xf32>) -> vector<4xf32>
    @sin_f32_8(vector<8xf32>) -> vector<8xf32>

The variants compute what the function does, operation by operation, so that the bits of results do not depend on what
is called. An attribute holds them together until they are in the LLVM dialect.

Reference: https://llvm.org/docs/LangRef.html#call-site-attributes ("vector-function-abi-variant").
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from mlir import ir
from mlir.dialects import func, llvm

from catgrad.passes.base import Pass

__all__ = ["FORMULA", "VectorVariants", "define"]

FORMULA = "catgrad.formula"
"""The attribute of a function and its variants: the name of the function."""

_VARIANTS, _USED = "vector-function-abi-variant", "llvm.compiler.used"
"""How LLVM calls the variants of a function, and the list of what it may not remove or change."""


def define(
    module: ir.Operation, name: str, operands: Sequence[ir.Type], lanes: Sequence[int], build: Callable[..., ir.Value]
) -> str:
    """Add a private function and its variants to a module, and return the function's name.

    Args:
        module: The module.
        name: What to call the function; where another is called so, a number is added.
        operands: The types of its operands, of which the first is that of its result.
        lanes: For vectors of how many elements there are variants.
        build: Emits what it computes, of numbers or of vectors.
    """
    table = ir.SymbolTable(module)
    kinds = {name: list(operands)}
    kinds.update((f"{name}_{count}", [ir.VectorType.get([count], each) for each in operands]) for count in lanes)
    with ir.InsertionPoint.at_block_begin(module.regions[0].blocks[0]):
        functions = [_function(symbol, kind, build) for symbol, kind in kinds.items()]
    scalar, *_ = [table.insert(function.operation) for function in functions]
    for function in functions:
        function.attributes[FORMULA] = scalar
    return scalar.value


def _function(name: str, operands: Sequence[ir.Type], build: Callable[..., ir.Value]) -> func.FuncOp:
    function = func.FuncOp(name, (operands, operands[:1]), visibility="private")
    with ir.InsertionPoint(function.add_entry_block()):
        func.ReturnOp([build(*function.arguments)])
    return function


@dataclass(frozen=True)
class VectorVariants(Pass):
    """Name the variants of functions of the LLVM dialect for the vectoriser, and keep all of them until it has run."""

    name: ClassVar[str] = "catgrad-vector-variants"

    def run(self, module: ir.Operation) -> None:
        """Read and remove the attribute that holds them together."""
        families: dict[ir.Attribute, list[llvm.LLVMFuncOp]] = defaultdict(list)
        for op in module.regions[0].blocks[0].operations:
            if isinstance(op, llvm.LLVMFuncOp) and FORMULA in op.attributes:
                families[op.attributes[FORMULA]].append(op)
        with module.context:
            for family in families.values():
                _relate(family)
            if families:
                _keep(module, [function for family in families.values() for function in family])


def _relate(family: Sequence[llvm.LLVMFuncOp]) -> None:
    scalar = next(function for function in family if not _lanes(function))
    names = ",".join(_mangled(scalar, function) for function in family if _lanes(function))
    pair = ir.ArrayAttr.get([ir.StringAttr.get(text) for text in (_VARIANTS, names)])
    scalar.attributes["passthrough"] = ir.ArrayAttr.get([pair])
    for function in family:
        del function.attributes[FORMULA]


def _mangled(scalar: llvm.LLVMFuncOp, variant: llvm.LLVMFuncOp) -> str:
    """Return the name by which the vectoriser knows a variant, whose parameters are vectors ("v"), without a mask."""
    parameters = "v" * len(variant.body.blocks[0].arguments)
    return f"_ZGV_LLVM_N{_lanes(variant)}{parameters}_{scalar.sym_name.value}({variant.sym_name.value})"


def _lanes(function: llvm.LLVMFuncOp) -> int:
    """Return how many elements the vectors of a variant have; 0 for a function on numbers."""
    kind = function.body.blocks[0].arguments[0].type
    return kind.shape[0] if isinstance(kind, ir.VectorType) else 0


def _keep(module: ir.Operation, functions: Sequence[llvm.LLVMFuncOp]) -> None:
    """Emit the list of what LLVM may not remove; `catgrad.runtime.codegen` drops it after the optimiser."""
    pointer = llvm.PointerType.get()
    kind = ir.Type.parse(f"!llvm.array<{len(functions)} x ptr>")
    linkage = ir.Attribute.parse("#llvm.linkage<appending>")
    with ir.InsertionPoint.at_block_begin(module.regions[0].blocks[0]), module.location:
        used = llvm.GlobalOp(ir.TypeAttr.get(kind), _USED, linkage, section="llvm.metadata")
        with ir.InsertionPoint(used.initializer.blocks.append()):
            entries = llvm.mlir_undef(kind)
            for position, function in enumerate(functions):
                address = llvm.mlir_addressof(pointer, function.sym_name.value)
                entries = llvm.insertvalue(entries, address, [position])
            llvm.return_(arg=entries)
