"""Device memory: allocation, copies, and accesses of kernels that are outside of it."""

import numpy as np
import pytest

from catgrad.runtime.gpu_emulator import EmulationError

SHIFT = """
llvm.func @shift(%x: !llvm.ptr, %y: !llvm.ptr, %load: i32, %store: i32) attributes {nvvm.kernel} {
  %t = nvvm.read.ptx.sreg.tid.x : i32
  %i = llvm.add %t, %load : i32
  %j = llvm.add %t, %store : i32
  %p = llvm.getelementptr inbounds|nuw %x[%i] : (!llvm.ptr, i32) -> !llvm.ptr, f32
  %q = llvm.getelementptr inbounds|nuw %y[%j] : (!llvm.ptr, i32) -> !llvm.ptr, f32
  %v = llvm.load %p : !llvm.ptr -> f32
  llvm.store %v, %q : f32, !llvm.ptr
  llvm.return
}
llvm.func @wide(%x: !llvm.ptr, %bytes: i64) attributes {nvvm.kernel} {
  %p = llvm.getelementptr %x[%bytes] : (!llvm.ptr, i64) -> !llvm.ptr, i8
  %v = llvm.load %p : !llvm.ptr -> vector<4xf32>
  llvm.store %v, %x : vector<4xf32>, !llvm.ptr
  llvm.return
}
llvm.func @clear(%x: !llvm.ptr, %bytes: i64) attributes {nvvm.kernel} {
  %zero = llvm.mlir.constant(0 : i8) : i8
  "llvm.intr.memset"(%x, %zero, %bytes) <{isVolatile = false}> : (!llvm.ptr, i8, i64) -> ()
  llvm.return
}
"""


def shift(nvvm, load, store, threads=10):
    x, y = np.arange(10, dtype=np.float32), np.zeros(10, np.float32)
    nvvm(SHIFT).run("shift", (1,), (threads,), x, y, np.int32(load), np.int32(store))
    return y


def test_accesses_inside(nvvm):
    assert shift(nvvm, 0, 0).tolist() == list(range(10))
    assert shift(nvvm, 1, 0, 9).tolist() == [*range(1, 10), 0]


@pytest.mark.parametrize(
    ("load", "store", "thread", "operation", "place"),
    [
        (1, 0, 9, "llvm.load", "0 bytes behind an allocation of 40 bytes"),
        (-1, 0, 0, "llvm.load", "4 bytes before an allocation of 40 bytes"),
        (0, 1, 9, "llvm.store", "0 bytes behind an allocation of 40 bytes"),
        (0, -2, 0, "llvm.store", "8 bytes before an allocation of 40 bytes"),
        (2**30, 0, 0, "llvm.load", "no allocation is near"),
        (0, -(2**30), 0, "llvm.store", "no allocation is near"),
    ],
)
def test_accesses_outside(nvvm, load, store, thread, operation, place):
    message = (
        rf"kernel shift, block \(0, 0, 0\), thread \({thread}, 0, 0\): {operation} at loc\(.*\): "
        rf"4 bytes at 0x[0-9a-f]+, outside every allocation: {place}"
    )
    with pytest.raises(EmulationError, match=message):
        shift(nvvm, load, store)


def test_an_access_that_ends_outside(nvvm):
    with pytest.raises(EmulationError, match=r"16 bytes at .*, outside every allocation: 16 bytes into"):
        nvvm(SHIFT).run("wide", (1,), (1,), np.zeros(7, np.float32), np.int64(16))


def test_misaligned_accesses(nvvm):
    with pytest.raises(EmulationError, match=r"16 bytes at .*, a misaligned address"):
        nvvm(SHIFT).run("wide", (1,), (1,), np.zeros(9, np.float32), np.int64(4))


def test_bulk_operations(nvvm):
    x = np.arange(8, dtype=np.float32)
    nvvm(SHIFT).run("clear", (1,), (1,), x, np.int64(16))
    assert x.tolist() == [0, 0, 0, 0, 4, 5, 6, 7]
    with pytest.raises(EmulationError, match=r"llvm.intr.memset at .*: 33 bytes"):
        nvvm(SHIFT).run("clear", (1,), (1,), x, np.int64(33))


def launch(device, kernel, *numbers):
    values = [np.array([each]) for each in numbers]
    table = np.array([each.ctypes.data for each in values], np.uint64)
    device.emulator.launch(kernel, (1, 1, 1), (1, 1, 1), 0, table.ctypes.data)


def test_use_of_freed_memory(nvvm):
    device = nvvm(SHIFT)
    x, y = device.emulator.allocate(4), device.emulator.allocate(4)
    launch(device, "shift", x, y, np.int32(0), np.int32(0))
    device.emulator.free(x)
    with pytest.raises(EmulationError, match="0 bytes into an allocation of 4 bytes, which was freed"):
        launch(device, "shift", x, y, np.int32(0), np.int32(0))


def test_a_null_address(nvvm):
    device = nvvm(SHIFT)
    with pytest.raises(EmulationError, match="4 bytes at 0x0, outside every allocation"):
        launch(device, "shift", 0, device.emulator.allocate(4), np.int32(0), np.int32(0))


def test_allocations_are_aligned_and_apart(nvvm):
    emulator = nvvm(SHIFT).emulator
    addresses = sorted(emulator.allocate(size) for size in (0, 1, 255, 256, 257, 1000))
    assert all(address > 0 and address % 256 == 0 for address in addresses)
    assert len(set(addresses)) == 6


@pytest.mark.parametrize("size", [1 << 60, 1 << 70])
def test_more_memory_than_there_is(nvvm, size):
    with pytest.raises(EmulationError, match=f"cannot allocate {size:,} bytes: this machine has not that much memory"):
        nvvm(SHIFT).emulator.allocate(size)


def test_copies_and_fills(nvvm):
    emulator = nvvm(SHIFT).emulator
    address, x = emulator.allocate(16), np.arange(4, dtype=np.float32)
    emulator.fill(address, 0, 16)
    emulator.copy_in(address + 4, x[1:].ctypes.data, 8)
    emulator.copy_out(x.ctypes.data, address, 16)
    assert x.tolist() == [0, 1, 2, 0]


def test_new_memory_is_not_a_number(nvvm):
    emulator, x = nvvm(SHIFT).emulator, np.zeros(2, np.float32)
    emulator.copy_out(x.ctypes.data, emulator.allocate(8), 8)
    assert np.isnan(x).all()


def test_copies_outside(nvvm):
    emulator, x = nvvm(SHIFT).emulator, np.zeros(8, np.float32)
    address = emulator.allocate(16)
    for action in (
        lambda: emulator.copy_in(address, x.ctypes.data, 17),
        lambda: emulator.copy_out(x.ctypes.data, address + 4, 16),
        lambda: emulator.fill(address - 4, 0, 8),
        lambda: emulator.fill(address, 0, -1),
        lambda: emulator.free(address + 256),
        lambda: emulator.allocate(-1),
    ):
        with pytest.raises(EmulationError, match=r"cannot (copy|free|allocate)"):
            action()
    emulator.free(address)
    with pytest.raises(EmulationError, match=r"cannot free .* which was freed"):
        emulator.free(address)
    with pytest.raises(EmulationError, match=r"cannot copy .* which was freed"):
        emulator.fill(address, 0, 1)


def test_memory_outside_of_a_private_variable(nvvm):
    body = """
    llvm.func @private(%x: !llvm.ptr, %i: i32) attributes {nvvm.kernel} {
      %c4 = llvm.mlir.constant(4 : i64) : i64
      %a = llvm.alloca %c4 x f32 : (i64) -> !llvm.ptr
      %v = llvm.load %x : !llvm.ptr -> f32
      %p = llvm.getelementptr %a[%i] : (!llvm.ptr, i32) -> !llvm.ptr, f32
      llvm.store %v, %p : f32, !llvm.ptr
      llvm.return
    }"""
    x = np.zeros(1, np.float32)
    nvvm(body).run("private", (1,), (1,), x, np.int32(3))
    with pytest.raises(EmulationError, match="outside the variable it points into"):
        nvvm(body).run("private", (1,), (1,), x, np.int32(4))
