// Equal operations become one, equations are applied from left to right, and what nothing uses is dropped.

// RUN: %catgrad-opt %s --catgrad-simplify | %filecheck %s
// RUN: %catgrad-opt %s --catgrad-simplify --catgrad-simplify | %filecheck %s
// RUN: %catgrad-opt %s --catgrad-simplify | %catgrad-opt - --catgrad-verify | %filecheck %s

// CHECK-LABEL: func.func @transposes
func.func @transposes(%x: tensor<2x3xf32>, %y: tensor<4x3xf32>) -> tensor<4x2xf32> {
  // CHECK-NEXT: %[[Z:.*]] = "catgrad.contract"(%arg0, %arg1) {spec = "ik,jk->ji"}
  // CHECK-NEXT: return %[[Z]]
  %0 = "catgrad.permute_dims"(%y) {axes = array<i64: 1, 0>} : (tensor<4x3xf32>) -> tensor<3x4xf32>
  %1 = "catgrad.contract"(%x, %0) {spec = "ik,kj->ij"} : (tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<2x4xf32>
  %2 = "catgrad.permute_dims"(%1) {axes = array<i64: 1, 0>} : (tensor<2x4xf32>) -> tensor<4x2xf32>
  return %2 : tensor<4x2xf32>
}

// CHECK-LABEL: func.func @identities
func.func @identities(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  // CHECK-NEXT: return %arg0
  %one = "catgrad.constant"() {value = dense<1.0> : tensor<f32>} : () -> tensor<f32>
  %ones = "catgrad.broadcast_to"(%one) : (tensor<f32>) -> tensor<2x3xf32>
  %0 = "catgrad.multiply"(%x, %ones) : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  %1 = "catgrad.divide"(%0, %ones) : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  %2 = "catgrad.reshape"(%1) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %3 = "catgrad.stop_gradient"(%2) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %4 = "catgrad.cast"(%3) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %5 = "catgrad.negative"(%4) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %6 = "catgrad.negative"(%5) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %6 : tensor<2x3xf32>
}

// CHECK-LABEL: func.func @once
func.func @once(%x: tensor<4xf32>, %unused: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK-NEXT: %[[E:.*]] = "catgrad.exp"(%arg0)
  // CHECK-NEXT: %[[Y:.*]] = "catgrad.multiply"(%[[E]], %[[E]])
  // CHECK-NEXT: return %[[Y]]
  %0 = "catgrad.exp"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %1 = "catgrad.exp"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %2 = "catgrad.multiply"(%0, %1) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %3 = "catgrad.log"(%unused) : (tensor<4xf32>) -> tensor<4xf32>
  return %2 : tensor<4xf32>
}

// CHECK-LABEL: func.func @called
func.func @called(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK-NEXT: %[[A:.*]] = "catgrad.sin"(%arg0)
  // CHECK-NEXT: %[[B:.*]] = "catgrad.sin"(%[[A]])
  // CHECK-NEXT: return %[[B]]
  %0 = call @small(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %1 = call @small(%0) : (tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// CHECK-NOT: @small
func.func private @small(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "catgrad.sin"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
