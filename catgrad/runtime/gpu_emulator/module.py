"""From the module of a device's kernels to one of coroutines in the LLVM dialect, and the scheduler that runs them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from mlir import ir
from mlir.dialects import llvm
from mlir.passmanager import PassManager

from catgrad.errors import CompileError
from catgrad.runtime.gpu_emulator.calls import CALLS
from catgrad.runtime.gpu_emulator.code import Word, pointer
from catgrad.runtime.gpu_emulator.conversions import declare_conversions
from catgrad.runtime.gpu_emulator.coroutine import Coroutine, Sites, make_coroutine
from catgrad.runtime.gpu_emulator.guards import GUARDS, HARMLESS
from catgrad.runtime.gpu_emulator.roots import escapes
from catgrad.runtime.gpu_emulator.routines import declare
from catgrad.runtime.gpu_emulator.rules import RULES, UnsupportedError
from catgrad.runtime.gpu_emulator.scheduler import run_grid
from catgrad.runtime.gpu_emulator.variables import Variables, take_variables

__all__ = ["RUN", "Kernel", "Program", "library_module", "translate"]

RUN = "run"
"""The function that runs a launch."""

_FLATTEN = "builtin.module(inline,symbol-dce)"
_LOWER = (
    "builtin.module(canonicalize,convert-scf-to-cf,convert-math-to-llvm,convert-arith-to-llvm,convert-cf-to-llvm,"
    "canonicalize)"
)
_RULES = {**RULES, **CALLS}
_STOPPING = frozenset({"llvm.intr.trap", "llvm.intr.debugtrap", "llvm.intr.ubsantrap", "llvm.inline_asm"})


@dataclass(frozen=True)
class Kernel:
    """Limits on launches of a kernel.

    Attributes:
        name: Its symbol.
        shared_size: Bytes of shared memory for its variables.
        most: The largest block, by axis, or nothing if the kernel states none.
        exact: Whether blocks have to be of that size.
    """

    name: str
    shared_size: int
    most: tuple[int, ...]
    exact: bool


@dataclass(frozen=True)
class Program:
    """Kernels as coroutines.

    Attributes:
        module: In the LLVM dialect.
        kernels: What is known of the kernels.
        sites: The places in the program that faults can name.
    """

    module: ir.Module
    kernels: tuple[Kernel, ...]
    sites: tuple[str, ...]


def translate(text: str, counts: bool = False) -> Program:
    """Return the kernels of a module as coroutines.

    Args:
        text: A `gpu.module` in the LLVM and NVVM dialects.
        counts: Whether they count what they read and write of global memory.

    Raises:
        CompileError: It has operations that cannot be emulated: all are listed.
    """
    with ir.Context() as context, _diagnostics(context) as messages, ir.Location.unknown():
        try:
            return _translate(_extract(text), counts)
        except ir.MLIRError as error:
            raise CompileError(f"kernels cannot be emulated: {'; '.join(messages) or error}") from error


@contextmanager
def _diagnostics(context: ir.Context) -> Iterator[list[str]]:
    """Collect what MLIR says; an error that a pass survives would abort the process otherwise."""
    messages: list[str] = []

    def collect(diagnostic: ir.Diagnostic) -> bool:
        messages.append(f"{diagnostic.location}: {diagnostic.message}")
        return True

    context.emit_error_diagnostics = True
    handler = context.attach_diagnostic_handler(collect)
    try:
        yield messages
    finally:
        handler.detach()


def _extract(text: str) -> ir.Module:
    """Return a module of what is in a `gpu.module`."""
    outer, program = ir.Module.parse(text), ir.Module.create()
    for op in list(outer.body.operations[0].operation.regions[0].blocks[0]):
        program.body.append(op.operation.detach_from_parent())
    return program


def _translate(program: ir.Module, counts: bool) -> Program:
    PassManager.parse(_FLATTEN).run(program.operation)
    variables, sites = take_variables(program), Sites()
    known, problems = list[Kernel](), list[str]()
    for function in _take_kernels(program):
        offsets, size = variables.place(function.sym_name.value, _used(function))
        known.append(_describe(function, size))
        with ir.InsertionPoint(program.body):
            thread = make_coroutine(function, sites, counts)
        function.erase()
        problems += _Rewriter(thread, offsets, variables).run()
    if problems:
        raise CompileError("kernels cannot be emulated: " + ", ".join(dict.fromkeys(problems)))
    _lower(program)
    return Program(program, tuple(known), tuple(sites.texts))


def library_module() -> ir.Module:
    """Return a module in the LLVM dialect of what the code of kernels is run by and calls: `run`, and conversions.

    `run` runs a launch: it takes the address of its record, and that of the function which starts a thread.
    """
    with ir.Context(), ir.Location.unknown():
        program, size = ir.Module.create(), ir.IntegerType.get_signless(64)
        with ir.InsertionPoint(program.body):
            entry = declare(RUN, [size, size], [])
            declare_conversions()
        with ir.InsertionPoint(entry.regions[0].blocks.append(size, size)):
            run_grid(*map(Word, entry.regions[0].blocks[0].arguments))
            ir.Operation.create("llvm.return")
        _lower(program)
    return program


def _lower(program: ir.Module) -> None:
    """Declare what every module may call of the C library, and lower to the LLVM dialect."""
    address, size = llvm.PointerType.get(), ir.IntegerType.get_signless(64)
    with ir.InsertionPoint.at_block_begin(program.body):
        declare("malloc", [size], [address])
        declare("aligned_alloc", [size, size], [address])
        declare("free", [address], [])
    program.operation.verify()
    PassManager.parse(_LOWER).run(program.operation)


def _take_kernels(program: ir.Module) -> list[llvm.LLVMFuncOp]:
    """Return the kernels, and take other functions out: they were inlined, or calls of them will be refused."""
    functions = [op for op in program.body if isinstance(op, llvm.LLVMFuncOp)]
    for function in functions:
        if not _is_kernel(function):
            function.erase()
    return [op for op in program.body if isinstance(op, llvm.LLVMFuncOp)]


def _used(function: llvm.LLVMFuncOp) -> list[str]:
    """Return the names whose addresses a function takes."""
    ops = [op for block in function.body.blocks for op in block.operations]
    return [op.global_name.value for op in ops if isinstance(op, llvm.AddressOfOp)]


def _is_kernel(function: llvm.LLVMFuncOp) -> bool:
    return bool({"nvvm.kernel", "gpu.kernel"} & set(function.attributes))


def _describe(kernel: llvm.LLVMFuncOp, shared_size: int) -> Kernel:
    attributes = dict(kernel.attributes.items())
    exact, most = attributes.get("nvvm.reqntid"), attributes.get("nvvm.maxntid")
    sizes = exact or most
    return Kernel(kernel.sym_name.value, shared_size, tuple(sizes) if sizes else (), exact is not None)


class _Rewriter:
    """Applies rules and guards to the operations of one kernel."""

    def __init__(self, thread: Coroutine, offsets: dict[str, int], variables: Variables) -> None:
        self._thread = thread
        self._offsets = offsets
        self._variables = variables

    def run(self) -> list[str]:
        """Rewrite all, from the last to the first: waiting splits a block, and moves what follows only once."""
        ops = [op for block in self._blocks() for op in block.operations]
        problems = [
            f"{op.operation.name} whose address is handed on at {op.location}"
            for op in ops[::-1]
            if isinstance(op, llvm.AllocaOp) and escapes(op.operation.results[0])
        ]
        for op in reversed(ops):
            try:
                with ir.InsertionPoint(op), op.location:
                    self._rewrite(op)
            except UnsupportedError as error:
                problems.append(f"{op.operation.name} {error} at {op.location}".replace("  ", " "))
        return problems[::-1]

    def _blocks(self) -> list[ir.Block]:
        own = {self._thread.suspended, self._thread.exited}
        blocks = list(self._thread.function.regions[0].blocks)[1:]
        return [block for block in blocks if block not in own]

    def _rewrite(self, op: ir.OpView) -> None:
        if isinstance(op, llvm.AddressOfOp) and op.global_name.value in self._offsets:
            self._replace(op, self._shared(op))
        elif type(op) in _RULES:
            self._replace(op, _RULES[type(op)](op, self._thread))
        elif type(op) in GUARDS:
            GUARDS[type(op)](op, self._thread, self._variables)
        elif not _is_plain(op):
            raise UnsupportedError

    def _shared(self, op: llvm.AddressOfOp) -> ir.Value:
        address = self._thread.launch.get("shared") + self._offsets[op.global_name.value]
        return pointer(address, op.operation.results[0].type)

    @staticmethod
    def _replace(op: ir.OpView, value: ir.Value | None) -> None:
        if value is not None:
            op.operation.results[0].replace_all_uses_with(value)
        op.operation.erase()


def _is_plain(op: ir.OpView) -> bool:
    """Return whether the processor does with an operation what a device does."""
    name = op.operation.name
    if not name.startswith("llvm.") or name in _STOPPING or op.operation.regions:
        return False
    return name in HARMLESS or not any("!llvm.ptr" in str(operand.type) for operand in op.operands)
