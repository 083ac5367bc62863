// RUN: %catgrad-opt %s --gpu-kernel-outlining --catgrad-one-gpu-module | %filecheck %s

// All kernels are in one module; equal ones are one, and both launches name it. Names are such as PTX has.
// CHECK: gpu.module @kernels {
// CHECK: gpu.func @f_fwd_kernel(
// CHECK: gpu.func @f_fwd_kernel_1(
// CHECK-NOT: gpu.func
// CHECK-LABEL: func.func @f.fwd
// CHECK: gpu.launch_func @kernels::@[[ONE:.+]] blocks
// CHECK: gpu.launch_func @kernels::@[[ONE]] blocks
// CHECK: gpu.launch_func @kernels::@{{.+}} blocks
// CHECK-NOT: gpu.module
func.func @f.fwd(%x: memref<4xf32>, %y: memref<4xf32>) {
  %c1 = arith.constant 1 : index
  gpu.launch blocks(%a, %b, %c) in (%d = %c1, %e = %c1, %g = %c1) threads(%i, %j, %k) in (%l = %c1, %m = %c1, %n = %c1) {
    %v = memref.load %x[%i] : memref<4xf32>
    memref.store %v, %y[%i] : memref<4xf32>
    gpu.terminator
  }
  gpu.launch blocks(%a, %b, %c) in (%d = %c1, %e = %c1, %g = %c1) threads(%i, %j, %k) in (%l = %c1, %m = %c1, %n = %c1) {
    %v = memref.load %y[%i] : memref<4xf32>
    memref.store %v, %x[%i] : memref<4xf32>
    gpu.terminator
  }
  gpu.launch blocks(%a, %b, %c) in (%d = %c1, %e = %c1, %g = %c1) threads(%i, %j, %k) in (%l = %c1, %m = %c1, %n = %c1) {
    %v = memref.load %x[%j] : memref<4xf32>
    memref.store %v, %y[%i] : memref<4xf32>
    gpu.terminator
  }
  return
}
