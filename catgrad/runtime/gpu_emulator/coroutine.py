"""From a kernel to a coroutine: a function that starts one thread, and returns whenever the thread waits.

    start(parameters, launch, thread) → handle

takes the table of the addresses of the arguments, and the records of the launch and of the thread. A thread says in
its record what it waits for; the scheduler resumes it by its handle. The memory of a frame is used again by the thread
of the same number in the next block.

Reference: https://llvm.org/docs/Coroutines.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from mlir import ir
from mlir.dialects import llvm

from catgrad.runtime.gpu_emulator.access import fault
from catgrad.runtime.gpu_emulator.code import Record, Word, constant, pointer, when, word
from catgrad.runtime.gpu_emulator.layout import BARRIERS, LAUNCH, THREAD, WARP, Fault, State
from catgrad.runtime.gpu_emulator.routines import Routine, call, declare, routine

__all__ = ["Coroutine", "Sites", "make_coroutine", "starter"]

_ALIGNMENT = 128
"""Of frames: enough for the vectors of any processor."""


class Sites:
    """The places in the program that a fault can name, numbered."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def add(self, op: ir.OpView) -> int:
        """Return a new number for an operation."""
        self.texts.append(f"{op.operation.name} at {op.location}")
        return len(self.texts) - 1


@dataclass
class Coroutine:
    """A kernel that becomes a coroutine.

    Attributes:
        function: The function that starts a thread.
        launch: The record of the launch.
        thread: The record of the thread.
        handle: The token of the coroutine.
        suspended: Where a thread goes that waits.
        exited: Where a thread goes that is done.
        sites: The places that faults can name.
        counts: Whether it counts what it reads and writes of global memory.
    """

    function: ir.Operation
    launch: Record
    thread: Record
    handle: ir.Value
    suspended: ir.Block
    exited: ir.Block
    sites: Sites = field(repr=False)
    counts: bool = False

    def count(self, size: Word, reads: bool, writes: bool) -> None:
        """Emit the counting of an access to global memory, if the kernel counts."""
        for name, moves in (("read_bytes", reads), ("written_bytes", writes)):
            if self.counts and moves:
                self.launch.set(name, self.launch.get(name) + size)

    def lane(self) -> Word:
        """Emit the number of the thread in its warp."""
        return self.thread.get("linear") & (WARP - 1)

    @contextmanager
    def collective(self, op: ir.OpView, together: Routine, inputs: Sequence[Word], mask: Word) -> Iterator[Record]:
        """Emit, before `op`, that the thread does something together with the lanes in `mask`.

        The code inside the `with` runs afterwards, and finds the results in the record that is yielded.
        """
        site = self.sites.add(op)
        with self._waiting(op, State.AT_COLLECTIVE, site):
            with when((mask >> self.lane() & 1).equals(0)):
                fault(self.launch.address, Fault.NOT_IN_MASK, site, 0, 0)
            self.thread.set("mask", mask)
            self.thread.set("collective", together.address())
            offset = 0
            for each in inputs:
                llvm.store(each.value, pointer(self.thread.at("inputs", offset)), alignment=4)
                offset += each.bits // 32
        with ir.InsertionPoint(op):
            yield self.thread

    def barrier(self, op: ir.OpView, number: Word, expected: Word) -> None:
        """Emit, before `op`, that the thread waits at a barrier for `expected` threads, or for all if that is 0."""
        site = self.sites.add(op)
        with self._waiting(op, State.AT_BARRIER, site):
            with when((number >= BARRIERS) | (expected % WARP).differs(0)):
                fault(self.launch.address, Fault.BARRIER, site, number, expected)
            self.thread.set("barrier", number)
            self.thread.set("expected", expected)

    @contextmanager
    def _waiting(self, op: ir.OpView, state: State, site: int) -> Iterator[None]:
        """Emit what is inside the `with`, then suspend the thread; `op` begins what is done when it is resumed."""
        yield
        self.thread.set("state", state)
        self.thread.set("site", site)
        block = op.operation.block
        rest = block.create_after()
        _move_from(op, block, rest)
        with ir.InsertionPoint(block):
            saved = llvm.intr_coro_save(ir.Type.parse("!llvm.token"), self.handle)
            resumed = llvm.intr_coro_suspend(ir.IntegerType.get_signless(8), saved, constant(0, 1).value)
            llvm.cond_br(Word(resumed).equals(0).value, [], [], rest, self.suspended)


def _move_from(op: ir.OpView, block: ir.Block, target: ir.Block) -> None:
    """Move `op` and what follows it to the end of another block."""
    following = list(block.operations)
    first = next(i for i, each in enumerate(following) if each.operation == op.operation)
    for each in following[first:]:
        target.append(each.operation)


def starter(kernel: str) -> str:
    """Return the name of the function that starts a thread of a kernel."""
    return f"thread.{kernel}"


def make_coroutine(kernel: llvm.LLVMFuncOp, sites: Sites, counts: bool = False) -> Coroutine:
    """Take the body of a kernel into a new function that starts a thread of it.

    Args:
        kernel: A function of the LLVM dialect; it is left without a body, and has to be erased.
        sites: Where to number places in the program.
        counts: Whether it counts what it reads and writes of global memory.
    """
    address = llvm.PointerType.get()
    function = declare(
        starter(kernel.sym_name.value),
        [address] * 3,
        [address],
        passthrough=ir.ArrayAttr.get([ir.StringAttr.get("presplitcoroutine")]),
    )
    region = function.regions[0]
    entry = region.blocks.append(*[address] * 3)
    body = list(kernel.regions[0].blocks)
    for block in body:
        block.append_to(region)
    suspended, exited = region.blocks.append(), region.blocks.append()
    with ir.InsertionPoint(entry):
        parameters, *records = map(word, entry.arguments)
        launch, thread = Record(LAUNCH, records[0]), Record(THREAD, records[1])
        handle = _begin(thread)
        _bind(list(body[0].arguments), parameters)
        llvm.br([], body[0])
    for i in reversed(range(len(body[0].arguments))):
        body[0].erase_argument(i)
    _end(thread, handle, suspended, exited)
    return Coroutine(function, launch, thread, handle, suspended, exited, sites, counts)


def _begin(thread: Record) -> ir.Value:
    """Emit the beginning of a coroutine, and return its handle."""
    nothing = llvm.mlir_zero(llvm.PointerType.get())
    token = ir.Type.parse("!llvm.token")
    identity = llvm.intr_coro_id(token, constant(_ALIGNMENT, 32).value, nothing, nothing, nothing)
    size = Word(llvm.intr_coro_size(ir.IntegerType.get_signless(64)))
    memory = pointer(_frame(thread.address, size))
    return llvm.intr_coro_begin(llvm.PointerType.get(), identity, memory)


@routine(64, 64, result=64)
def _frame(address: Word, size: Word) -> Word:
    """Return the memory for the frame of a thread, all of whose frames have one size."""
    thread = Record(THREAD, address)
    with when(thread.get("frame").equals(0)):
        rounded = (size + (_ALIGNMENT - 1)) & -_ALIGNMENT
        memory = call("aligned_alloc", [constant(_ALIGNMENT, 64).value, rounded.value], [llvm.PointerType.get()])
        thread.set("frame", word(memory))
    return thread.get("frame")


def _bind(arguments: Sequence[ir.Value], parameters: Word) -> None:
    """Load the values of a kernel's arguments by the table of their addresses."""
    for i, argument in enumerate(arguments):
        slot = llvm.load(llvm.PointerType.get(), pointer(parameters + 8 * i))
        argument.replace_all_uses_with(llvm.load(argument.type, slot, alignment=1))


def _end(thread: Record, handle: ir.Value, suspended: ir.Block, exited: ir.Block) -> None:
    """Emit the two ways out of a coroutine; a thread that has exited is never resumed."""
    with ir.InsertionPoint(exited):
        thread.set("state", State.EXITED)
        llvm.br([], suspended)
    with ir.InsertionPoint(suspended):
        nothing = llvm.mlir_none()
        llvm.intr_coro_end(ir.IntegerType.get_signless(1), handle, constant(0, 1).value, nothing)
        ir.Operation.create("llvm.return", operands=[handle])
