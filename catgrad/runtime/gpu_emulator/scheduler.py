"""Runs the threads of a grid: generated code that resumes coroutines in the order of a schedule.

Blocks run one after the other. In a block, warps take turns; in its turn a warp resumes each of its threads that can
run, up to its next synchronisation, then completes what its lanes wait for together. When no thread can run, barriers
that are complete are opened. When none is and threads are left, the block is stuck.

Reference: PTX ISA, sections "bar, barrier" and "bar.warp.sync".
"""

from __future__ import annotations

from mlir import ir
from mlir.dialects import llvm

from catgrad.runtime.gpu_emulator.code import (
    Record,
    Word,
    constant,
    load,
    loop,
    pointer,
    repeat,
    thread_at,
    when,
    where,
)
from catgrad.runtime.gpu_emulator.copies import drop_copies
from catgrad.runtime.gpu_emulator.layout import LAUNCH, THREAD, WARP, Fault, State
from catgrad.runtime.gpu_emulator.routines import call, call_address, routine

__all__ = ["run_grid"]


@routine(64, 64)
def run_grid(launch: Word, start: Word) -> None:
    """Run all blocks of a launch, until one fails; `start` is the address of the function that starts a thread."""
    state = Record(LAUNCH, launch)
    with loop(state.get("blocks_count")) as i, when(state.get("fault").equals(Fault.NONE)):
        _place_block(launch, load(state.get("blocks") + i * 8, 64))
        with repeat() as again:
            _sweep(launch, start)
            with when(state.get("moved").equals(0)):
                _open_barriers(launch)
            again(state.get("moved").differs(0) & state.get("fault").equals(Fault.NONE))
        with loop(state.get("threads_count")) as number:
            drop_copies(thread_at(state.get("threads"), number).address)
    with loop(state.get("threads_count")) as number:
        call("free", [pointer(thread_at(state.get("threads"), number).get("frame"))], [])


@routine(64, 64)
def _place_block(launch: Word, number: Word) -> None:
    """Begin the block of a number: nothing is written in shared memory, and every thread is new."""
    state = Record(LAUNCH, launch)
    rest = number
    for axis in range(3):
        size = state.get("grid_size", axis).to(64)
        state.set("block_index", rest % size, axis)
        rest = rest // size
    zero = constant(0, 8)
    llvm.intr_memset(pointer(state.get("shadow")), zero.value, state.get("shared_size").value, False)
    with loop(state.get("threads_count")) as i:
        thread = thread_at(state.get("threads"), i)
        thread.set("state", State.NEW)
        thread.set("groups", 0)


@routine(64, 64)
def _sweep(launch: Word, start: Word) -> None:
    """Give every warp a turn, in the order of this turn."""
    state = Record(LAUNCH, launch)
    state.set("moved", 0)
    length = state.get("warps") * WARP
    order = state.get("orders") + (state.get("turn") % state.get("orders_count") * length).to(64) * 4
    state.set("turn", state.get("turn") + 1)
    with loop(state.get("warps")) as warp:
        lanes = order + warp.to(64) * (4 * WARP)
        with repeat() as again:
            moved = _run_warp(launch, start, lanes)
            state.set("moved", state.get("moved") | moved)
            again(moved.differs(0) & state.get("greedy").differs(0) & state.get("fault").equals(Fault.NONE))


@routine(64, 64, 64, result=32)
def _run_warp(launch: Word, start: Word, lanes: Word) -> Word:
    """Let the threads of a warp run that can, in the order of `lanes`; return how many did."""
    state = Record(LAUNCH, launch)
    state.set("resumed", 0)
    with loop(WARP) as i:
        thread = thread_at(state.get("threads"), load(lanes + i * 4, 32))
        with when((thread.get("state") <= State.READY) & state.get("fault").equals(Fault.NONE)):
            state.set("resumed", state.get("resumed") + 1)
            state.set("current", thread.address)
            _advance(state, thread, start)
    moved = state.get("resumed")
    with when(moved.differs(0)):
        _complete(launch, load(lanes, 32) // WARP * WARP)
    return moved


def _advance(state: Record, thread: Record, start: Word) -> None:
    """Start a new thread, or resume one that waited, up to where it waits next."""
    is_new = thread.get("state").equals(State.NEW)
    with when(is_new):
        operands = [pointer(each) for each in (state.get("parameters"), state.address, thread.address)]
        handle = call_address(start, operands, [llvm.PointerType.get()])
        thread.set("handle", Word(llvm.ptrtoint(ir.IntegerType.get_signless(64), handle)))
    with when(~is_new):
        llvm.intr_coro_resume(pointer(thread.get("handle")))


@routine(64, 32)
def _complete(launch: Word, first: Word) -> None:
    """Do what lanes of a warp wait for together, where all of them have come that have not exited."""
    state = Record(LAUNCH, launch)
    threads = state.get("threads") + first.to(64) * THREAD.itemsize
    rest = state.get("threads_count") - first
    lanes = where(rest < WARP, rest, constant(WARP, 32))
    state.set("waiting", 0)
    with loop(lanes) as lane:
        waits = thread_at(threads, lane).get("state").equals(State.AT_COLLECTIVE)
        state.set("waiting", state.get("waiting") | (waits.to(32) << lane))
    with loop(lanes) as lane, when((state.get("waiting") >> lane & 1).differs(0)):
        group = _group(threads, lanes, lane)
        with when(group.differs(0)):
            state.set("waiting", state.get("waiting") & ~group)
            collective = thread_at(threads, lane).get("collective")
            call_address(collective, [launch.value, threads.value, group.value], [])
            _release(threads, lanes, group)


@routine(64, 32, 32, result=32)
def _group(threads: Word, lanes: Word, leader: Word) -> Word:
    """Return the lanes that wait with `leader`, as bits; nothing while one of them has still to come."""
    first = thread_at(threads, leader)
    # What the loop finds out goes through memory: the leader's outputs, which have no meaning while it waits.
    first.set("outputs", 0, 0)
    first.set("outputs", 0, 1)
    with loop(lanes) as lane, when((first.get("mask") >> lane & 1).differs(0)):
        thread = thread_at(threads, lane)
        state = thread.get("state")
        with when(state.differs(State.EXITED)):
            same = state.equals(State.AT_COLLECTIVE)
            for name in ("mask", "site"):
                same = same & thread.get(name).equals(first.get(name))
            first.set("outputs", first.get("outputs", 0) | (constant(1, 32) << lane), 0)
            first.set("outputs", first.get("outputs", 1) | (~same).to(32), 1)
    return where(first.get("outputs", 1).equals(0), first.get("outputs", 0), constant(0, 32))


def _release(threads: Word, lanes: Word, group: Word) -> None:
    with loop(lanes) as lane, when((group >> lane & 1).differs(0)):
        thread_at(threads, lane).set("state", State.READY)


@routine(64)
def _open_barriers(launch: Word) -> None:
    """Let go the threads of barriers that are complete; note a fault where none is, though threads are left."""
    state = Record(LAUNCH, launch)
    threads, count = state.get("threads"), state.get("threads_count")
    state.set("waiting", 0)
    with loop(count) as i:
        thread = thread_at(threads, i)
        with when(thread.get("state").differs(State.EXITED)):
            state.set("waiting", 1)
            state.set("current", thread.address)
        with when(thread.get("state").equals(State.AT_BARRIER)):
            _open_barrier(launch, thread.address)
    with when(state.get("waiting").differs(0) & state.get("moved").equals(0)):
        thread = Record(THREAD, state.get("current"))
        state.set("fault", Fault.STUCK)
        state.set("fault_site", thread.get("site"))
        state.set("fault_thread", thread.address)


@routine(64, 64)
def _open_barrier(launch: Word, address: Word) -> None:
    """Let go the threads of one barrier, if all that it expects have come."""
    state, leader = Record(LAUNCH, launch), Record(THREAD, address)
    threads, count = state.get("threads"), state.get("threads_count")
    leader.set("outputs", 0)
    with loop(count) as i, when(_at_same_barrier(thread_at(threads, i), leader)):
        leader.set("outputs", leader.get("outputs") + 1)
    expected = leader.get("expected")
    with when(leader.get("outputs").equals(where(expected.equals(0), count, expected))):
        state.set("moved", 1)
        with loop(count) as i:
            thread = thread_at(threads, i)
            with when(_at_same_barrier(thread, leader) & thread.address.differs(address)):
                thread.set("state", State.READY)
        leader.set("state", State.READY)


def _at_same_barrier(thread: Record, leader: Record) -> Word:
    """Return a bit: only a barrier for a number of threads may be reached at different places."""
    same = thread.get("state").equals(State.AT_BARRIER)
    for name in ("barrier", "expected"):
        same = same & thread.get(name).equals(leader.get(name))
    return same & (thread.get("site").equals(leader.get("site")) | leader.get("expected").differs(0))
