"""Kernels as machine code of this process. Emulators of equal modules share it, whatever their schedules."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from mlir import ir

from catgrad.errors import CompileError
from catgrad.native import critical
from catgrad.runtime.engine import object_code
from catgrad.runtime.gpu_emulator.calls import c_library
from catgrad.runtime.gpu_emulator.conversions import CONVERSIONS
from catgrad.runtime.gpu_emulator.coroutine import starter
from catgrad.runtime.gpu_emulator.module import RUN, Program, library_module, translate
from catgrad.runtime.link import Loaded, load
from catgrad.target import HOST, target

__all__ = ["Compiled", "compile_kernels"]

_RUN = ctypes.CFUNCTYPE(None, ctypes.c_uint64, ctypes.c_uint64)
_SHARED = 16
"""How many modules are remembered."""
_OPT_LEVEL = 0
"""LLVM's: most kernels run once on few elements, and compiling them takes longer."""


@dataclass(frozen=True)
class Compiled:
    """Machine code of kernels; it lives as long as this object.

    Attributes:
        program: What it was made of.
        kernels: The functions that start a thread, by the kernel's symbol.
        library: What runs them, and what they call.
    """

    program: Program
    kernels: Loaded
    library: Loaded

    def run(self, kernel: str, record: int) -> None:
        """Run a launch of a kernel, given the address of its record."""
        _RUN(self.library.addresses[RUN])(record, self.kernels.addresses[starter(kernel)])


def compile_kernels(module: ir.Module, counts: bool = False, processor: str = HOST) -> Compiled:
    """Return machine code for the kernels of a module.

    Args:
        module: A module with one `gpu.module` in the LLVM and NVVM dialects; it is left as it is.
        counts: Whether they count what they read and write of global memory.
        processor: Whose instructions are used, as in `catgrad.target`.

    Raises:
        CatgradError: This process cannot run code for the processor.
        CompileError: There is no such `gpu.module`, it has operations that cannot be emulated, or calls what is not
            there.
    """
    found = [op for op in module.body if op.operation.name == "gpu.module"]
    if len(found) != 1:
        raise CompileError(f"expected a module with one gpu.module, got {len(found)}")
    target(processor).check_host()
    return _compile(found[0].operation.get_asm(enable_debug_info=True, print_generic_op_form=True), counts, processor)


@lru_cache(_SHARED)
@critical()
def _compile(text: str, counts: bool, processor: str) -> Compiled:
    program, library = translate(text, counts), _library(processor)
    names = [starter(kernel.name) for kernel in program.kernels]
    conversions = {name: library.addresses[name] for name in CONVERSIONS}
    return Compiled(program, _loaded(program.module, processor, names, conversions), library)


@cache
def _library(processor: str) -> Loaded:
    return _loaded(library_module(), processor, [RUN, *CONVERSIONS], {})


def _loaded(module: ir.Module, processor: str, names: list[str], functions: Mapping[str, Any]) -> Loaded:
    """Return the code of a module, which may call functions of the C library and others by their addresses."""
    known = {**c_library(), **functions}
    return load(object_code(module, target(processor), _OPT_LEVEL, known), names, known)
