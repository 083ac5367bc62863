"""Calls that a kernel may make: of the device's library of mathematics, and of intrinsics that are approximations.

Reference: https://docs.nvidia.com/cuda/libdevice-users-guide/
"""

from __future__ import annotations

import ctypes
from functools import cache

from mlir import ir
from mlir.dialects import llvm

from catgrad.runtime.gpu_emulator.coroutine import Coroutine
from catgrad.runtime.gpu_emulator.routines import call, declare
from catgrad.runtime.gpu_emulator.rules import Rule, UnsupportedError

__all__ = ["CALLS"]

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
    if not _in_c_library(plain):
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
def _in_c_library(name: str) -> bool:
    return hasattr(ctypes.CDLL(None), name)


CALLS: dict[type[ir.OpView], Rule] = {llvm.CallOp: _call, llvm.CallIntrinsicOp: _call_intrinsic}
"""Rules for calls, by the class of the operation."""
