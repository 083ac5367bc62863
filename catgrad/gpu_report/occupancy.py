"""Occupancy: how many warps of a kernel a multiprocessor keeps at once, of those that it could.

Reference: CUDA C++ Best Practices Guide, section "Calculating Occupancy"; `cuda_occupancy.h` of the CUDA toolkit.
"""

from __future__ import annotations

from dataclasses import dataclass

from catgrad.passes.gpu.machine import GpuMachine

__all__ = ["Occupancy", "occupancy"]


@dataclass(frozen=True)
class Occupancy:
    """Occupancy: blocks and warps of a kernel on a multiprocessor at once.

    Attributes:
        blocks: Blocks.
        warps: Warps of these.
        most_warps: The warps that a multiprocessor can keep.
        limits: What allows no more blocks: some of "registers", "shared memory", "warps", "blocks".
    """

    blocks: int
    warps: int
    most_warps: int
    limits: tuple[str, ...]

    @property
    def fraction(self) -> float:
        """The warps, of those that there could be."""
        return self.warps / self.most_warps


def occupancy(machine: GpuMachine, threads: int, registers: int, shared_bytes: int) -> Occupancy:
    """Return the occupancy of a kernel where nothing else runs and the cache leaves all shared memory to it.

    Args:
        machine: The GPU.
        threads: Threads of a block.
        registers: Registers of a thread.
        shared_bytes: Shared memory of a block.

    Example:
        >>> found = occupancy(GpuMachine.named("sm_90"), threads=256, registers=40, shared_bytes=8192)
        >>> found.blocks, found.limits, found.fraction
        (6, ('registers',), 0.75)
    """
    own, warps = machine.multiprocessor, -(-threads // machine.warp)
    warp_registers = _rounded(registers * machine.warp, own.register_unit)
    block_bytes = _rounded(shared_bytes + own.reserved_bytes, own.shared_unit)
    fitting_warps = own.registers // own.partitions // max(warp_registers, 1) * own.partitions
    bounds = {
        "registers": fitting_warps // warps,
        "shared memory": own.shared_bytes // block_bytes,
        "warps": own.warps // warps,
        "blocks": own.blocks,
    }
    blocks = min(bounds.values())
    return Occupancy(blocks, blocks * warps, own.warps, tuple(name for name, most in bounds.items() if most == blocks))


def _rounded(amount: int, unit: int) -> int:
    return -(-amount // unit) * unit
