"""Asynchronous copies from global to shared memory, done as late as the kernel allows: when it waits for them.

Until then the target's bytes are pending, so that a read that comes too early is found whatever the schedule.

Reference: PTX ISA, sections "cp.async", "cp.async.commit_group" and "cp.async.wait_group".
"""

from __future__ import annotations

from functools import cache

from mlir.dialects import llvm

from catgrad.runtime.gpu_emulator.access import PENDING, WRITTEN, aligned, fault, global_memory, inside, mark
from catgrad.runtime.gpu_emulator.code import Record, Word, constant, either, pointer, repeat, when, where, word
from catgrad.runtime.gpu_emulator.layout import COPY, LAUNCH, THREAD, Fault
from catgrad.runtime.gpu_emulator.routines import Routine, call, routine

__all__ = ["commit", "drop_copies", "start_copy", "wait"]


@cache
def start_copy(size: int) -> Routine:
    """Return the routine that begins a copy of `size` bytes, of which all but the first few may be zeros."""

    def body(launch: Word, site: Word, target: Word, source: Word, source_size: Word) -> None:
        state = Record(LAUNCH, launch)
        source_size = where(source_size < size, source_size, constant(size, 64))
        window = inside(target, size, state.get("shared"), state.get("shared_size"))
        with when(~window):
            fault(launch, Fault.SHARED, site, target, size)
        straight = aligned(launch, site, target, size, size) & aligned(launch, site, source, size, size)
        readable = either(
            source_size.equals(0),
            lambda: constant(1, 1),
            lambda: global_memory(launch, site, source, source_size),
        )
        with when(window & straight & readable):
            mark(state.get("shadow") + (target - state.get("shared")), size, PENDING)
            _append(state.get("current"), target, source, constant(size, 64), source_size)

    return Routine(f"emulator.start_copy.{size}", (64, 32, 64, 64, 64), 0, body)


@routine(64, 64, 64, 64, 64)
def _append(address: Word, target: Word, source: Word, size: Word, source_size: Word) -> None:
    """Put a copy at the end of a thread's list."""
    thread = Record(THREAD, address)
    memory = call("malloc", [constant(COPY.itemsize, 64).value], [llvm.PointerType.get()])
    copy = Record(COPY, word(memory))
    for name, number in {"target": target, "source": source, "size": size, "source_size": source_size}.items():
        copy.set(name, number)
    copy.set("next", 0)
    copy.set("group", thread.get("groups"))
    is_first = thread.get("first_copy").equals(0)
    with when(is_first):
        thread.set("first_copy", copy.address)
    with when(~is_first):
        Record(COPY, thread.get("last_copy")).set("next", copy.address)
    thread.set("last_copy", copy.address)


@routine(64)
def commit(launch: Word) -> None:
    """End a group of copies: those that the running thread began since the last one."""
    thread = Record(THREAD, Record(LAUNCH, launch).get("current"))
    thread.set("groups", thread.get("groups") + 1)


@routine(64, 32)
def wait(launch: Word, most: Word) -> None:
    """Complete the groups of the running thread but for the `most` latest."""
    state = Record(LAUNCH, launch)
    thread = Record(THREAD, state.get("current"))
    with repeat() as again:
        begun = thread.get("first_copy")
        due = either(
            begun.equals(0),
            lambda: constant(0, 1),
            lambda: Record(COPY, begun).get("group") + most < thread.get("groups"),
        )
        with when(due):
            _copy(state, Record(COPY, begun))
            _pop(thread)
        again(due)


def _copy(state: Record, copy: Record) -> None:
    """Make a copy; what the source is too short for becomes zero."""
    size, target = copy.get("size"), copy.get("target")
    zero, written = constant(0, 8).value, constant(WRITTEN, 8).value
    llvm.intr_memset(pointer(target), zero, size.value, False)
    llvm.intr_memcpy(pointer(target), pointer(copy.get("source")), copy.get("source_size").value, False)
    shadow = state.get("shadow") + (target - state.get("shared"))
    llvm.intr_memset(pointer(shadow), written, size.value, False)


def _pop(thread: Record) -> None:
    """Take the first copy from a thread's list."""
    copy = Record(COPY, thread.get("first_copy"))
    thread.set("first_copy", copy.get("next"))
    call("free", [pointer(copy.address)], [])


@routine(64)
def drop_copies(address: Word) -> None:
    """Forget the copies that a thread never waited for."""
    thread = Record(THREAD, address)
    with repeat() as again:
        left = thread.get("first_copy").differs(0)
        with when(left):
            _pop(thread)
        again(left)
