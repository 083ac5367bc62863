"""Warp-level operations: PTX ISA, sections "shfl.sync", "vote.sync" and "bar.warp.sync"."""

import numpy as np
import pytest

from catgrad.runtime.gpu_emulator import EmulationError

FULL = 0xFFFFFFFF
SCHEDULES = ["forward", "reverse", "round-robin", "random:1"]
MODES = ["bfly", "up", "down", "idx"]

SHUFFLES = "\n".join(
    f"""
    llvm.func @{mode}(%y: !llvm.ptr, %valid: !llvm.ptr, %mask: i32, %offset: i32, %clamp: i32, %active: i32)
        attributes {{nvvm.kernel}} {{
      %c1 = llvm.mlir.constant(1 : i32) : i32
      %c100 = llvm.mlir.constant(100 : i32) : i32
      %t = nvvm.read.ptx.sreg.tid.x : i32
      %lane = nvvm.read.ptx.sreg.laneid : i32
      %v = llvm.add %t, %c100 : i32
      %0 = llvm.lshr %active, %lane : i32
      %1 = llvm.and %0, %c1 : i32
      %takes_part = llvm.icmp "eq" %1, %c1 : i32
      llvm.cond_br %takes_part, ^yes, ^no
    ^yes:
      %s = nvvm.shfl.sync {mode} %mask, %v, %offset, %clamp {{return_value_and_is_valid}}
        : i32 -> !llvm.struct<(i32, i1)>
      %r = llvm.extractvalue %s[0] : !llvm.struct<(i32, i1)>
      %p = llvm.extractvalue %s[1] : !llvm.struct<(i32, i1)>
      %w = llvm.zext %p : i1 to i32
      %yp = llvm.getelementptr %y[%t] : (!llvm.ptr, i32) -> !llvm.ptr, i32
      %vp = llvm.getelementptr %valid[%t] : (!llvm.ptr, i32) -> !llvm.ptr, i32
      llvm.store %r, %yp : i32, !llvm.ptr
      llvm.store %w, %vp : i32, !llvm.ptr
      llvm.br ^no
    ^no:
      llvm.return
    }}"""
    for mode in MODES
)


def shuffle(nvvm, mode, offset, clamp, mask=FULL, active=None, threads=32, schedule="forward"):
    """Return what the threads read, less 100, and whether it was in bounds."""
    y, valid = np.full(threads, -1, np.int32), np.full(threads, -1, np.int32)
    numbers = [np.uint32(each) for each in (mask, offset, clamp, mask if active is None else active)]
    nvvm(SHUFFLES, schedule).run(mode, (1,), (threads,), y, valid, *numbers)
    return y - 100, valid


def segments(width):
    """Return the bits of the clamp operand that divide the warp into segments."""
    return (32 - width) << 8


CASES = {
    "butterfly": ("bfly", 1, 31, [i ^ 1 for i in range(32)], [1] * 32),
    "butterfly, far": ("bfly", 16, 31, [*range(16, 32), *range(16)], [1] * 32),
    # Lanes 0 to 15 would read above lane 15; lanes 16 to 31 read below it.
    "butterfly, clamped": ("bfly", 16, 15, [*range(16), *range(16)], [0] * 16 + [1] * 16),
    "butterfly in segments": ("bfly", 3, 31 | segments(8), [i ^ 3 for i in range(32)], [1] * 32),
    # In segments of 8, lane 0 may read up to lane 7, lane 8 up to lane 15, which lane 0 is not above.
    "butterfly out of segments": (
        "bfly",
        8,
        31 | segments(8),
        [*range(8), *range(8), *range(16, 24), *range(16, 24)],
        [0] * 8 + [1] * 8 + [0] * 8 + [1] * 8,
    ),
    "up": ("up", 1, 0, [0, *range(31)], [0] + [1] * 31),
    "up, far": ("up", 30, 0, [*range(30), 0, 1], [0] * 30 + [1, 1]),
    "up in segments": (
        "up",
        2,
        segments(4),
        [x for s in range(0, 32, 4) for x in (s, s + 1, s, s + 1)],
        [0, 0, 1, 1] * 8,
    ),
    "up, clamped": ("up", 1, 8, [*range(9), *range(8, 31)], [0] * 9 + [1] * 23),
    "down": ("down", 2, 31, [*range(2, 32), 30, 31], [1] * 30 + [0, 0]),
    "down, clamped": ("down", 2, 9, [*range(2, 10), *range(8, 32)], [1] * 8 + [0] * 24),
    "down in segments": (
        "down",
        1,
        31 | segments(8),
        [x for s in range(0, 32, 8) for x in (*range(s + 1, s + 8), s + 7)],
        ([1] * 7 + [0]) * 4,
    ),
    "index": ("idx", 5, 31, [5] * 32, [1] * 32),
    "index, clamped": ("idx", 20, 15, [*range(32)], [0] * 32),
    "index in segments": ("idx", 9, 31 | segments(8), [s + 1 for s in range(0, 32, 8) for _ in range(8)], [1] * 32),
    "only five bits count": ("idx", 37, 31, [5] * 32, [1] * 32),
}


@pytest.mark.sampled(4, "case")
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_shuffle(nvvm, case, schedule):
    mode, offset, clamp, expected, valid = case
    y, p = shuffle(nvvm, mode, offset, clamp, schedule=schedule)
    assert y.tolist() == expected
    assert p.tolist() == valid


def reference(mode, lane, offset, clamp):
    """The pseudocode of the PTX ISA, line by line."""
    bval, cval, segmask = offset & 0x1F, clamp & 0x1F, clamp >> 8 & 0x1F
    max_lane, min_lane = (lane & segmask) | (cval & ~segmask), lane & segmask
    j = {
        "up": lane - bval,
        "down": lane + bval,
        "bfly": lane ^ bval,
        "idx": min_lane | (bval & ~segmask),
    }[mode]
    p = j >= max_lane if mode == "up" else j <= max_lane
    return (j if p else lane), p


@pytest.mark.parametrize("mode", MODES)
def test_shuffles_agree_with_the_pseudocode(nvvm, mode):
    generator = np.random.default_rng(0)
    for _ in range(15):
        offset = int(generator.integers(0, 32))
        clamp = int(generator.integers(0, 32)) | segments(2 ** int(generator.integers(0, 6)))
        y, valid = shuffle(nvvm, mode, offset, clamp, threads=64)
        expected = [reference(mode, lane, offset, clamp) for lane in range(32)]
        assert y.tolist() == [j + 32 * warp for warp in range(2) for j, _ in expected]
        assert valid.tolist() == [p for _, p in expected] * 2


def test_lanes_that_are_not_in_the_mask_go_on(nvvm):
    y, _ = shuffle(nvvm, "idx", 3, 31, mask=0xF0F)
    assert [i for i in range(32) if y[i] == 3] == [0, 1, 2, 3, 8, 9, 10, 11]
    assert set(y[4:8]) == {-101}


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize(("mode", "offset", "mask", "lane"), [("idx", 9, 0xFF, 0), ("down", 1, 0x7F, 6)])
def test_a_lane_that_does_not_take_part_has_no_value(nvvm, mode, offset, mask, lane, schedule):
    message = (
        rf"kernel {mode}, block \(0, 0, 0\), thread \({lane}, 0, 0\): nvvm.shfl.sync at .*: "
        rf"it reads from lane {lane + offset if mode == 'down' else offset}, which does not take part"
    )
    with pytest.raises(EmulationError, match=message):
        shuffle(nvvm, mode, offset, 31, mask=mask, schedule=schedule)


def test_a_lane_that_has_exited_has_no_value(nvvm):
    with pytest.raises(EmulationError, match=r"thread \(0, 0, 0\): .* reads from lane 16, which does not take part"):
        shuffle(nvvm, "bfly", 16, 31, mask=FULL, active=0xFFFF)


def test_the_last_warp_may_be_short(nvvm):
    y, _ = shuffle(nvvm, "bfly", 1, 31, threads=40)
    assert y.tolist() == [i ^ 1 for i in range(40)]


def test_a_lane_that_the_last_warp_lacks_has_no_value(nvvm):
    with pytest.raises(EmulationError, match=r"thread \(32, 0, 0\): .* reads from lane 16, which does not take part"):
        shuffle(nvvm, "bfly", 16, 31, threads=40)


def test_a_mask_without_the_lane_that_executes_it(nvvm):
    message = r"kernel bfly, block \(0, 0, 0\), thread \(8, 0, 0\): nvvm.shfl.sync at .*: the mask lacks the lane"
    with pytest.raises(EmulationError, match=message):
        shuffle(nvvm, "bfly", 1, 31, mask=0xFF, active=FULL)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_lanes_that_wait_for_each_other_at_different_places(nvvm, schedule):
    body = """
    llvm.func @part(%below: i32) attributes {nvvm.kernel} {
      %full = llvm.mlir.constant(-1 : i32) : i32
      %t = nvvm.read.ptx.sreg.tid.x : i32
      %p = llvm.icmp "ult" %t, %below : i32
      llvm.cond_br %p, ^a, ^b
    ^a:
      nvvm.bar.warp.sync %full : i32
      llvm.br ^c
    ^b:
      nvvm.bar.warp.sync %full : i32
      llvm.br ^c
    ^c:
      llvm.return
    }"""
    device = nvvm(body, schedule)
    device.run("part", (1,), (64,), np.int32(32))
    with pytest.raises(EmulationError, match=r"wait for each other: 8 wait at nvvm.bar.warp.sync at .*; 24 wait at"):
        device.run("part", (1,), (32,), np.int32(8))


def test_lanes_that_exited_are_not_waited_for(nvvm):
    y, _ = shuffle(nvvm, "bfly", 1, 31, mask=FULL, active=0xFFFF)
    assert y[:16].tolist() == [i ^ 1 for i in range(16)]


def test_sum_of_a_warp(gpu):
    steps = "\n".join(
        f"""
        %o{i} = arith.constant {2**i} : i32
        %r{i}, %p{i} = gpu.shuffle xor %v{i}, %o{i}, %width : f32
        %v{i + 1} = arith.addf %v{i}, %r{i} : f32"""
        for i in range(5)
    )
    body = f"""
    gpu.func @total(%x: memref<32xf32>) kernel {{
      %width = arith.constant 32 : i32
      %t = gpu.thread_id x
      %v0 = memref.load %x[%t] : memref<32xf32>
      {steps}
      memref.store %v5, %x[%t] : memref<32xf32>
      gpu.return
    }}"""
    x = np.arange(32, dtype=np.float32)
    gpu(body).run("total", (1,), (32,), x)
    assert x.tolist() == [496] * 32


VOTES = """
llvm.func @votes(%y: !llvm.ptr, %below: i32) attributes {nvvm.kernel} {
  %full = llvm.mlir.constant(-1 : i32) : i32
  %c1 = llvm.mlir.constant(1 : i32) : i32
  %c2 = llvm.mlir.constant(2 : i32) : i32
  %c3 = llvm.mlir.constant(3 : i32) : i32
  %c4 = llvm.mlir.constant(4 : i32) : i32
  %t = nvvm.read.ptx.sreg.tid.x : i32
  %p = llvm.icmp "ult" %t, %below : i32
  %ballot = nvvm.vote.sync ballot %full, %p -> i32
  %any = nvvm.vote.sync any %full, %p -> i1
  %all = nvvm.vote.sync all %full, %p -> i1
  %uni = nvvm.vote.sync uni %full, %p -> i1
  nvvm.bar.warp.sync %full : i32
  %any32 = llvm.zext %any : i1 to i32
  %all32 = llvm.zext %all : i1 to i32
  %uni32 = llvm.zext %uni : i1 to i32
  %i = llvm.mul %t, %c4 : i32
  %i1 = llvm.add %i, %c1 : i32
  %i2 = llvm.add %i, %c2 : i32
  %i3 = llvm.add %i, %c3 : i32
  %p0 = llvm.getelementptr %y[%i] : (!llvm.ptr, i32) -> !llvm.ptr, i32
  %p1 = llvm.getelementptr %y[%i1] : (!llvm.ptr, i32) -> !llvm.ptr, i32
  %p2 = llvm.getelementptr %y[%i2] : (!llvm.ptr, i32) -> !llvm.ptr, i32
  %p3 = llvm.getelementptr %y[%i3] : (!llvm.ptr, i32) -> !llvm.ptr, i32
  llvm.store %ballot, %p0 : i32, !llvm.ptr
  llvm.store %any32, %p1 : i32, !llvm.ptr
  llvm.store %all32, %p2 : i32, !llvm.ptr
  llvm.store %uni32, %p3 : i32, !llvm.ptr
  llvm.return
}
"""


@pytest.mark.parametrize(
    ("below", "expected"),
    [(0, [0, 0, 0, 1]), (5, [0b11111, 1, 0, 0]), (31, [FULL >> 1, 1, 0, 0]), (32, [FULL, 1, 1, 1])],
)
def test_votes(nvvm, below, expected):
    y = np.zeros((32, 4), np.uint32)
    nvvm(VOTES).run("votes", (1,), (32,), y, np.uint32(below))
    np.testing.assert_array_equal(y, [expected] * 32)
