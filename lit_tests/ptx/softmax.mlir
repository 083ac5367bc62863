// Rows: a maximum, exponentials, a sum and quotients; what the threads of a warp know they exchange, nothing is atomic.

// RUN: %catgrad-opt %s --catgrad-cuda-pipeline --gpu-module-to-binary="format=isa" | %filecheck %s

// CHECK-NOT: .local
// CHECK-NOT: .extern
// CHECK: .visible .entry softmax_kernel
// CHECK: ld.global
// CHECK-COUNT-10: shfl.sync.bfly.b32
// CHECK-NOT: atom.
// CHECK: div.rn.f32
// CHECK: st.global
func.func @softmax(%x: tensor<64x100xf32>) -> tensor<64x100xf32> {
  %0 = "catgrad.max"(%x) {axes = array<i64: 1>} : (tensor<64x100xf32>) -> tensor<64xf32>
  %1 = "catgrad.reshape"(%0) : (tensor<64xf32>) -> tensor<64x1xf32>
  %2 = "catgrad.broadcast_to"(%1) : (tensor<64x1xf32>) -> tensor<64x100xf32>
  %3 = "catgrad.subtract"(%x, %2) : (tensor<64x100xf32>, tensor<64x100xf32>) -> tensor<64x100xf32>
  %4 = "catgrad.exp"(%3) : (tensor<64x100xf32>) -> tensor<64x100xf32>
  %5 = "catgrad.sum"(%4) {axes = array<i64: 1>} : (tensor<64x100xf32>) -> tensor<64xf32>
  %6 = "catgrad.reshape"(%5) : (tensor<64xf32>) -> tensor<64x1xf32>
  %7 = "catgrad.broadcast_to"(%6) : (tensor<64x1xf32>) -> tensor<64x100xf32>
  %8 = "catgrad.divide"(%4, %7) : (tensor<64x100xf32>, tensor<64x100xf32>) -> tensor<64x100xf32>
  return %8 : tensor<64x100xf32>
}
