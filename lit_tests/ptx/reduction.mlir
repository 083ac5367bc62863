// Reductions: terms are folded in registers, then by five exchanges between the threads of a warp; no atomic operations.

// RUN: %catgrad-opt %s --catgrad-cuda-pipeline --gpu-module-to-binary="format=isa" --split-input-file | %filecheck %s

// Few terms: a warp for each row.
// CHECK-NOT: .shared
// CHECK: .visible .entry rows_kernel
// CHECK: ld.global
// CHECK-COUNT-5: shfl.sync.bfly.b32
// CHECK-NOT: shfl
// CHECK-NOT: atom.
// CHECK: st.global
// CHECK: ret;
func.func @rows(%x: tensor<30x100xf32>) -> tensor<30xf32> {
  %0 = "catgrad.max"(%x) {axes = array<i64: 1>} : (tensor<30x100xf32>) -> tensor<30xf32>
  return %0 : tensor<30xf32>
}

// -----

// Many terms: a block, whose warps meet in shared memory.
// CHECK: .visible .entry all_kernel
// CHECK: .shared
// CHECK: ld.global
// CHECK: add.f32
// CHECK-COUNT-5: shfl.sync.bfly.b32
// CHECK: st.shared
// CHECK: bar.sync
// CHECK: ld.shared
// CHECK: shfl.sync.bfly.b32
// CHECK-NOT: atom.
// CHECK: st.global
func.func @all(%x: tensor<5000xf32>) -> tensor<f32> {
  %0 = "catgrad.sum"(%x) {axes = array<i64: 0>} : (tensor<5000xf32>) -> tensor<f32>
  return %0 : tensor<f32>
}
