// RUN: %catgrad-opt %s --catgrad-keep-registers | %filecheck %s

// Kernels that share memory, and those on elements of less than 32 bits, say that one block on a multiprocessor will do.
// CHECK: gpu.func @shares
// CHECK-SAME: nvvm.minctasm = 1 : i32
// CHECK: gpu.func @packed
// CHECK-SAME: nvvm.minctasm = 1 : i32
// CHECK: gpu.func @alone
// CHECK-NOT: nvvm.minctasm
// CHECK: gpu.return
gpu.module @kernels {
  gpu.func @shares() workgroup(%s: memref<4xf32, #gpu.address_space<workgroup>>) kernel {
    gpu.return
  }
  gpu.func @packed(%n: index, %x: memref<4xf32>, %y: memref<?xbf16>) kernel {
    gpu.return
  }
  gpu.func @alone(%x: memref<4xf32>, %y: memref<4xi8>) kernel {
    gpu.return
  }
}
