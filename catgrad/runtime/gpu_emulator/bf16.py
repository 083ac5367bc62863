"""Rounding to bf16 for processors that have no instruction for it: LLVM calls this function by its name."""

from __future__ import annotations

from mlir import ir
from mlir.dialects import llvm

from catgrad.runtime.gpu_emulator.code import constant, where, word
from catgrad.runtime.gpu_emulator.routines import declare

__all__ = ["declare_rounding"]

_NAME = "__truncsfbf2"
_INFINITY, _ABSOLUTE, _QUIET = 0x7F800000, 0x7FFFFFFF, 0x40


def declare_rounding() -> None:
    """Emit the function that rounds an f32 to the nearest bf16, to even where two are as near."""
    wide, narrow = ir.F32Type.get(), ir.BF16Type.get()
    function = declare(_NAME, [wide], [narrow])
    with ir.InsertionPoint(function.regions[0].blocks.append(wide)):
        bits = word(function.regions[0].blocks[0].arguments[0])
        rounded = (bits + (bits >> 16 & 1) + constant(0x7FFF, 32)) >> 16
        is_nan = (bits & _ABSOLUTE) > _INFINITY
        half = where(is_nan, bits >> 16 | _QUIET, rounded).to(16)
        ir.Operation.create("llvm.return", operands=[llvm.bitcast(narrow, half.value)])
