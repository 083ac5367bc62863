"""Shared memory and barriers: reductions, static and dynamic memory, what is an error."""

import numpy as np
import pytest

from catgrad.errors import CompileError
from catgrad.runtime.gpu_emulator import EmulationError

SCHEDULES = ["forward", "reverse", "round-robin", "random:2"]
SPACE = "#gpu.address_space<workgroup>"

ROW_SUMS = """
gpu.func @row_sums(%x: memref<7x1000xf32>, %y: memref<7xf32>) kernel {
  %c0 = arith.constant 0 : index
  %c1000 = arith.constant 1000 : index
  %z = arith.constant 0.0 : f32
  %b = gpu.block_id x
  %t = gpu.thread_id x
  %d = gpu.block_dim x
  %s = scf.for %i = %t to %c1000 step %d iter_args(%a = %z) -> f32 {
    %v = memref.load %x[%b, %i] : memref<7x1000xf32>
    %n = arith.addf %a, %v : f32
    scf.yield %n : f32
  }
  %r = gpu.all_reduce add %s uniform {} : (f32) -> (f32)
  %first = arith.cmpi eq, %t, %c0 : index
  scf.if %first {
    memref.store %r, %y[%b] : memref<7xf32>
  }
  gpu.return
}
"""

# Thread t writes s[t], and reads s[t xor 1] after a barrier; both %n elements of dynamic memory, after static memory.
EXCHANGE = f"""
gpu.func @exchange(%x: memref<64xf32>, %base: index) workgroup(%w: memref<3xf32, {SPACE}>) kernel {{
  %c1 = arith.constant 1 : index
  %c0 = arith.constant 0 : index
  %t = gpu.thread_id x
  %d = gpu.dynamic_shared_memory : memref<?xi8, {SPACE}>
  %s = memref.view %d[%c0][] : memref<?xi8, {SPACE}> to memref<64xf32, {SPACE}>
  %v = memref.load %x[%t] : memref<64xf32>
  %i = arith.addi %t, %base : index
  memref.store %v, %s[%i] : memref<64xf32, {SPACE}>
  memref.store %v, %w[%c1] : memref<3xf32, {SPACE}>
  gpu.barrier
  %j = arith.xori %i, %c1 : index
  %u = memref.load %s[%j] : memref<64xf32, {SPACE}>
  memref.store %u, %x[%t] : memref<64xf32>
  gpu.return
}}
"""


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("block", [32, 33, 100, 256, 1000, 1024])
def test_sums_of_rows(gpu, schedule, block):
    x = np.random.default_rng(0).integers(-9, 9, (7, 1000)).astype(np.float32)
    y = np.zeros(7, np.float32)
    gpu(ROW_SUMS, schedule).run("row_sums", (7,), (block,), x, y)
    np.testing.assert_array_equal(y, x.sum(axis=1))


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_dynamic_shared_memory(gpu, schedule):
    x = np.arange(64, dtype=np.float32)
    gpu(EXCHANGE, schedule).run("exchange", (1,), (64,), x, np.int64(0), shared=256)
    assert x.tolist() == [i ^ 1 for i in range(64)]


@pytest.mark.parametrize(("base", "size"), [(0, 128), (1, 256), (-1, 256), (0, 255), (1000, 256), (-(2**40), 256)])
def test_accesses_outside_of_shared_memory(gpu, base, size):
    """An index of -1 reaches the end of static memory, which another variable has written or nobody has."""
    x = np.arange(64, dtype=np.float32)
    with pytest.raises(EmulationError, match=r"kernel exchange, block \(0, 0, 0\), thread .* llvm.(store|load) at"):
        gpu(EXCHANGE).run("exchange", (1,), (64,), x, np.int64(base), shared=size)


def test_reads_of_what_nobody_wrote(gpu):
    x = np.arange(64, dtype=np.float32)
    message = (
        r"thread \(32, 0, 0\): llvm.load at .*: 4 bytes at .*, shared memory that no thread of the block has written"
    )
    with pytest.raises(EmulationError, match=message):
        gpu(EXCHANGE).run("exchange", (1,), (33,), x, np.int64(0), shared=256)


def test_every_block_begins_with_nothing_written(nvvm):
    """Only the first block writes; the second reads."""
    body = """
    llvm.mlir.global internal @s() {addr_space = 3 : i32} : f32
    llvm.func @once(%x: !llvm.ptr) attributes {nvvm.kernel} {
      %c0 = llvm.mlir.constant(0 : i32) : i32
      %b = nvvm.read.ptx.sreg.ctaid.x : i32
      %s = llvm.mlir.addressof @s : !llvm.ptr<3>
      %v = llvm.load %x : !llvm.ptr -> f32
      %first = llvm.icmp "eq" %b, %c0 : i32
      llvm.cond_br %first, ^write, ^read
    ^write:
      llvm.store %v, %s : f32, !llvm.ptr<3>
      llvm.br ^read
    ^read:
      %u = llvm.load %s : !llvm.ptr<3> -> f32
      llvm.store %u, %x : f32, !llvm.ptr
      llvm.return
    }"""
    with pytest.raises(EmulationError, match=r"block \(1, 0, 0\).* no thread of the block has written"):
        nvvm(body).run("once", (2,), (1,), np.zeros(1, np.float32))


def test_shared_memory_by_generic_addresses(nvvm):
    body = """
    llvm.mlir.global internal @s() {addr_space = 3 : i32} : !llvm.array<4 x f32>
    llvm.func @generic(%x: !llvm.ptr, %any: !llvm.ptr, %pick: i1) attributes {nvvm.kernel} {
      %s = llvm.mlir.addressof @s : !llvm.ptr<3>
      %g = llvm.addrspacecast %s : !llvm.ptr<3> to !llvm.ptr
      %p = llvm.select %pick, %any, %g : i1, !llvm.ptr
      %v = llvm.load %x : !llvm.ptr -> f32
      llvm.store %v, %g : f32, !llvm.ptr
      %u = llvm.load %p : !llvm.ptr -> f32
      %w = llvm.fadd %u, %u : f32
      llvm.store %w, %x : f32, !llvm.ptr
      llvm.return
    }"""
    x, y = np.array([3], np.float32), np.array([5], np.float32)
    device = nvvm(body)
    device.run("generic", (1,), (1,), x, y, np.bool_(False))
    assert x.tolist() == [6]
    device.run("generic", (1,), (1,), x, y, np.bool_(True))
    assert x.tolist() == [10]


BARRIERS = """
llvm.func @some(%x: !llvm.ptr, %below: i32) attributes {nvvm.kernel} {
  %t = nvvm.read.ptx.sreg.tid.x : i32
  %p = llvm.icmp "ult" %t, %below : i32
  llvm.cond_br %p, ^a, ^b
^a:
  nvvm.barrier0
  llvm.br ^b
^b:
  llvm.return
}
llvm.func @different(%x: !llvm.ptr, %below: i32) attributes {nvvm.kernel} {
  %t = nvvm.read.ptx.sreg.tid.x : i32
  %p = llvm.icmp "ult" %t, %below : i32
  llvm.cond_br %p, ^a, ^b
^a:
  nvvm.barrier
  llvm.br ^c
^b:
  nvvm.barrier
  llvm.br ^c
^c:
  llvm.return
}
llvm.func @one_more(%x: !llvm.ptr, %below: i32) attributes {nvvm.kernel} {
  %t = nvvm.read.ptx.sreg.tid.x : i32
  %p = llvm.icmp "ult" %t, %below : i32
  nvvm.barrier0
  llvm.cond_br %p, ^a, ^b
^a:
  nvvm.barrier0
  llvm.br ^b
^b:
  nvvm.barrier0
  llvm.return
}
"""


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("kernel", ["some", "different", "one_more"])
@pytest.mark.parametrize("below", [1, 16, 32, 40])
def test_divergent_barriers(nvvm, kernel, schedule, below):
    message = rf"kernel {kernel}, block \([01], 0, 0\), thread .*: the threads of the block wait for each other: "
    with pytest.raises(EmulationError, match=message):
        nvvm(BARRIERS, schedule).run(kernel, (2,), (64,), np.zeros(1, np.float32), np.int32(below))


@pytest.mark.parametrize("kernel", ["some", "different", "one_more"])
@pytest.mark.parametrize("below", [0, 64])
def test_uniform_barriers(nvvm, kernel, below):
    nvvm(BARRIERS).run(kernel, (2,), (64,), np.zeros(1, np.float32), np.int32(below))


def test_message_of_a_divergent_barrier(nvvm):
    with pytest.raises(EmulationError) as caught:
        nvvm(BARRIERS).run("some", (1,), (8, 8), np.zeros(1, np.float32), np.int32(2))
    assert "16 wait at nvvm.barrier0 at loc(" in str(caught.value)
    assert "the first of them (0, 0, 0); 48 have exited, the first of them (2, 0, 0)" in str(caught.value)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_named_barriers_for_some_threads(nvvm, schedule):
    """The warps of each half exchange values through a barrier of their own, for 64 threads."""
    body = """
    llvm.mlir.global internal @s() {addr_space = 3 : i32} : !llvm.array<128 x i32>
    llvm.func @halves(%x: !llvm.ptr) attributes {nvvm.kernel} {
      %c1 = llvm.mlir.constant(1 : i32) : i32
      %c32 = llvm.mlir.constant(32 : i32) : i32
      %c64 = llvm.mlir.constant(64 : i32) : i32
      %t = nvvm.read.ptx.sreg.tid.x : i32
      %half = llvm.udiv %t, %c64 : i32
      %id = llvm.add %half, %c1 : i32
      %s = llvm.mlir.addressof @s : !llvm.ptr<3>
      %mine = llvm.getelementptr %s[%t] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
      llvm.store %t, %mine : i32, !llvm.ptr<3>
      nvvm.barrier id = %id number_of_threads = %c64
      %o = llvm.xor %t, %c32 : i32
      %other = llvm.getelementptr %s[%o] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
      %v = llvm.load %other : !llvm.ptr<3> -> i32
      %p = llvm.getelementptr %x[%t] : (!llvm.ptr, i32) -> !llvm.ptr, i32
      llvm.store %v, %p : i32, !llvm.ptr
      llvm.return
    }"""
    x = np.zeros(128, np.int32)
    nvvm(body, schedule).run("halves", (1,), (128,), x)
    assert x.tolist() == [i ^ 32 for i in range(128)]


@pytest.mark.parametrize(("number", "count"), [(17, 64), (16, 64), (-1, 64), (1, 40), (1, 16), (1, 1)])
def test_barriers_that_do_not_exist(nvvm, number, count):
    """PTX ISA, "bar, barrier": a barrier is one of 0 to 15, a number of threads is a multiple of the warp's."""
    body = """
    llvm.func @named(%id: i32, %count: i32) attributes {nvvm.kernel} {
      nvvm.barrier id = %id number_of_threads = %count
      llvm.return
    }"""
    message = (
        r"kernel named, block \(0, 0, 0\), thread \(0, 0, 0\): nvvm.barrier at .*: "
        rf"barriers are 0 to 15, for a multiple of 32 threads: got barrier {number % 2**32} for {count} threads"
    )
    device = nvvm(body)
    device.run("named", (1,), (64,), np.int32(15), np.int32(64))
    with pytest.raises(EmulationError, match=message):
        device.run("named", (1,), (count,), np.int32(number), np.int32(count))


VARIABLES = """
llvm.mlir.global internal @a() {addr_space = 3 : i32} : !llvm.array<10000 x f32>
llvm.mlir.global internal @b() {addr_space = 3 : i32} : !llvm.array<10000 x f32>
llvm.func @first(%i: i32) attributes {nvvm.kernel} {
  %s = llvm.mlir.addressof @a : !llvm.ptr<3>
  %p = llvm.getelementptr %s[%i] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
  llvm.store %i, %p : i32, !llvm.ptr<3>
  llvm.return
}
llvm.func @second(%i: i32) attributes {nvvm.kernel} {
  %s = llvm.mlir.addressof @b : !llvm.ptr<3>
  %p = llvm.getelementptr %s[%i] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
  llvm.store %i, %p : i32, !llvm.ptr<3>
  llvm.return
}
"""


def test_kernels_have_shared_memory_of_their_own(nvvm):
    device = nvvm(VARIABLES)
    for kernel in ("first", "second"):
        device.run(kernel, (1,), (1,), np.int32(9999), shared=227 * 1024 - 40000)
        with pytest.raises(EmulationError, match=r"4 bytes at .*, outside the variable it points into"):
            device.run(kernel, (1,), (1,), np.int32(10000), shared=1000)


def test_too_many_shared_variables(nvvm):
    with pytest.raises(CompileError, match="kernel first: a device has 49,152 bytes for shared variables, got 80,000"):
        nvvm(VARIABLES.replace("10000", "20000"))
