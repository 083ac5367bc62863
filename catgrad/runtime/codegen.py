"""LLVM's optimiser and code generator by its C interface: from the LLVM dialect to an object file or assembly.

The code that is run, saved and put into libraries is made here, for whatever processor the target says.

Reference: https://llvm.org/doxygen/group__LLVMCTarget.html
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

import mlir
from mlir import ir

from catgrad.errors import CompileError
from catgrad.llvm import Functions, check, declare, library, taken
from catgrad.target import Target

__all__ = ["assembly", "object_code"]

_POINTER, _TEXT, _SIZE, _INT = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int
_TRANSLATION: Functions = {"mlirTranslateModuleToLLVMIR": ([_POINTER, _POINTER], _POINTER)}
_FUNCTIONS: Functions = {
    "LLVMContextCreate": ([], _POINTER),
    "LLVMContextDispose": ([_POINTER], None),
    "LLVMDisposeModule": ([_POINTER], None),
    "LLVMSetTarget": ([_POINTER, _TEXT], None),
    "LLVMSetModuleDataLayout": ([_POINTER, _POINTER], None),
    "LLVMCreateTargetDataLayout": ([_POINTER], _POINTER),
    "LLVMDisposeTargetData": ([_POINTER], None),
    "LLVMGetTargetFromTriple": ([_TEXT, _POINTER, _POINTER], _INT),
    "LLVMCreateTargetMachine": ([_POINTER, _TEXT, _TEXT, _TEXT, _INT, _INT, _INT], _POINTER),
    "LLVMDisposeTargetMachine": ([_POINTER], None),
    "LLVMCreatePassBuilderOptions": ([], _POINTER),
    "LLVMPassBuilderOptionsSetLoopVectorization": ([_POINTER, _INT], None),
    "LLVMPassBuilderOptionsSetLoopInterleaving": ([_POINTER, _INT], None),
    "LLVMPassBuilderOptionsSetSLPVectorization": ([_POINTER, _INT], None),
    "LLVMDisposePassBuilderOptions": ([_POINTER], None),
    "LLVMGetNamedGlobal": ([_POINTER, _TEXT], _POINTER),
    "LLVMDeleteGlobal": ([_POINTER], None),
    "LLVMRunPasses": ([_POINTER, _TEXT, _POINTER, _POINTER], _POINTER),
    "LLVMTargetMachineEmitToMemoryBuffer": ([_POINTER, _POINTER, _INT, _POINTER, _POINTER], _INT),
    "LLVMGetBufferStart": ([_POINTER], _POINTER),
    "LLVMGetBufferSize": ([_POINTER], _SIZE),
    "LLVMDisposeMemoryBuffer": ([_POINTER], None),
}
_ASSEMBLY, _OBJECT = 0, 1
"""LLVMCodeGenFileType."""
_AGGRESSIVE, _ANYWHERE, _SMALL = 3, 2, 0
"""LLVMCodeGenLevelAggressive, LLVMRelocPIC, LLVMCodeModelDefault."""
_VECTORIZATION = ("LoopVectorization", "LoopInterleaving", "SLPVectorization")
_CAPSULE = b"mlir.ir.Operation._CAPIPtr"


def object_code(module: ir.Module, target: Target, opt_level: int) -> bytes:
    """Return the object file of a module, an ELF file whose code may lie anywhere in memory.

    Args:
        module: A module in the LLVM dialect; it is left as it is.
        target: Whose instructions may be used.
        opt_level: LLVM's optimisation level, 0 to 3.

    Raises:
        CompileError: LLVM refuses something.
    """
    return _emitted(module, target, opt_level, _OBJECT)


def assembly(module: ir.Module, target: Target, opt_level: int) -> str:
    """Return the assembly of a module: see `object_code`."""
    return _emitted(module, target, opt_level, _ASSEMBLY).decode()


def _emitted(module: ir.Module, target: Target, opt_level: int, kind: int) -> bytes:
    llvm = _llvm()
    with _translated(module) as code, _machine(target, opt_level) as machine:
        _retarget(code, target, machine)
        _optimise(code, machine, opt_level)
        message, buffer = _POINTER(), _POINTER()
        emit = llvm.LLVMTargetMachineEmitToMemoryBuffer
        if emit(machine, code, kind, ctypes.byref(message), ctypes.byref(buffer)):
            raise CompileError(f"cannot generate code for {target.name}: {taken(message)}")
        try:
            return ctypes.string_at(llvm.LLVMGetBufferStart(buffer), llvm.LLVMGetBufferSize(buffer))
        finally:
            llvm.LLVMDisposeMemoryBuffer(buffer)


@contextmanager
def _translated(module: ir.Module) -> Iterator[int]:
    """Provide the LLVM IR of a module while the body runs."""
    llvm = _llvm()
    with ExitStack() as owned:
        context = llvm.LLVMContextCreate()
        owned.callback(llvm.LLVMContextDispose, context)
        pointer = ctypes.pythonapi.PyCapsule_GetPointer
        pointer.argtypes, pointer.restype = [ctypes.py_object, _TEXT], _POINTER
        said: list[str] = []

        def note(each: ir.Diagnostic) -> bool:
            said.append(each.message)
            return True

        handler = module.context.attach_diagnostic_handler(note)
        try:
            code = _translator().mlirTranslateModuleToLLVMIR(pointer(module.operation._CAPIPtr, _CAPSULE), context)
        finally:
            handler.detach()
        if not code:
            raise CompileError(f"cannot translate the module to LLVM IR: {'; '.join(said)}")
        owned.callback(llvm.LLVMDisposeModule, code)
        yield code


@contextmanager
def _machine(target: Target, opt_level: int) -> Iterator[int]:
    """Provide LLVM's description of a target while the body runs: each compilation has its own, for it is written."""
    llvm, found, message = _llvm(), _POINTER(), _POINTER()
    triple = target.triple.encode()
    if llvm.LLVMGetTargetFromTriple(triple, ctypes.byref(found), ctypes.byref(message)):
        raise CompileError(f"cannot generate code for {target.name}: {taken(message)}")
    words = target.processor.encode(), target.options.encode()
    level = opt_level if opt_level < 2 else _AGGRESSIVE  # as MLIR's engine does
    machine = llvm.LLVMCreateTargetMachine(found, triple, *words, level, _ANYWHERE, _SMALL)
    try:
        yield machine
    finally:
        llvm.LLVMDisposeTargetMachine(machine)


def _retarget(code: int, target: Target, machine: int) -> None:
    llvm = _llvm()
    layout = llvm.LLVMCreateTargetDataLayout(machine)
    llvm.LLVMSetTarget(code, target.triple.encode())
    llvm.LLVMSetModuleDataLayout(code, layout)
    llvm.LLVMDisposeTargetData(layout)


def _optimise(code: int, machine: int, opt_level: int) -> None:
    """Run LLVM's optimiser; then what it was to keep goes, unless it is used."""
    llvm = _llvm()
    options = llvm.LLVMCreatePassBuilderOptions()
    try:
        for each in _VECTORIZATION:
            getattr(llvm, f"LLVMPassBuilderOptionsSet{each}")(options, 1)
        _run_passes(f"default<O{opt_level}>", code, machine, options)
        if kept := llvm.LLVMGetNamedGlobal(code, b"llvm.compiler.used"):
            llvm.LLVMDeleteGlobal(kept)
            _run_passes("globaldce", code, machine, options)
    finally:
        llvm.LLVMDisposePassBuilderOptions(options)


def _run_passes(passes: str, code: int, machine: int, options: int) -> None:
    check(_llvm().LLVMRunPasses(code, passes.encode(), machine, options), "cannot optimise")


@cache
def _llvm() -> ctypes.CDLL:
    return declare(library(), _FUNCTIONS)


@cache
def _translator() -> ctypes.PyDLL:
    """Return the library of the MLIR bindings, whose functions are called with the GIL: diagnostics run Python."""
    folder = Path(mlir.__path__[0], "_mlir_libs")
    return declare(ctypes.PyDLL(str(folder / "libMLIRPythonCAPI.so")), _TRANSLATION)
