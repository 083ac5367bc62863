"""Dispatch between the versions of compiled functions in a library, and the texts of its errors.

A function has an entry for each level of the x86-64 instruction set that it is compiled for. The public one calls the
best that this processor can run, or says that it can run none. A constructor finds out which before `main`, or when the
library is loaded; until then it is the lowest one, if every processor has that.

Reference: "x86-64 psABI", section 3.1.1 (micro-architecture levels).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from mlir import ir
from mlir.dialects import arith, llvm

from catgrad.export.emitter import Body, all_of, call, compare, constant, declare, integer, pointer
from catgrad.export.entry import entry_types
from catgrad.export.interface import Interface
from catgrad.export.status import Status
from catgrad.target import X86_LEVELS

__all__ = ["support", "version"]

_CPUID = "={ax},={bx},={cx},={dx},{ax},{cx}"
_EAX, _EBX, _ECX = range(3)
_LAST = 65535
"""The priority of a constructor that asks for none."""
_EXTENDED = 0x80000001 - (1 << 32)


@dataclass(frozen=True)
class _Bits:
    """Features that `cpuid` reports.

    Attributes:
        leaf: What it is asked about.
        register: Where it answers.
        bits: The positions of the features.
    """

    leaf: int
    register: int
    bits: tuple[int, ...]


# FMA, MOVBE, OSXSAVE, AVX, F16C; LZCNT; BMI1, AVX2, BMI2. AVX512 F, DQ, CD, BW, VL.
_FEATURES = {
    "x86-64-v3": (_Bits(1, _ECX, (12, 22, 27, 28, 29)), _Bits(_EXTENDED, _ECX, (5,)), _Bits(7, _EBX, (3, 5, 8))),
    "x86-64-v4": (_Bits(7, _EBX, (16, 17, 28, 30, 31)),),
}
# What the operating system saves: SSE and AVX registers; mask registers and both parts of AVX-512 registers as well.
_SAVED = {"x86-64-v3": 0x06, "x86-64-v4": 0xE6}


def version(symbol: str, level: str) -> str:
    """Return the name of the entry for one level.

    Example:
        >>> version("net_predict", "x86-64-v4")
        'net_predict.x86-64-v4'
    """
    return f"{symbol}.{level}"


def support(interface: Interface, build: str, levels: Sequence[str], context: ir.Context) -> ir.Module:
    """Return the module of a library's other functions.

    Args:
        interface: The library.
        build: What identifies its code.
        levels: The levels its functions are compiled for, lowest first; one alone may be another architecture's.
        context: Where to make it.
    """
    with context, ir.Location.unknown():
        module = ir.Module.create()
        with ir.InsertionPoint(module.body):
            _add_string(f"{interface.name}_build", build, "external")
            _add_status_text(interface.name)
            _add_choice(interface, levels)
    return module


def _add_status_text(library: str) -> None:
    texts = [*(status.text for status in Status), "unknown status"]
    for number, text in enumerate(texts):
        _add_string(f"{library}.text{number}", text, "internal")
    with Body(f"{library}_status_text", [integer(32)], pointer(), "default") as body:
        found = llvm.mlir_addressof(pointer(), f"{library}.text{len(Status)}")
        for status in Status:
            is_it = compare("eq", body.arguments[0], constant(32, status))
            found = arith.select(is_it, llvm.mlir_addressof(pointer(), f"{library}.text{status}"), found)
        llvm.return_(arg=found)


def _add_string(name: str, text: str, linkage: str) -> None:
    ended = text + "\0"
    kind = ir.TypeAttr.get(ir.Type.parse(f"!llvm.array<{len(ended)} x i8>"))
    attribute = ir.Attribute.parse(f"#llvm.linkage<{linkage}>")
    llvm.mlir_global(kind, name, attribute, constant=True, value=ir.StringAttr.get(ended))


def _add_choice(interface: Interface, levels: Sequence[str]) -> None:
    """Add the public functions, each of which calls its version for the chosen level."""
    chosen = _add_level(interface.name, levels)
    with Body(f"{interface.name}_check", [], integer(32), "default") as body:
        body.require(_is_chosen(chosen), partial(constant, 32, Status.PROCESSOR))
        llvm.return_(arg=constant(32, Status.OK))
    for function in interface.functions:
        versions = [version(function.symbol, level) for level in levels]
        dimensions = [integer(64)] * len(function.dimensions)
        _add_forwarder(function.symbol, versions, entry_types(function), 32, Status.PROCESSOR, chosen)
        sizes = [f"{each}_workspace" for each in versions]
        _add_forwarder(f"{function.symbol}_workspace", sizes, dimensions, 64, 0, chosen)


def _add_level(library: str, levels: Sequence[str]) -> str:
    """Add the number of the best level that this processor can run; -1 if it can run none."""
    symbol, is_everywhere = f"{library}.level", levels[0] not in X86_LEVELS[1:]
    internal = ir.Attribute.parse("#llvm.linkage<internal>")
    first = ir.IntegerAttr.get(integer(32), 0 if is_everywhere else -1)
    llvm.mlir_global(ir.TypeAttr.get(integer(32)), symbol, internal, value=first)
    if len(levels) > 1 or not is_everywhere:
        _add_constructor(f"{library}.choose", symbol, levels)
    return symbol


def _is_chosen(level: str) -> ir.Value:
    return compare("sge", _load(level), constant(32, 0))


def _load(level: str) -> ir.Value:
    return llvm.load(integer(32), llvm.mlir_addressof(pointer(), level))


def _add_forwarder(
    symbol: str, versions: Sequence[str], kinds: Sequence[ir.Type], bits: int, lacking: int, chosen: str
) -> None:
    """Add a function that calls the chosen version of itself, or returns `lacking` if there is none."""
    result = integer(bits)
    for each in versions:
        declare(each, kinds, result, "hidden")
    with Body(symbol, kinds, result, "default") as body:
        body.require(_is_chosen(chosen), partial(constant, bits, lacking))
        level = _load(chosen)
        for number, each in reversed(list(enumerate(versions))[1:]):
            body.require(compare("ne", level, constant(32, number)), partial(call, each, result, body.arguments))
        llvm.return_(arg=call(versions[0], result, body.arguments))


def _add_constructor(symbol: str, chosen: str, levels: Sequence[str]) -> None:
    """Add the function that chooses, which runs first: it goes from level to level until one cannot run."""
    with Body(symbol, [], None, "internal") as body:
        body.require(compare("uge", _cpuid(0, _EAX), constant(32, 7)))
        for level in X86_LEVELS[1:]:
            body.require(all_of(map(_has, _FEATURES[level])))
            body.require(_includes(_saved(), _SAVED[level]))
            if level in levels:
                llvm.store(constant(32, levels.index(level)), llvm.mlir_addressof(pointer(), chosen))
        llvm.return_()
    priority = ir.ArrayAttr.get([ir.IntegerAttr.get(integer(32), _LAST)])
    first = ir.ArrayAttr.get([ir.FlatSymbolRefAttr.get(symbol)])
    llvm.mlir_global_ctors(first, priority, ir.ArrayAttr.get([ir.Attribute.parse("#llvm.zero")]))


def _has(features: _Bits) -> ir.Value:
    return _includes(_cpuid(features.leaf, features.register), sum(1 << bit for bit in features.bits))


def _includes(bits: ir.Value, wanted: int) -> ir.Value:
    mask = constant(32, wanted - (wanted >> 31 << 32))
    return compare("eq", arith.andi(bits, mask), mask)


def _cpuid(leaf: int, register: int) -> ir.Value:
    """Return what `cpuid` says about a leaf in a register."""
    words = ir.Type.parse("!llvm.struct<(i32, i32, i32, i32)>")
    answer = llvm.inline_asm(words, [constant(32, leaf), constant(32, 0)], "cpuid", _CPUID)
    return llvm.extractvalue(integer(32), answer, [register])


def _saved() -> ir.Value:
    """Return which registers the operating system saves, as the low word of `xgetbv` says."""
    words = ir.Type.parse("!llvm.struct<(i32, i32)>")
    answer = llvm.inline_asm(words, [constant(32, 0)], "xgetbv", "={ax},={dx},{cx}")
    return llvm.extractvalue(integer(32), answer, [0])
