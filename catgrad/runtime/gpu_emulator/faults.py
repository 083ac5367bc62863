"""Faults: the ways in which a launch can fail, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from catgrad.errors import CatgradError
from catgrad.runtime.gpu_emulator.layout import Fault, State

__all__ = ["EmulationError", "OutOfMemoryError", "Scene", "explain"]


class EmulationError(CatgradError, RuntimeError):
    """A kernel did what is an error on a device, or is undefined there; or a launch or copy asked for what it has not.

    The message names the kernel, the indices of block and thread, and the operation.
    """


class OutOfMemoryError(EmulationError, MemoryError):
    """An emulated device was asked for more memory than the machine has that emulates it."""


@dataclass(frozen=True)
class Scene:
    """Record of a failed launch.

    Attributes:
        kernel: The name of the kernel.
        launch: The record of the launch.
        threads: The records of the threads of the block.
        sites: The places in the program, by number.
        where: What is known of the address, in words.
    """

    kernel: str
    launch: Any
    threads: np.ndarray[Any, np.dtype[Any]]
    sites: Sequence[str]
    where: str


_ACCESSES = {
    Fault.MISALIGNED: "a misaligned address",
    Fault.LOCAL: "outside the variable it points into",
    Fault.UNWRITTEN: "shared memory that no thread of the block has written",
    Fault.PENDING: "shared memory before the copy into it was waited for",
}
_OTHERS = {
    Fault.NOT_IN_MASK: "the mask lacks the lane that executes it",
    Fault.LANES_MISSING: "not all 32 lanes of the warp take part",
    Fault.LANE_ABSENT: "it reads from lane {}, which does not take part",
    Fault.BARRIER: "barriers are 0 to 15, for a multiple of 32 threads: got barrier {} for {} threads",
    Fault.UNREACHABLE: "the program states that no thread comes here",
}
"""What is no access; some have two numbers in place of an address and a size."""


def explain(scene: Scene) -> str:
    """Return the message of a failed launch."""
    fault, launch = Fault(int(scene.launch["fault"])), scene.launch
    thread = scene.threads[(int(launch["fault_thread"]) - int(launch["threads"])) // scene.threads.itemsize]
    block = f"block {_index(launch['block_index'])}"
    begin = f"kernel {scene.kernel}, {block}, thread {_index(thread['index'])}: "
    site, size = scene.sites[int(launch["fault_site"])], int(launch["fault_size"])
    access = f"{site}: {size:,} bytes at {int(launch['fault_address']):#x}"
    if fault is Fault.GLOBAL:
        return f"{begin}{access}, outside every allocation: {scene.where}"
    if fault is Fault.SHARED:
        offset = int(launch["fault_address"]) - int(launch["shared"])
        total = int(launch["shared_size"])
        return f"{begin}{site}: {size:,} bytes at {offset:,}, outside the {total:,} bytes of shared memory"
    if fault is Fault.STUCK:
        return f"{begin}{_stuck(scene)}"
    if fault in _OTHERS:
        return f"{begin}{site}: {_OTHERS[fault].format(int(launch['fault_address']), size)}"
    return f"{begin}{access}, {_ACCESSES[fault]}"


def _stuck(scene: Scene) -> str:
    """Return where the threads of a block are that wait for each other in vain."""
    groups: dict[str, list[Any]] = {}
    for thread in scene.threads:
        exited = int(thread["state"]) == State.EXITED
        groups.setdefault("have exited" if exited else f"wait at {scene.sites[int(thread['site'])]}", []).append(thread)
    parts = [f"{len(each):,} {text}, the first of them {_index(each[0]['index'])}" for text, each in groups.items()]
    return f"the threads of the block wait for each other: {'; '.join(parts)}"


def _index(numbers: Any) -> str:
    return f"({', '.join(str(int(each)) for each in numbers)})"
