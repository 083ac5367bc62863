"""Libraries: compiled functions behind a C interface, as object code."""

from __future__ import annotations

import hashlib
import platform
import reprlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from mlir import ir
from mlir.dialects import llvm

from catgrad.backend import OPT_LEVEL, emitted
from catgrad.dialect.emit import new_context
from catgrad.errors import CatgradError
from catgrad.export import toolchain
from catgrad.export.dispatch import support, version
from catgrad.export.emitter import LOWERING
from catgrad.export.entry import add_entry
from catgrad.export.interface import Interface, interface
from catgrad.native import critical
from catgrad.passes.base import Stage
from catgrad.passes.pipelines import stages
from catgrad.passes.runner import run
from catgrad.runtime.elf import undefined
from catgrad.runtime.engine import object_code
from catgrad.runtime.signature import Signature
from catgrad.target import HOST, LEVELS, X86_LEVELS, Level, Target
from catgrad.target import target as processor_of
from catgrad.term import Term

__all__ = ["TARGETS", "Library", "compile_library"]

_LEGAL = frozenset({"builtin", "llvm"})

TARGETS: Mapping[str, tuple[Level, ...]] = {
    HOST: tuple(LEVELS[name] for name in X86_LEVELS),
    **{f"{HOST}:{name}": (level,) for name, level in LEVELS.items()},
}
"""The levels that a library has code for. `cpu` chooses between all of x86-64 when it is loaded."""

_EVERY = {"x86_64": "x86-64", "aarch64": "generic"}
"""What every processor of an architecture is, as LLVM names it."""


@dataclass(frozen=True)
class Library:
    """A compiled library.

    Attributes:
        interface: What it offers.
        target: What it is for.
        build: Identifies its code.
        objects: Its object code, by file name.
    """

    interface: Interface
    target: str
    build: str
    objects: Mapping[str, bytes]

    @property
    def is_native(self) -> bool:
        """Whether it runs on machines like this one, whose linker can make it a shared library."""
        return platform.machine() == TARGETS[self.target][0].architecture

    @property
    def shared_name(self) -> str:
        """File name of its shared library."""
        return f"lib{self.interface.name}.so"

    @property
    def link_command(self) -> str:
        """Command that links its shared library where it runs, in the folder of its static one."""
        whole = f"-Wl,--whole-archive lib{self.interface.name}.a -Wl,--no-whole-archive"
        return f"cc -shared -Wl,-soname,{self.shared_name} -o {self.shared_name} {whole} -lc"

    @property
    def calls(self) -> frozenset[str]:
        """The functions of the C library that it calls."""
        taken = frozenset().union(*map(undefined, self.objects.values()))
        return frozenset(symbol for symbol in taken if not symbol.startswith(f"{self.interface.name}_"))

    def archive(self) -> bytes:
        """Return the static library."""
        return toolchain.archive(self.objects)

    def shared(self) -> bytes:
        """Return the shared library.

        Raises:
            CatgradError: There is no C compiler to link with.
        """
        return toolchain.link(self.objects, self.shared_name)


@critical()
def compile_library(name: str, programs: Mapping[str, tuple[Term, Signature]], target: str = "cpu") -> Library:
    """Compile functions into a library.

    Args:
        name: What the library is called: every symbol begins with it.
        programs: What `catgrad.prepare.prepare` makes of each function, by name.
        target: A key of `TARGETS`.

    Raises:
        CatgradError: A name is no identifier, or the target is unknown.
        CompileError: A pass or a tool failed.
    """
    if target not in TARGETS:
        raise CatgradError(f"unknown target {reprlib.repr(target)}: expected one of {', '.join(TARGETS)}")
    named = {each: _renamed(each, *program) for each, program in programs.items()}
    made = interface(name, {each: signature for each, (_, signature) in named.items()})
    levels = TARGETS[target]
    objects = dict(_objects(made, list(named.values()), levels))
    build = hashlib.sha256(b"".join(objects.values())).hexdigest()
    objects[f"{name}.o"] = _support(made, build, levels)
    return Library(made, target, build, objects)


def _objects(
    made: Interface, programs: Sequence[tuple[Term, Signature]], levels: Sequence[Level]
) -> Iterator[tuple[str, bytes]]:
    """Yield the object of each level."""
    for level in levels:
        processor = processor_of(f"{HOST}:{level.name}")
        module = _compiled(programs, processor)
        for function in made.functions:
            add_entry(module, function, version(function.symbol, level.name), "hidden")
        yield f"{made.name}.{level.name}.o", _object(module, processor)


def _support(made: Interface, build: str, levels: Sequence[Level]) -> bytes:
    """Return the object of what the levels share."""
    names = [level.name for level in levels]
    first = processor_of(f"{HOST}:{names[0]}")
    every = replace(first, processor=_EVERY[levels[0].architecture], features=frozenset(), options="")
    return _object(support(made, build, names, new_context()), every, _versions(made, names))


def _versions(made: Interface, levels: Sequence[str]) -> list[str]:
    """Return the functions that are in the objects of levels."""
    entries = [version(function.symbol, level) for function in made.functions for level in levels]
    return [each + suffix for each in entries for suffix in ("", "_workspace")]


def _compiled(programs: Sequence[tuple[Term, Signature]], processor: Target) -> ir.Module:
    """Return the module of some functions in the LLVM dialect, which nobody outside sees."""
    module = emitted(*programs)
    run(module, stages(processor.name)[1:])
    with module.context:
        for op in module.body:
            if isinstance(op, llvm.LLVMFuncOp) and op.body.blocks:
                op.attributes["linkage"] = ir.Attribute.parse("#llvm.linkage<internal>")
    return module


def _object(module: ir.Module, processor: Target, functions: Sequence[str] = ()) -> bytes:
    """Return the object of a module, each function in a section of its own: a linker drops what nobody calls."""
    run(module, [Stage("interface", (LOWERING,), _LEGAL)])
    with module.context:
        for op in module.body:
            if isinstance(op, llvm.LLVMFuncOp) and op.body.blocks:
                op.attributes["section"] = ir.StringAttr.get(f".text.{op.sym_name.value}")
    return object_code(module, processor, OPT_LEVEL, functions)


def _renamed(name: str, term: Term, signature: Signature) -> tuple[Term, Signature]:
    return replace(term, name=name), replace(signature, name=name)
