"""Memory checks: generated code that looks up, before an address is used, whether the thread may access it.

Every place in the program that accesses global memory remembers the allocation that it found last. Shared memory has a
shadow: one byte for each of its bytes, which says whether the block has written it.
"""

from __future__ import annotations

from functools import cache

from catgrad.runtime.gpu_emulator.code import Operand, Record, Word, constant, either, load, loop, store, when, where
from catgrad.runtime.gpu_emulator.layout import LAUNCH, Fault
from catgrad.runtime.gpu_emulator.routines import Routine, routine

__all__ = ["PENDING", "WRITTEN", "aligned", "anywhere", "fault", "global_memory", "inside", "mark", "shared_memory"]

WRITTEN, PENDING = 1, 2
"""States of a byte of shared memory, besides 0: its value is there; a copy into it is under way."""

_ROW = 16


@routine(64, 32, 32, 64, 64)
def fault(launch: Word, kind: Word, site: Word, address: Word, size: Word) -> None:
    """Note what went wrong, if nothing has before."""
    state = Record(LAUNCH, launch)
    with when(state.get("fault").equals(Fault.NONE)):
        state.set("fault", kind)
        state.set("fault_site", site)
        state.set("fault_address", address)
        state.set("fault_size", size)
        state.set("fault_thread", state.get("current"))


def inside(address: Word, size: Operand, start: Word, length: Word) -> Word:
    """Return a bit: whether `size` bytes at `address` are among `length` bytes at `start`."""
    offset = address - start
    rest = length - offset
    return (offset <= length) & (rest >= size)


@routine(64, 32, 64, 64, result=1)
def _find(launch: Word, site: Word, address: Word, size: Word) -> Word:
    """Look an address up in the table of allocations, and remember what was found."""
    state = Record(LAUNCH, launch)
    found = state.get("found") + site.to(64) * _ROW
    with loop(state.get("allocations_count")) as i:
        row = state.get("allocations") + i * _ROW
        start, length = load(row, 64), load(row + 8, 64)
        with when(inside(address, size, start, length)):
            store(found, start)
            store(found + 8, length)
    return inside(address, size, load(found, 64), load(found + 8, 64))


def _allocated(launch: Word, site: Word, address: Word, size: Word) -> Word:
    """Return a bit: whether bytes are in an allocation."""
    found = Record(LAUNCH, launch).get("found") + site.to(64) * _ROW
    hit = inside(address, size, load(found, 64), load(found + 8, 64))
    return either(hit, lambda: constant(1, 1), lambda: _find(launch, site, address, size))


@routine(64, 32, 64, 64, result=1)
def global_memory(launch: Word, site: Word, address: Word, size: Word) -> Word:
    """Return whether bytes are in an allocation; note a fault if they are not."""
    valid = _allocated(launch, site, address, size)
    with when(~valid):
        fault(launch, Fault.GLOBAL, site, address, size)
    return valid


@cache
def anywhere(size: int, reads: bool, writes: bool) -> Routine:
    """Return the routine that says whether `size` bytes may be accessed by a generic address.

    Args:
        size: A number of bytes.
        reads: Whether the bytes are read.
        writes: Whether they are written.
    """

    def body(launch: Word, site: Word, address: Word) -> Word:
        state = Record(LAUNCH, launch)

        def elsewhere() -> Word:
            window = inside(address, size, state.get("shared"), state.get("shared_size"))
            return either(
                window,
                lambda: shared_memory(size, reads, writes)(launch, site, address),
                lambda: global_memory(launch, site, address, size),
            )

        hit = _allocated(launch, site, address, constant(size, 64))
        return either(hit, lambda: constant(1, 1), elsewhere)

    return Routine(f"emulator.anywhere.{_suffix(size, reads, writes)}", (64, 32, 64), 1, body, is_hot=True)


@cache
def shared_memory(size: int, reads: bool, writes: bool) -> Routine:
    """Return the routine that says whether `size` bytes of shared memory may be accessed, and notes what is written.

    Args:
        size: A number of bytes.
        reads: Whether the bytes are read: the block must have written them.
        writes: Whether they are written.
    """

    def body(launch: Word, site: Word, address: Word) -> Word:
        state = Record(LAUNCH, launch)
        window = inside(address, size, state.get("shared"), state.get("shared_size"))

        def defined() -> Word:
            shadow = state.get("shadow") + (address - state.get("shared"))
            valid = _all_written(shadow, size) if reads else constant(1, 1)
            with when(~valid):
                _explain(launch, site, address, size)
            if writes:
                mark(shadow, size, WRITTEN)
            return valid

        def outside() -> Word:
            fault(launch, Fault.SHARED, site, address, size)
            return constant(0, 1)

        return either(window, defined, outside)

    return Routine(f"emulator.shared.{_suffix(size, reads, writes)}", (64, 32, 64), 1, body, is_hot=True)


@routine(64, 32, 64, 64)
def _explain(launch: Word, site: Word, address: Word, size: Word) -> None:
    """Note why bytes of shared memory cannot be read."""
    state = Record(LAUNCH, launch)
    with loop(size) as i:
        at = load(state.get("shadow") + (address - state.get("shared")) + i, 8)
        with when(at.differs(WRITTEN)):
            kind = where(at.equals(PENDING), Fault.PENDING, constant(Fault.UNWRITTEN, 32))
            fault(launch, kind, site, address, size)


def aligned(launch: Word, site: Word, address: Word, size: Operand, alignment: int) -> Word:
    """Return a bit: whether an address is a multiple of `alignment`; note a fault if it is not."""
    valid = (address & (alignment - 1)).equals(0)
    with when(~valid):
        fault(launch, Fault.MISALIGNED, site, address, size)
    return valid


def mark(shadow: Word, size: int, state: int) -> None:
    """Set the state of `size` bytes of shared memory, whose shadow begins at `shadow`."""
    for offset, width in _pieces(size):
        store(shadow + offset, constant(_splat(state, width), 8 * width))


def _all_written(shadow: Word, size: int) -> Word:
    """Return a bit: whether all bytes are there."""
    valid = constant(1, 1)
    for offset, width in _pieces(size):
        valid = valid & load(shadow + offset, 8 * width).equals(_splat(WRITTEN, width))
    return valid


def _pieces(size: int) -> list[tuple[int, int]]:
    """Return offsets and widths, powers of two up to 8, that make up `size` bytes."""
    pieces, offset = [], 0
    while offset < size:
        width = 8
        while width > size - offset:
            width //= 2
        pieces.append((offset, width))
        offset += width
    return pieces


def _splat(state: int, width: int) -> int:
    return int.from_bytes(bytes([state] * width), "little")


def _suffix(size: int, reads: bool, writes: bool) -> str:
    return f"{size}{'r' * reads}{'w' * writes}"
