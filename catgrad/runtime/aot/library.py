"""Libraries: compiled functions behind a C interface, as object code."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from mlir import ir
from mlir.dialects import llvm

from catgrad.backend import emitted
from catgrad.dialect.emit import new_context
from catgrad.errors import CatgradError
from catgrad.passes.base import Stage
from catgrad.passes.machine import Machine
from catgrad.passes.pipelines import stages
from catgrad.passes.runner import run
from catgrad.runtime.aot import toolchain
from catgrad.runtime.aot.dispatch import LEVELS, support, version
from catgrad.runtime.aot.emitter import LOWERING
from catgrad.runtime.aot.entry import add_entry
from catgrad.runtime.aot.interface import Interface, interface
from catgrad.runtime.engine import llvm_ir
from catgrad.runtime.signature import Signature
from catgrad.term import Term

__all__ = ["TARGETS", "Library", "Target", "compile_library"]

_LIBC = frozenset({"memcmp", "memcpy", "memmove", "memset"})
"""What LLVM may call of the C library, wherever it stands."""

_LEGAL = frozenset({"builtin", "llvm"})


@dataclass(frozen=True)
class Target:
    """What libraries are made for.

    Attributes:
        triple: The architecture and the system, as LLVM names them.
        levels: The processors that code is generated for, lowest first: names of `Machine`.
        every: What every processor of the architecture is, as LLVM names it.
    """

    triple: str
    levels: tuple[str, ...]
    every: str


_X86 = "x86_64-unknown-linux-gnu"
TARGETS: Mapping[str, Target] = {
    "cpu": Target(_X86, LEVELS, "x86-64"),
    **{f"cpu:{level}": Target(_X86, (level,), "x86-64") for level in LEVELS},
    "cpu:aarch64": Target("aarch64-unknown-linux-gnu", ("aarch64",), "generic"),
}
"""What can be built for. `cpu` chooses between all levels of x86-64 when it is loaded."""

_PROCESSORS = {"aarch64": "generic"}
"""What LLVM calls a machine, where that is not its name."""


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
        return platform.machine() == TARGETS[self.target].triple.partition("-")[0]

    @property
    def shared_name(self) -> str:
        """What its shared library is called."""
        return f"lib{self.interface.name}.so"

    @property
    def link_command(self) -> str:
        """What makes its shared library where it runs, in the folder of its static one."""
        whole = f"-Wl,--whole-archive lib{self.interface.name}.a -Wl,--no-whole-archive"
        needs = " ".join(f"-l{needed}" for needed in self.needs)
        return f"cc -shared -Wl,-soname,{self.shared_name} -o {self.shared_name} {whole} {needs}"

    @property
    def needs(self) -> tuple[str, ...]:
        """The libraries to link it with: C's, and what compilers bring for arithmetic that a processor lacks."""
        return ("c", "gcc") if self.calls - _LIBC else ("c",)

    @property
    def calls(self) -> frozenset[str]:
        """The functions of other libraries that it calls."""
        taken = frozenset().union(*map(toolchain.undefined, self.objects.values()))
        return frozenset(symbol for symbol in taken if not symbol.startswith(f"{self.interface.name}_"))

    def archive(self) -> bytes:
        """Return the static library."""
        return toolchain.archive(self.objects)

    def shared(self) -> bytes:
        """Return the shared library.

        Raises:
            CatgradError: There is no C compiler to link with.
        """
        return toolchain.link(self.objects, self.shared_name, self.needs)


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
        raise CatgradError(f"unknown target {target!r}: expected one of {', '.join(TARGETS)}")
    named = {each: _renamed(each, *program) for each, program in programs.items()}
    made = interface(name, {each: signature for each, (_, signature) in named.items()})
    objects = dict(_objects(made, list(named.values()), TARGETS[target]))
    build = hashlib.sha256(b"".join(objects.values())).hexdigest()
    objects[f"{name}.o"] = _support(made, build, TARGETS[target])
    return Library(made, target, build, objects)


def _objects(
    made: Interface, programs: Sequence[tuple[Term, Signature]], target: Target
) -> Iterator[tuple[str, bytes]]:
    """Yield the object of each level."""
    for level in target.levels:
        module = _compiled(programs, level)
        for function in made.functions:
            add_entry(module, function, version(function.symbol, level), "hidden")
        yield f"{made.name}.{level}.o", _object(module, target, _PROCESSORS.get(level, level))


def _support(made: Interface, build: str, target: Target) -> bytes:
    """Return the object of what the levels share."""
    return _object(support(made, build, target.levels, new_context()), target, target.every)


def _compiled(programs: Sequence[tuple[Term, Signature]], level: str) -> ir.Module:
    """Return the module of some functions in the LLVM dialect, which nobody outside sees."""
    module = emitted(*programs)
    run(module, stages(machine=Machine.named(level))[1:])
    with module.context:
        for op in module.body:
            if isinstance(op, llvm.LLVMFuncOp) and op.body.blocks:
                op.attributes["linkage"] = ir.Attribute.parse("#llvm.linkage<internal>")
    return module


def _object(module: ir.Module, target: Target, processor: str) -> bytes:
    run(module, [Stage("interface", (LOWERING,), _LEGAL)])
    return toolchain.object_code(llvm_ir(module), target.triple, processor)


def _renamed(name: str, term: Term, signature: Signature) -> tuple[Term, Signature]:
    return replace(term, name=name), replace(signature, name=name)
