// Elementwise: one access of 16 bytes for each operand and for the result; neither shared nor local memory.

// RUN: %catgrad-opt %s --catgrad-cuda-pipeline --gpu-module-to-binary="format=isa" | %filecheck %s

// CHECK: .target sm_80
// CHECK-NOT: .shared
// CHECK-NOT: .local
// CHECK: .visible .entry f_kernel(
// CHECK-COUNT-2: ld.global.v4.b32
// CHECK-NOT: ld.global
// CHECK-COUNT-4: mul.rn.f32
// CHECK: st.global.v4.b32
// CHECK-NOT: st.global
// CHECK: ret;
// CHECK-NOT: .visible .entry
func.func @f(%x: tensor<4096xf32>, %y: tensor<4096xf32>) -> tensor<4096xf32> {
  %0 = "catgrad.multiply"(%x, %y) : (tensor<4096xf32>, tensor<4096xf32>) -> tensor<4096xf32>
  %1 = "catgrad.add"(%0, %y) : (tensor<4096xf32>, tensor<4096xf32>) -> tensor<4096xf32>
  return %1 : tensor<4096xf32>
}
