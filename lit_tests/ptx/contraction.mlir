// Contractions: tiles of A and B in shared memory, sums in registers, stored once.

// RUN: %catgrad-opt %s --catgrad-cuda-pipeline --gpu-module-to-binary="format=isa" | %filecheck %s

// CHECK-NOT: .local
// CHECK: .entry product_kernel
// CHECK: .shared
// CHECK: ld.global
// CHECK-DAG: st.shared
// CHECK-DAG: bar.sync
// CHECK-DAG: ld.shared.v{{[24]}}
// CHECK-DAG: fma.rn.f32
// CHECK-NOT: atom.
// CHECK: st.global
// CHECK: ret;
func.func @product(%a: tensor<128x96xf32>, %b: tensor<64x96xf32>) -> tensor<128x64xf32> {
  %0 = "catgrad.contract"(%a, %b) {spec = "ik,jk->ij"} : (tensor<128x96xf32>, tensor<64x96xf32>) -> tensor<128x64xf32>
  return %0 : tensor<128x64xf32>
}
