"""Kernels as machine code of this process. Emulators of equal modules share it, whatever their schedules."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from mlir import ir
from mlir.execution_engine import ExecutionEngine

from catgrad.errors import CompileError
from catgrad.runtime.gpu_emulator.module import Program, translate

__all__ = ["Compiled", "compile_kernels"]

_PACKED = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
_SHARED = 16
"""How many modules are remembered."""


@dataclass(frozen=True)
class Compiled:
    """Machine code of kernels; it lives as long as this object.

    Attributes:
        program: What it was made of.
        engine: Its owner.
        entries: Functions by the kernel's name, called as MLIR's execution engine calls: by addresses of arguments.
    """

    program: Program
    engine: ExecutionEngine
    entries: dict[str, Callable[[int], object]]


def compile_kernels(module: ir.Module) -> Compiled:
    """Return machine code for the kernels of a module.

    Args:
        module: A module with one `gpu.module` in the LLVM and NVVM dialects; it is left as it is.

    Raises:
        CompileError: There is no such `gpu.module`, or it has operations that cannot be emulated.
    """
    found = [op for op in module.body if op.operation.name == "gpu.module"]
    if len(found) != 1:
        raise CompileError(f"expected a module with one gpu.module, got {len(found)}")
    return _compile(found[0].operation.get_asm(enable_debug_info=True, print_generic_op_form=True))


@lru_cache(_SHARED)
def _compile(text: str) -> Compiled:
    program = translate(text)
    try:
        with program.module.context:
            engine = ExecutionEngine(program.module, opt_level=1)
    except RuntimeError as error:
        raise CompileError(f"kernels cannot be emulated: {error}") from error
    names = [kernel.name for kernel in program.kernels]
    addresses = {name: engine.raw_lookup(f"run.{name}") for name in names}
    if not all(addresses.values()):
        raise CompileError(f"kernels cannot be linked: {', '.join(name for name in names if not addresses[name])}")
    return Compiled(program, engine, {name: _PACKED(address) for name, address in addresses.items()})
