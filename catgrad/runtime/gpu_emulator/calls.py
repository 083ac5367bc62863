"""Calls that a kernel may make: of the device's library of mathematics, and of intrinsics that are approximations.

Reference: https://docs.nvidia.com/cuda/libdevice-users-guide/
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

from mlir import ir
from mlir.dialects import llvm

from catgrad.runtime.gpu_emulator.coroutine import Coroutine
from catgrad.runtime.gpu_emulator.routines import call, declare
from catgrad.runtime.gpu_emulator.rules import Rule, UnsupportedError

__all__ = ["CALLS", "c_library"]

_MATHEMATICS = (
    "acos acosh asin asinh atan atan2 atanh cbrt ceil copysign cos cosh erf erfc exp exp10 exp2 expm1 fabs fdim floor "
    "fma fmax fmin fmod hypot ilogb ldexp lgamma llrint llround log log10 log1p log2 logb lrint lround nearbyint "
    "nextafter pow remainder rint round roundeven scalbn sin sinh sqrt tan tanh tgamma trunc"
).split()
_FUNCTIONS = frozenset({"abs", "llabs", *(name + suffix for name in _MATHEMATICS for suffix in ("", "f"))})
"""Functions of numbers in the C library: of integers, and of f64 and f32."""
_OTHERS = ("aligned_alloc", "free", "malloc", "sincos", "sincosf")
"""What else is called of it: memory, and what LLVM makes of a sine and a cosine."""
_LIBRARY = "__nv_"
_DEVICE = "llvm.nvvm."
_INTRINSICS = {
    "llvm.nvvm.ex2.approx.f": "llvm.exp2.f32",
    "llvm.nvvm.ex2.approx.ftz.f": "llvm.exp2.f32",
    "llvm.nvvm.lg2.approx.f": "llvm.log2.f32",
    "llvm.nvvm.lg2.approx.ftz.f": "llvm.log2.f32",
    "llvm.nvvm.sqrt.approx.f": "llvm.sqrt.f32",
    "llvm.nvvm.sqrt.approx.ftz.f": "llvm.sqrt.f32",
    "llvm.nvvm.sin.approx.f": "llvm.sin.f32",
    "llvm.nvvm.sin.approx.ftz.f": "llvm.sin.f32",
    "llvm.nvvm.cos.approx.f": "llvm.cos.f32",
    "llvm.nvvm.cos.approx.ftz.f": "llvm.cos.f32",
    "llvm.nvvm.tanh.approx.f": "llvm.tanh.f32",
    "llvm.nvvm.tanh.approx.f32": "llvm.tanh.f32",
}
"""Intrinsics of any processor that compute what those of a device approximate."""


def _call(op: llvm.CallOp, thread: Coroutine) -> ir.Value | None:
    """Call the C library's function of the same name."""
    if op.callee is None:
        raise UnsupportedError("by an address")
    name, results = op.callee.value, [each.type for each in op.operation.results]
    plain = name.removeprefix(_LIBRARY).removeprefix("fast_")
    if not name.startswith(_LIBRARY) or not results:
        raise UnsupportedError(f"of {name}")
    operands = list(op.operands)
    if plain in {"rsqrt", "rsqrtf"}:
        one = llvm.mlir_constant(ir.FloatAttr.get(results[0], 1.0))
        return llvm.fdiv(one, llvm.intr_sqrt(operands[0]))
    if plain not in _FUNCTIONS:
        raise UnsupportedError(f"of {name}")
    _declare(op, plain, [each.type for each in operands], results)
    value: ir.Value = call(plain, operands, results)
    return value


def _call_intrinsic(op: llvm.CallIntrinsicOp, thread: Coroutine) -> ir.Value | None:
    """Call the intrinsic that any processor has."""
    name = op.intrin.value
    if name.startswith(_DEVICE) and name not in _INTRINSICS:
        raise UnsupportedError(f"of {name}")
    attributes = dict(op.operation.attributes.items())
    attributes["intrin"] = ir.StringAttr.get(_INTRINSICS.get(name, name))
    types = [each.type for each in op.operation.results]
    copy = ir.Operation.create("llvm.call_intrinsic", types, list(op.operands), attributes)
    return copy.results[0] if types else None


def _declare(op: llvm.CallOp, name: str, arguments: list[ir.Type], results: list[ir.Type]) -> None:
    module = op.operation
    while module.parent is not None:
        module = module.parent.operation
    if name not in ir.SymbolTable(module):
        with ir.InsertionPoint(module.regions[0].blocks[0]):
            declare(name, arguments, results)


@cache
def c_library() -> dict[str, Any]:
    """Return what the code of kernels may call of the C library, by name."""
    known = ctypes.CDLL("libm.so.6")  # which brings the rest of it
    return {name: getattr(known, name) for name in sorted({*_FUNCTIONS, *_OTHERS}) if hasattr(known, name)}


CALLS: dict[type[ir.OpView], Rule] = {llvm.CallOp: _call, llvm.CallIntrinsicOp: _call_intrinsic}
"""Rules for calls, by the class of the operation."""
