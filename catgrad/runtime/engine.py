"""From a module in the LLVM dialect to machine code in this process, or to text."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

from mlir import ir
from mlir.dialects.llvm import translate_module_to_llvmir

from catgrad.errors import CompileError
from catgrad.runtime import codegen
from catgrad.runtime.buffers import ENTRY, MEASURE
from catgrad.runtime.elf import undefined
from catgrad.runtime.link import MEMORY, Linked, link
from catgrad.target import HOST, Target, target

__all__ = ["assembly", "jit", "llvm_ir", "object_code"]

_ENTRY = "!llvm.func<void (ptr)>"
_TRANSLATABLE = frozenset({"builtin", "llvm"})
_ASSEMBLED = frozenset({"gpu.binary", "gpu.launch_func"})
"""Operations that become calls of a run-time library when they are translated."""


def jit(
    module: ir.Module,
    name: str,
    opt_level: int = 3,
    functions: Mapping[str, Any] = MappingProxyType({}),
    processor: Target | None = None,
) -> Linked:
    """Compile `module`, and link it into this process.

    Args:
        module: A module in the LLVM dialect, where `name` takes a frame (`catgrad.passes.frames`).
        name: The function to call.
        opt_level: LLVM's optimisation level, 0 to 3. Code that is vectorised already is about as fast at 0.
        functions: What the code may call besides the C library's functions of memory: `ctypes` functions by name, which
            whoever calls the code keeps.
        processor: What to compile for: this process's if None.

    Raises:
        CatgradError: This process cannot run code for the processor.
        CompileError: The module has no such entry, has operations of other dialects, or calls another function.
    """
    wanted = processor or target(HOST)
    wanted.check_host()
    _check_lowered(module)
    _check_entry(module, name)
    return link(_checked(module, wanted, opt_level, functions), name, functions)


def object_code(module: ir.Module, processor: Target, opt_level: int, functions: Collection[str] = ()) -> bytes:
    """Return the object file of a module in the LLVM dialect, whose calls are checked.

    Args:
        module: The module.
        processor: What to compile for.
        opt_level: LLVM's optimisation level, 0 to 3.
        functions: What the code may call besides the C library's functions of memory.

    Raises:
        CompileError: The module has operations of other dialects, or calls another function.
    """
    _check_lowered(module)
    return _checked(module, processor, opt_level, functions)


def _checked(module: ir.Module, processor: Target, opt_level: int, functions: Collection[str]) -> bytes:
    """Return the object file of a module, unless it takes symbols from elsewhere that it may not."""
    code = codegen.object_code(module, processor, opt_level)
    foreign = sorted(undefined(code).difference(MEMORY, functions))
    if foreign:
        raise CompileError(
            f"code for {processor.name} would call {', '.join(foreign)}: "
            f"expected calls of {', '.join((*MEMORY, *functions))} only, which every process has"
        )
    return code


def llvm_ir(module: ir.Module) -> str:
    """Return the LLVM IR of a module in the LLVM dialect, before LLVM optimises it.

    Raises:
        CompileError: It has operations of other dialects.
    """
    _check_lowered(module)
    with module.context:
        text: str = translate_module_to_llvmir(module.operation)
    return text


def assembly(module: ir.Module, processor: Target, opt_level: int = 3) -> str:
    """Return the assembly of a module in the LLVM dialect.

    Raises:
        CompileError: The module has operations of other dialects.
    """
    _check_lowered(module)
    return codegen.assembly(module, processor, opt_level)


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
