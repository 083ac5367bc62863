"""Warp-wide operations, done by the lanes together once all of them have come: generated code.

A collective is a routine that takes the launch, the record of the warp's first thread, and the lanes that take part as
bits. Lanes find its results in their `outputs`.

Reference: PTX ISA, sections "shfl.sync", "vote.sync", "ldmatrix".
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from catgrad.runtime.gpu_emulator.access import fault
from catgrad.runtime.gpu_emulator.code import Record, Word, load, loop, thread_at, when
from catgrad.runtime.gpu_emulator.layout import LAUNCH, WARP, Fault
from catgrad.runtime.gpu_emulator.routines import Routine, routine

__all__ = ["collective", "lanes_of", "load_matrices", "meet", "shuffle", "vote", "whole_warp"]

collective = routine(64, 64, 32)
"""Makes a collective of the function that emits it."""


@contextmanager
def lanes_of(threads: Word, group: Word) -> Iterator[tuple[Word, Record]]:
    """Emit what is inside the `with` for each lane of a group: its number and its record."""
    with loop(WARP) as wide:
        lane = wide.to(32)
        with when((group >> lane & 1).differs(0)):
            yield lane, thread_at(threads, lane)


@contextmanager
def whole_warp(launch: Word, threads: Word, group: Word) -> Iterator[None]:
    """Emit what is inside the `with` for the case that all lanes take part; else note a fault."""
    complete = group.equals(-1)
    with when(~complete), lanes_of(threads, group) as (_, thread):
        fault(launch, Fault.LANES_MISSING, thread.get("site"), 0, 0)
    with when(complete):
        yield


@collective
def meet(launch: Word, threads: Word, group: Word) -> None:
    """Wait for each other."""


@collective
def shuffle(launch: Word, threads: Word, group: Word) -> None:
    """Give every lane the first input of the lane that its second input names; it is a fault if that is not there."""
    with lanes_of(threads, group) as (_, thread):
        source = thread.get("inputs", 1) & (WARP - 1)
        takes_part = (group >> source & 1).differs(0)
        with when(takes_part):
            thread.set("outputs", thread_at(threads, source).get("inputs"))
        with when(~takes_part):
            Record(LAUNCH, launch).set("current", thread.address)
            fault(launch, Fault.LANE_ABSENT, thread.get("site"), source, 0)


@collective
def vote(launch: Word, threads: Word, group: Word) -> None:
    """Give every lane the lanes whose input is not zero, and the lanes that voted, as bits."""
    with lanes_of(threads, group) as (_, thread):
        thread.set("outputs", 0, 0)
        thread.set("outputs", group, 1)
        with lanes_of(threads, group) as (other, voter):
            yes = voter.get("inputs").differs(0).to(32) << other
            thread.set("outputs", thread.get("outputs") | yes)


def load_matrices(count: int, transposed: bool) -> Routine:
    """Return the collective that loads `count` matrices of 8 × 8 elements of 16 bits.

    Lane 8 i + r has the address of row r of matrix i in its first two inputs. Output i of lane 4 r + c is made of the
    elements 2 c and 2 c + 1 of row r of matrix i, or of column r if it is transposed.
    """

    def body(launch: Word, threads: Word, group: Word) -> None:
        with whole_warp(launch, threads, group), lanes_of(threads, group) as (lane, thread):
            row, column = lane >> 2, lane & 3
            for i in range(count):
                thread.set("outputs", _pair(threads, 8 * i, row, column, transposed), i)

    return Routine(f"emulator.load_matrices.{count}{'t' * transposed}", (64, 64, 32), 0, body)


def _pair(threads: Word, first: int, row: Word, column: Word, transposed: bool) -> Word:
    """Return two neighbours, as one word, of a row or a column of the matrix whose first row lane `first` gives."""
    if not transposed:
        return load(_row(threads, row + first) + column.to(64) * 4, 32)
    low, high = (load(_row(threads, column * 2 + (first + i)) + row.to(64) * 2, 16).to(32) for i in range(2))
    return low | (high << 16)


def _row(threads: Word, lane: Word) -> Word:
    """Return the address that a lane gives for a row."""
    return load(thread_at(threads, lane).at("inputs"), 64)
