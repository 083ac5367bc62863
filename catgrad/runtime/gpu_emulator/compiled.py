"""Kernels as machine code of this process. Emulators of equal modules share it, whatever their schedules."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from functools import cache, lru_cache

from mlir import ir
from mlir.execution_engine import ExecutionEngine

from catgrad.errors import CompileError
from catgrad.native import critical
from catgrad.runtime.gpu_emulator.module import Program, scheduler_module, translate

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
        starts: The addresses of the functions that start a thread, by the kernel's name.
    """

    program: Program
    engine: ExecutionEngine
    starts: dict[str, int]

    def run(self, kernel: str, record: int) -> None:
        """Run a launch of a kernel, given the address of its record."""
        _call(_scheduler(), "run", record, self.starts[kernel])


def compile_kernels(module: ir.Module, counts: bool = False) -> Compiled:
    """Return machine code for the kernels of a module.

    Args:
        module: A module with one `gpu.module` in the LLVM and NVVM dialects; it is left as it is.
        counts: Whether they count what they read and write of global memory.

    Raises:
        CompileError: There is no such `gpu.module`, or it has operations that cannot be emulated.
    """
    found = [op for op in module.body if op.operation.name == "gpu.module"]
    if len(found) != 1:
        raise CompileError(f"expected a module with one gpu.module, got {len(found)}")
    return _compile(found[0].operation.get_asm(enable_debug_info=True, print_generic_op_form=True), counts)


@lru_cache(_SHARED)
def _compile(text: str, counts: bool) -> Compiled:
    program = translate(text, counts)
    engine = _engine(program.module)
    starts = {kernel.name: ctypes.c_uint64() for kernel in program.kernels}
    for name, start in starts.items():
        _call(engine, f"locate.{name}", ctypes.addressof(start))
    return Compiled(program, engine, {name: start.value for name, start in starts.items()})


@cache
def _scheduler() -> ExecutionEngine:
    return _engine(scheduler_module())


@critical()
def _engine(module: ir.Module) -> ExecutionEngine:
    try:
        with module.context:
            return ExecutionEngine(module, opt_level=1)
    except RuntimeError as error:
        raise CompileError(f"kernels cannot be emulated: {error}") from error


def _call(engine: ExecutionEngine, name: str, *numbers: int) -> None:
    """Call a function of 64-bit integers by the addresses of its arguments, as MLIR's execution engine does."""
    address = engine.raw_lookup(name)
    if not address:
        raise CompileError(f"kernels cannot be emulated: {name} calls what this process does not have")
    values = (ctypes.c_uint64 * len(numbers))(*numbers)
    width = ctypes.sizeof(ctypes.c_uint64)
    pointers = (ctypes.c_void_p * len(numbers))(*(ctypes.addressof(values) + width * i for i in range(len(numbers))))
    _PACKED(address)(ctypes.addressof(pointers))
