"""Kernels whose threads do not meet: indices, sizes, types, mathematics."""

from itertools import product

import ml_dtypes
import numpy as np
import pytest

from catgrad.rounding import rounded
from catgrad.target import LEVELS, target
from catgrad.types import bf16, dtype, f16, f32, f64

LEAST = next(name for name in (f"cpu:{level}" for level in LEVELS) if not target(name).missing)
SCHEDULES = ["forward", "reverse", "round-robin", "random:7"]

INDICES = """
gpu.func @indices(%y: memref<2x3x2x4x3x2xi32>) kernel {
  %bx = gpu.block_id x
  %by = gpu.block_id y
  %bz = gpu.block_id z
  %tx = gpu.thread_id x
  %ty = gpu.thread_id y
  %tz = gpu.thread_id z
  %gx = gpu.grid_dim x
  %gy = gpu.grid_dim y
  %dx = gpu.block_dim x
  %dy = gpu.block_dim y
  %dz = gpu.block_dim z
  %0 = arith.muli %bz, %gy : index
  %1 = arith.addi %0, %by : index
  %2 = arith.muli %1, %gx : index
  %3 = arith.addi %2, %bx : index
  %4 = arith.muli %3, %dz : index
  %5 = arith.addi %4, %tz : index
  %6 = arith.muli %5, %dy : index
  %7 = arith.addi %6, %ty : index
  %8 = arith.muli %7, %dx : index
  %9 = arith.addi %8, %tx : index
  %v = arith.index_cast %9 : index to i32
  memref.store %v, %y[%bz, %by, %bx, %tz, %ty, %tx] : memref<2x3x2x4x3x2xi32>
  gpu.return
}
"""

SCALE = """
gpu.func @scale(%x: memref<1000xf32>, %y: memref<1000xf32>, %n: i32, %a: f32) kernel {
  %b = gpu.block_id x
  %d = gpu.block_dim x
  %t = gpu.thread_id x
  %0 = arith.muli %b, %d : index
  %i = arith.addi %0, %t : index
  %count = arith.index_cast %n : i32 to index
  %inside = arith.cmpi ult, %i, %count : index
  scf.if %inside {
    %v = memref.load %x[%i] : memref<1000xf32>
    %w = arith.mulf %v, %a : f32
    memref.store %w, %y[%i] : memref<1000xf32>
  }
  gpu.return
}
"""


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_indices_of_blocks_and_threads_in_three_dimensions(gpu, schedule):
    y = np.full((2, 3, 2, 4, 3, 2), -1, np.int32)
    gpu(INDICES, schedule).run("indices", (2, 3, 2), (2, 3, 4), y)
    np.testing.assert_array_equal(y, np.arange(y.size).reshape(y.shape))


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("block", [1, 31, 33, 96, 100, 1000])
def test_sizes_that_divide_nothing(gpu, schedule, block):
    x, y = np.arange(1000, dtype=np.float32), np.full(1000, 7, np.float32)
    gpu(SCALE, schedule).run("scale", (-(-997 // block),), (block,), x, y, np.int32(997), np.float32(0.5))
    np.testing.assert_array_equal(y, np.where(x < 997, x / 2, 7))


def test_many_threads(gpu):
    body = SCALE.replace("1000", "262144")
    x, y = np.arange(262144, dtype=np.float32), np.zeros(262144, np.float32)
    gpu(body).run("scale", (1024,), (256,), x, y, np.int32(x.size), np.float32(3))
    np.testing.assert_array_equal(y, 3 * x)


@pytest.mark.parametrize("dtype", ["f16", "bf16", "f64"])
def test_arithmetic_rounds_to_the_type(gpu, dtype):
    """1 + x is x again from 2^11 on in f16 and from 2^8 on in bf16."""
    body = f"""
    gpu.func @add(%x: memref<16x{dtype}>, %y: memref<16x{dtype}>) kernel {{
      %t = gpu.thread_id x
      %one = arith.constant 1.0 : {dtype}
      %v = memref.load %x[%t] : memref<16x{dtype}>
      %w = arith.addf %v, %one : {dtype}
      memref.store %w, %y[%t] : memref<16x{dtype}>
      gpu.return
    }}"""
    type = {"f16": np.float16, "bf16": ml_dtypes.bfloat16, "f64": np.float64}[dtype]
    x, y = (2.0 ** np.arange(16)).astype(type), np.zeros(16, type)
    gpu(body).run("add", (1,), (16,), x, y)
    np.testing.assert_array_equal(y, x + type(1))


@np.errstate(invalid="ignore")  # of signalling NaNs
@pytest.mark.parametrize("processor", ["cpu", LEAST])
def test_conversions_between_formats(gpu, processor):
    """Each rounds once, on processors that have no instruction for it as well."""
    formats = {dtype.name: dtype.numpy for dtype in (f16, bf16, f32, f64)}
    pairs = [*product(["f32", "f64"], ["f16", "bf16"]), *product(["f16", "bf16"], ["f32", "f64"])]
    body = "".join(
        f"""
        gpu.func @{source}_{result}(%x: memref<65536x{source}>, %y: memref<65536x{result}>) kernel {{
          %b = gpu.block_id x
          %t = gpu.thread_id x
          %size = arith.constant 1024 : index
          %start = arith.muli %b, %size : index
          %i = arith.addi %start, %t : index
          %v = memref.load %x[%i] : memref<65536x{source}>
          %w = arith.{"extf" if formats[source].itemsize == 2 else "truncf"} %v : {source} to {result}
          memref.store %w, %y[%i] : memref<65536x{result}>
          gpu.return
        }}"""
        for source, result in pairs
    )
    device, bits = gpu(body, processor=processor), np.arange(1 << 16, dtype=np.uint16)
    for source, result in pairs:
        numbers = bits.view(formats["f16" if "f16" in (source, result) else "bf16"]).astype(formats[source])
        if numbers.itemsize > 2:
            numbers = beside(numbers, 12 if result == "f16" else 9)
        found = np.zeros(bits.size, formats[result])
        device.run(f"{source}_{result}", (64,), (1024,), numbers, found)
        expected = rounded(numbers, dtype(result))
        np.testing.assert_array_equal(found.astype(np.float64), expected.astype(np.float64))


def beside(numbers, bits):
    """Return what lies beside numbers, and beside the middle between them and the next ones of so many bits."""
    rng = np.random.default_rng(0)
    with np.errstate(over="ignore"):
        middle = np.where(rng.random(numbers.size) < 0.5, numbers, numbers * numbers.dtype.type(1 + 2.0**-bits))
        side = rng.choice([-np.inf, np.inf], numbers.size).astype(numbers.dtype)
        return np.where(rng.random(numbers.size) < 0.2, middle, np.nextafter(middle, side))


@pytest.mark.parametrize(
    ("name", "reference"),
    [("exp", np.exp), ("tanh", np.tanh), ("rsqrt", lambda x: 1 / np.sqrt(x)), ("log1p", np.log1p), ("sqrt", np.sqrt)],
)
def test_mathematics(gpu, name, reference):
    body = f"""
    gpu.func @map(%x: memref<33xf32>) kernel {{
      %t = gpu.thread_id x
      %v = memref.load %x[%t] : memref<33xf32>
      %w = math.{name} %v : f32
      memref.store %w, %x[%t] : memref<33xf32>
      gpu.return
    }}"""
    x = np.linspace(0.1, 4, 33, dtype=np.float32)
    expected = reference(x.astype(np.float64))
    gpu(body).run("map", (1,), (33,), x)
    np.testing.assert_allclose(x, expected, rtol=3e-7)


def test_approximations(nvvm):
    body = """
    llvm.func @approximate(%x: !llvm.ptr) attributes {nvvm.kernel} {
      %t = nvvm.read.ptx.sreg.tid.x : i32
      %p = llvm.getelementptr %x[%t] : (!llvm.ptr, i32) -> !llvm.ptr, f32
      %v = llvm.load %p : !llvm.ptr -> f32
      %r = nvvm.rcp.approx.ftz.f %v : f32
      %e = llvm.call_intrinsic "llvm.nvvm.ex2.approx.ftz.f"(%r) : (f32) -> f32
      llvm.store %e, %p : f32, !llvm.ptr
      llvm.return
    }"""
    x = np.array([1, 2, -0.5], np.float32)
    nvvm(body).run("approximate", (1,), (3,), x)
    np.testing.assert_allclose(x, [2, 2**0.5, 0.25], rtol=1e-6)


def test_vectors_and_masked_vectors(gpu):
    body = """
    gpu.func @copy(%x: memref<61xf32>, %y: memref<61xf32>) kernel {
      %c4 = arith.constant 4 : index
      %c61 = arith.constant 61 : index
      %z = arith.constant dense<0.0> : vector<4xf32>
      %t = gpu.thread_id x
      %i = arith.muli %t, %c4 : index
      %left = arith.subi %c61, %i : index
      %m = vector.create_mask %left : vector<4xi1>
      %v = vector.maskedload %x[%i], %m, %z : memref<61xf32>, vector<4xi1>, vector<4xf32> into vector<4xf32>
      vector.maskedstore %y[%i], %m, %v : memref<61xf32>, vector<4xi1>, vector<4xf32>
      gpu.return
    }"""
    x, y = np.arange(61, dtype=np.float32), np.zeros(61, np.float32)
    gpu(body).run("copy", (1,), (16,), x, y)
    np.testing.assert_array_equal(y, x)


def test_private_memory(gpu):
    body = """
    gpu.func @reverse(%x: memref<32xf32>, %n: index) private(%p: memref<4xf32, #gpu.address_space<private>>) kernel {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c4 = arith.constant 4 : index
      %c3 = arith.constant 3 : index
      %t = gpu.thread_id x
      %i = arith.muli %t, %c4 : index
      scf.for %k = %c0 to %n step %c1 {
        %j = arith.addi %i, %k : index
        %v = memref.load %x[%j] : memref<32xf32>
        memref.store %v, %p[%k] : memref<4xf32, #gpu.address_space<private>>
      }
      gpu.barrier
      scf.for %k = %c0 to %n step %c1 {
        %j = arith.addi %i, %k : index
        %r = arith.subi %c3, %k : index
        %v = memref.load %p[%r] : memref<4xf32, #gpu.address_space<private>>
        memref.store %v, %x[%j] : memref<32xf32>
      }
      gpu.return
    }"""
    x = np.arange(32, dtype=np.float32)
    gpu(body).run("reverse", (1,), (8,), x, np.int64(4))
    np.testing.assert_array_equal(x, np.arange(32).reshape(8, 4)[:, ::-1].ravel())


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_atomics(gpu, schedule):
    body = """
    gpu.func @count(%y: memref<2xi32>, %z: memref<1xf32>) kernel {
      %c0 = arith.constant 0 : index
      %c2 = arith.constant 2 : index
      %one = arith.constant 1 : i32
      %half = arith.constant 0.5 : f32
      %t = gpu.thread_id x
      %i = arith.remui %t, %c2 : index
      %0 = memref.atomic_rmw addi %one, %y[%i] : (i32, memref<2xi32>) -> i32
      %1 = memref.atomic_rmw addf %half, %z[%c0] : (f32, memref<1xf32>) -> f32
      gpu.return
    }"""
    y, z = np.zeros(2, np.int32), np.zeros(1, np.float32)
    gpu(body, schedule).run("count", (5,), (33,), y, z)
    assert y.tolist() == [85, 80]
    assert z.tolist() == [82.5]


def test_the_last_writer_depends_on_the_schedule(nvvm):
    body = """
    llvm.func @write(%x: !llvm.ptr) attributes {nvvm.kernel} {
      %b = nvvm.read.ptx.sreg.ctaid.x : i32
      %d = nvvm.read.ptx.sreg.ntid.x : i32
      %t = nvvm.read.ptx.sreg.tid.x : i32
      %0 = llvm.mul %b, %d : i32
      %i = llvm.add %0, %t : i32
      llvm.store %i, %x : i32, !llvm.ptr
      llvm.return
    }"""
    written = []
    for schedule in SCHEDULES:
        x = np.zeros(1, np.int32)
        nvvm(body, schedule).run("write", (5,), (40,), x)
        written.append(int(x[0]))
    assert written[:3] == [199, 0, 199]
    assert written[3] not in written[:3]


def test_division_by_zero_stops_nothing(nvvm):
    body = """
    llvm.func @divide(%x: !llvm.ptr, %n: i32) attributes {nvvm.kernel} {
      %t = nvvm.read.ptx.sreg.tid.x : i32
      %q = llvm.sdiv %n, %t : i32
      %p = llvm.getelementptr %x[%t] : (!llvm.ptr, i32) -> !llvm.ptr, i32
      llvm.store %q, %p : i32, !llvm.ptr
      llvm.return
    }"""
    x = np.zeros(4, np.int32)
    nvvm(body).run("divide", (1,), (4,), x, np.int32(12))
    assert x[1:].tolist() == [12, 6, 4]


def test_functions_are_inlined_and_constants_read(nvvm):
    body = """
    llvm.mlir.global internal constant @table(dense<[3, 1, 4, 1]> : tensor<4xi32>) : !llvm.array<4 x i32>
    llvm.func @look(%i: i32) -> i32 {
      %t = llvm.mlir.addressof @table : !llvm.ptr
      %p = llvm.getelementptr %t[0, %i] : (!llvm.ptr, i32) -> !llvm.ptr, !llvm.array<4 x i32>
      %v = llvm.load %p : !llvm.ptr -> i32
      llvm.return %v : i32
    }
    llvm.func @get(%x: !llvm.ptr) attributes {nvvm.kernel} {
      %t = nvvm.read.ptx.sreg.tid.x : i32
      %v = llvm.call @look(%t) : (i32) -> i32
      %p = llvm.getelementptr %x[%t] : (!llvm.ptr, i32) -> !llvm.ptr, i32
      llvm.store %v, %p : i32, !llvm.ptr
      llvm.return
    }"""
    x = np.zeros(4, np.int32)
    nvvm(body).run("get", (1,), (4,), x)
    assert x.tolist() == [3, 1, 4, 1]
