"""Occupancy, computed by hand: registers are given to a warp by 256, in four parts of 16384; shared memory by 128."""

import pytest

from catgrad.gpu_report.occupancy import occupancy
from catgrad.passes.gpu.machine import GpuMachine

KIB = 1024


@pytest.mark.parametrize(
    ("architecture", "threads", "registers", "shared", "blocks", "limits"),
    [
        # 32 · 32 = 1024 registers for a warp: 16 in each part, 64 in all, and 64 warps are the most anyway.
        ("sm_90", 256, 32, 0, 8, ("registers", "warps")),
        # 33 · 32 = 1056 becomes 1280: 12 in each part, 48 warps, 6 blocks of 8.
        ("sm_90", 256, 33, 0, 6, ("registers",)),
        # 255 · 32 = 8160 becomes 8192: 2 in each part.
        ("sm_80", 256, 255, 0, 1, ("registers",)),
        # 64 · 32 = 2048: 8 in each part, 32 warps: one block of 32.
        ("sm_100", 1024, 64, 0, 1, ("registers",)),
        # A block of 1024 threads with more than 64 registers does not fit.
        ("sm_100", 1024, 65, 0, 0, ("registers",)),
        # One warp a block: 32 blocks are the most.
        ("sm_80", 32, 16, 0, 32, ("blocks",)),
        # 100 threads are 4 warps.
        ("sm_80", 100, 16, 0, 16, ("warps",)),
        # 48 + 1 KiB: 3 in 164, 4 in 228.
        ("sm_80", 256, 16, 48 * KIB, 3, ("shared memory",)),
        ("sm_90", 256, 16, 48 * KIB, 4, ("shared memory",)),
        # 227 + 1 KiB is all there is.
        ("sm_90", 256, 16, 227 * KIB, 1, ("shared memory",)),
        # 1 byte costs 128, and the KiB of the system: 233472 / 1152 = 202.7.
        ("sm_90", 32, 16, 1, 32, ("blocks",)),
        # 7168 + 1024 bytes: 228 KiB are 28.5 of them.
        ("sm_100", 32, 16, 7168, 28, ("shared memory",)),
    ],
)
def test_what_fits_on_a_multiprocessor(architecture, threads, registers, shared, blocks, limits):
    found = occupancy(GpuMachine.named(architecture), threads, registers, shared)
    warps = -(-threads // 32)
    assert (found.blocks, found.warps, found.limits) == (blocks, blocks * warps, limits)
    assert found.fraction == blocks * warps / 64
