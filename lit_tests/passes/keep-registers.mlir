// RUN: %catgrad-opt %s --catgrad-keep-registers | %filecheck %s

// Kernels that share memory say that one block on a multiprocessor will do.
// CHECK: gpu.func @shares
// CHECK-SAME: nvvm.minctasm = 1 : i32
// CHECK: gpu.func @alone
// CHECK-NOT: nvvm.minctasm
// CHECK: gpu.return
gpu.module @kernels {
  gpu.func @shares() workgroup(%s: memref<4xf32, #gpu.address_space<workgroup>>) kernel {
    gpu.return
  }
  gpu.func @alone() kernel {
    gpu.return
  }
}
