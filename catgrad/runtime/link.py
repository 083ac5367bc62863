"""Linking of object code into this process, by LLVM's just-in-time linker (ORC).

Reference: https://llvm.org/doxygen/group__LLVMCExecutionEngineORC.html
"""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

from catgrad import llvm
from catgrad.errors import CompileError
from catgrad.llvm import Functions, check
from catgrad.runtime.buffers import ENTRY, MEASURE

__all__ = ["MEMORY", "Linked", "Loaded", "link", "load"]

_POINTER, _TEXT, _SIZE = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t
_FUNCTIONS: Functions = {
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
    orc, jit = _orc(), _POINTER()
    check(orc.LLVMOrcCreateLLJIT(ctypes.byref(jit), None))
    try:
        _provide(jit, functions)
        memory = orc.LLVMCreateMemoryBufferWithMemoryRangeCopy(object_code, len(object_code), b"object code")
        check(orc.LLVMOrcLLJITAddObjectFile(jit, orc.LLVMOrcLLJITGetMainJITDylib(jit), memory))
        loaded = Loaded({name: _address(jit, name) for name in names})
    except CompileError:
        orc.LLVMOrcDisposeLLJIT(jit)
        raise
    # At the end of the process other threads may still run the code, and nobody needs the memory.
    weakref.finalize(loaded, orc.LLVMOrcDisposeLLJIT, jit).atexit = False
    return loaded


def _provide(jit: ctypes.c_void_p, functions: Mapping[str, Any]) -> None:
    """Define what code may call, and nothing else of this process."""
    orc = _orc()
    addresses = {name: ctypes.cast(function, _POINTER).value for name, function in {**_memory(), **functions}.items()}
    symbols = (_Symbol * len(addresses))()
    for symbol, (name, address) in zip(symbols, addresses.items(), strict=True):
        symbol.name = orc.LLVMOrcLLJITMangleAndIntern(jit, name.encode())
        symbol.address, symbol.flags[0] = address, _VISIBLE
    unit = orc.LLVMOrcAbsoluteSymbols(symbols, len(symbols))
    check(orc.LLVMOrcJITDylibDefine(orc.LLVMOrcLLJITGetMainJITDylib(jit), unit))


def _memory() -> dict[str, Any]:
    process = ctypes.CDLL(None)
    return {name: getattr(process, name) for name in MEMORY}


def _address(jit: ctypes.c_void_p, symbol: str) -> int:
    address = ctypes.c_uint64()
    check(_orc().LLVMOrcLLJITLookup(jit, ctypes.byref(address), symbol.encode()))
    return address.value


@cache
def _orc() -> ctypes.CDLL:
    """Return LLVM, with the functions of its linker declared."""
    return llvm.declare(llvm.library(), _FUNCTIONS)
