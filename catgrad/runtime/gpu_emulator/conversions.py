"""Conversions to and from floats of 16 bits, for processors that lack instructions: LLVM calls them by their names.

Reference: the run-time library of compilers, https://gcc.gnu.org/onlinedocs/gccint/Soft-float-library-routines.html
"""

from __future__ import annotations

from collections.abc import Callable

from mlir import ir

from catgrad.passes.rounding import f32_from, from_f16, to_bf16, to_f16
from catgrad.runtime.gpu_emulator.routines import declare

__all__ = ["CONVERSIONS", "declare_conversions"]

_Conversion = tuple[type[ir.Type], type[ir.Type], Callable[[ir.Value], ir.Value]]

CONVERSIONS: dict[str, _Conversion] = {
    "__extendhfsf2": (ir.F16Type, ir.F32Type, from_f16),
    "__truncsfhf2": (ir.F32Type, ir.F16Type, to_f16),
    "__truncdfhf2": (ir.F64Type, ir.F16Type, lambda x: to_f16(f32_from(x))),
    "__truncsfbf2": (ir.F32Type, ir.BF16Type, to_bf16),
    "__truncdfbf2": (ir.F64Type, ir.BF16Type, lambda x: to_bf16(f32_from(x))),
}
"""What each function takes, gives and does."""


def declare_conversions() -> None:
    """Emit the functions."""
    for name, (source, result, convert) in CONVERSIONS.items():
        function = declare(name, [source.get()], [result.get()])
        with ir.InsertionPoint(function.regions[0].blocks.append(source.get())):
            value = convert(function.regions[0].blocks[0].arguments[0])
            ir.Operation.create("llvm.return", operands=[value])
