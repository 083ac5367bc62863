"""Asynchronous copies, their groups, and waiting for them: PTX ISA, sections "cp.async" and "cp.async.wait_group"."""

import numpy as np
import pytest

from catgrad.runtime.gpu_emulator import EmulationError

SCHEDULES = ["forward", "reverse", "random:4"]


def pipeline(waits, copied=None):
    """A thread begins two groups of one copy each, and reads them after waiting: [(groups left, copies to read)]."""
    size = "" if copied is None else ", %copied"
    kind = "" if copied is None else ", i32"
    steps, newline = [], "\n"
    for n, (left, reads) in enumerate(waits):
        steps.append(f"nvvm.cp.async.wait.group {left}")
        steps += [
            f"""
            %v{n}_{i} = llvm.load %s{i} : !llvm.ptr<3> -> vector<4xf32>
            llvm.store %v{n}_{i}, %y{i} : vector<4xf32>, !llvm.ptr"""
            for i in reads
        ]
    return f"""
    llvm.mlir.global internal @s() {{addr_space = 3 : i32, alignment = 16 : i64}} : !llvm.array<256 x f32>
    llvm.func @pipeline(%x: !llvm.ptr, %y: !llvm.ptr, %copied: i32) attributes {{nvvm.kernel}} {{
      %c8 = llvm.mlir.constant(8 : i32) : i32
      %t = nvvm.read.ptx.sreg.tid.x : i32
      %i = llvm.mul %t, %c8 : i32
      %s = llvm.mlir.addressof @s : !llvm.ptr<3>
      %s0 = llvm.getelementptr %s[%i] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, f32
      %s1 = llvm.getelementptr %s0[4] : (!llvm.ptr<3>) -> !llvm.ptr<3>, f32
      %x0 = llvm.getelementptr %x[%i] : (!llvm.ptr, i32) -> !llvm.ptr, f32
      %x1 = llvm.getelementptr %x0[4] : (!llvm.ptr) -> !llvm.ptr, f32
      %y0 = llvm.getelementptr %y[%i] : (!llvm.ptr, i32) -> !llvm.ptr, f32
      %y1 = llvm.getelementptr %y0[4] : (!llvm.ptr) -> !llvm.ptr, f32
      %g0 = llvm.addrspacecast %x0 : !llvm.ptr to !llvm.ptr<1>
      %g1 = llvm.addrspacecast %x1 : !llvm.ptr to !llvm.ptr<1>
      nvvm.cp.async.shared.global %s0, %g0, 16, cache = cg{size} : !llvm.ptr<3>, !llvm.ptr<1>{kind}
      nvvm.cp.async.commit.group
      nvvm.cp.async.shared.global %s1, %g1, 16, cache = cg{size} : !llvm.ptr<3>, !llvm.ptr<1>{kind}
      nvvm.cp.async.commit.group
      {newline.join(steps)}
      llvm.return
    }}"""


def run(nvvm, waits, copied=None, schedule="forward"):
    x, y = np.arange(1, 257, dtype=np.float32), np.zeros(256, np.float32)
    nvvm(pipeline(waits, copied), schedule).run("pipeline", (1,), (32,), x, y, np.int32(copied or 0))
    return x.reshape(32, 2, 4), y.reshape(32, 2, 4)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("waits", [[(0, [0, 1])], [(1, [0]), (0, [1])], [(0, [1]), (0, [0])]])
def test_groups_arrive_in_order(nvvm, waits, schedule):
    x, y = run(nvvm, waits, schedule=schedule)
    np.testing.assert_array_equal(y, x)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("waits", [[(1, [1])], [(2, [0])], [(1, [0, 1])]])
def test_reads_before_the_wait(nvvm, waits, schedule):
    message = r"kernel pipeline, block \(0, 0, 0\), thread .*: llvm.load at .* before the copy into it was waited for"
    with pytest.raises(EmulationError, match=message):
        run(nvvm, waits, schedule=schedule)


@pytest.mark.parametrize("copied", [0, 4, 12, 16])
def test_the_rest_of_a_short_copy_is_zero(nvvm, copied):
    x, y = run(nvvm, [(0, [0, 1])], copied)
    x[:, :, copied // 4 :] = 0
    np.testing.assert_array_equal(y, x)


def test_sources_are_checked(nvvm):
    x, y = np.zeros(255, np.float32), np.zeros(256, np.float32)
    with pytest.raises(EmulationError, match=r"thread \(31, 0, 0\): nvvm.cp.async.shared.global at .* outside every"):
        nvvm(pipeline([(0, [0])])).run("pipeline", (1,), (32,), x, y, np.int32(0))


def test_targets_are_checked(nvvm):
    x, y = np.zeros(264, np.float32), np.zeros(264, np.float32)
    with pytest.raises(EmulationError, match=r"thread \(32, 0, 0\): .* outside the 1,024 bytes of shared memory"):
        nvvm(pipeline([(0, [0])])).run("pipeline", (1,), (33,), x, y, np.int32(0))


def test_copies_that_nobody_waits_for_are_dropped(nvvm):
    _, y = run(nvvm, [])
    assert not y.any()
