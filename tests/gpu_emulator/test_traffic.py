"""Global memory traffic of emulated kernels, counted access by access."""

import numpy as np
import pytest

from catgrad.runtime.gpu_emulator import Traffic

BEGIN = """
    %i = nvvm.read.ptx.sreg.tid.x : i32
    %x0 = llvm.getelementptr %x[%i] : (!llvm.ptr, i32) -> !llvm.ptr, vector<4xf32>
    %y0 = llvm.getelementptr %y[%i] : (!llvm.ptr, i32) -> !llvm.ptr, f32
"""
WIDE = """
    %v = llvm.load %x0 {alignment = 16 : i64} : !llvm.ptr -> vector<4xf32>
    %c0 = llvm.mlir.constant(0 : i32) : i32
    %a = llvm.extractelement %v[%c0 : i32] : vector<4xf32>
    llvm.store %a, %y0 : f32, !llvm.ptr
"""
SHARED = """
    %s = llvm.mlir.addressof @s : !llvm.ptr<3>
    %s0 = llvm.getelementptr %s[%i] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, f32
    %a = llvm.load %x0 : !llvm.ptr -> f32
    llvm.store %a, %s0 : f32, !llvm.ptr<3>
    %g = llvm.addrspacecast %s0 : !llvm.ptr<3> to !llvm.ptr
    %b = llvm.load %g : !llvm.ptr -> f32
    llvm.store %b, %y0 : f32, !llvm.ptr
"""
LOCAL = """
    %c1 = llvm.mlir.constant(1 : i32) : i32
    %l = llvm.alloca %c1 x f32 : (i32) -> !llvm.ptr
    %a = llvm.load %x0 : !llvm.ptr -> f32
    llvm.store %a, %l : f32, !llvm.ptr
    %b = llvm.load %l : !llvm.ptr -> f32
    llvm.store %b, %y0 : f32, !llvm.ptr
"""
CONSTANT = """
    %t = llvm.mlir.addressof @t : !llvm.ptr
    %a = llvm.load %t : !llvm.ptr -> f32
    llvm.store %a, %y0 : f32, !llvm.ptr
"""
ATOMIC = """
    %c1 = llvm.mlir.constant(1 : i32) : i32
    %o = llvm.atomicrmw add %y0, %c1 monotonic : !llvm.ptr, i32
"""
BULK = """
    %n = llvm.mlir.constant(12 : i64) : i64
    %z = llvm.mlir.constant(0 : i8) : i8
    "llvm.intr.memcpy"(%y0, %x0, %n) <{isVolatile = false}> : (!llvm.ptr, !llvm.ptr, i64) -> ()
    "llvm.intr.memset"(%y0, %z, %n) <{isVolatile = false}> : (!llvm.ptr, i8, i64) -> ()
"""
COPY = """
    %c4 = llvm.mlir.constant(4 : i32) : i32
    %n = llvm.mul %i, %c4 : i32
    %s = llvm.mlir.addressof @s : !llvm.ptr<3>
    %s0 = llvm.getelementptr %s[%n] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, f32
    %g = llvm.addrspacecast %x0 : !llvm.ptr to !llvm.ptr<1>
    nvvm.cp.async.shared.global %s0, %g, 16, cache = cg : !llvm.ptr<3>, !llvm.ptr<1>
    nvvm.cp.async.commit.group
    nvvm.cp.async.wait.group 0
"""
SOME = """
    %c3 = llvm.mlir.constant(3 : i32) : i32
    %few = llvm.icmp "ult" %i, %c3 : i32
    llvm.cond_br %few, ^then, ^end
  ^then:
    %a = llvm.load %x0 : !llvm.ptr -> f32
    llvm.store %a, %y0 : f32, !llvm.ptr
    llvm.br ^end
  ^end:
"""


KERNEL = """
llvm.mlir.global internal @s() {{addr_space = 3 : i32, alignment = 16 : i64}} : !llvm.array<128 x f32>
llvm.mlir.global internal constant @t(1.0 : f32) : f32
llvm.func @kernel(%x: !llvm.ptr, %y: !llvm.ptr) attributes {{nvvm.kernel}} {{
  {}
  llvm.return
}}
"""


def run(nvvm, body):
    counted = []
    device = nvvm(KERNEL.format(BEGIN + body), traffic=counted)
    device.run("kernel", (2,), (32,), np.zeros(140, np.float32), np.zeros(40, np.float32))
    return counted


@pytest.mark.parametrize(
    ("body", "read", "written"),
    [
        pytest.param(WIDE, 16, 4, id="as wide as they are"),
        pytest.param(SHARED, 4, 4, id="shared memory is none"),
        pytest.param(LOCAL, 4, 4, id="a thread's own memory is none"),
        pytest.param(CONSTANT, 4, 4, id="variables of the module are there"),
        pytest.param(ATOMIC, 4, 4, id="atomic"),
        pytest.param(BULK, 12, 24, id="bulk"),
        pytest.param(COPY, 16, 0, id="into shared memory"),
        pytest.param(SOME, 4 * 3 / 32, 4 * 3 / 32, id="where threads get to"),
    ],
)
def test_accesses_are_counted(nvvm, body, read, written):
    assert run(nvvm, body) == [Traffic(64 * read, 64 * written)]


def test_each_launch_begins_at_nothing(nvvm):
    counted = []
    device = nvvm(KERNEL.format(BEGIN + WIDE), traffic=counted)
    for threads in (32, 16):
        device.run("kernel", (1,), (threads,), np.zeros(140, np.float32), np.zeros(40, np.float32))
    assert counted == [Traffic(512, 128), Traffic(256, 64)]
