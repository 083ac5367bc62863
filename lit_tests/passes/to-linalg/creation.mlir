// Extents that a call tells are computed from the index arguments.

// RUN: %catgrad-opt %s --catgrad-to-linalg | %filecheck %s

// CHECK-LABEL: func.func @constant
// CHECK: arith.constant dense<[1, 0]> : tensor<2xi8>
func.func @constant() -> tensor<2xi1> {
  %0 = "catgrad.constant"() {value = dense<[true, false]> : tensor<2xi1>} : () -> tensor<2xi1>
  return %0 : tensor<2xi1>
}

// CHECK-LABEL: func.func @iota
// CHECK-SAME: (%[[B:.*]]: index {catgrad.symbol = "B"})
func.func @iota(%B: index {catgrad.symbol = "B"}) -> tensor<?x3xi32, ["B + 1", "3"]> {
  // CHECK: %[[ONE:.*]] = arith.constant 1 : index
  // CHECK: %[[ROWS:.*]] = arith.addi %[[B]], %[[ONE]] : index
  // CHECK: tensor.empty(%[[ROWS]]) : tensor<?x3xi32>
  // CHECK: linalg.index 0 : index
  %0 = "catgrad.iota"() {axis = 0} : () -> tensor<?x3xi32, ["B + 1", "3"]>
  return %0 : tensor<?x3xi32, ["B + 1", "3"]>
}

// CHECK-LABEL: func.func @nat_to_tensor
func.func @nat_to_tensor(%B: index {catgrad.symbol = "B"}) -> tensor<f32> {
  // CHECK: arith.floordivsi
  // CHECK: arith.maxsi
  // CHECK: %[[N:.*]] = arith.sitofp %{{.*}} : i64 to f32
  // CHECK: linalg.generic {indexing_maps = [#{{.*}}], iterator_types = []} outs(%{{.*}} : tensor<f32>)
  // CHECK: linalg.yield %[[N]] : f32
  %0 = "catgrad.nat_to_tensor"() {value = "max(floordiv(B, 2), 3)"} : () -> tensor<f32>
  return %0 : tensor<f32>
}

// What is one number everywhere is that number to bodies, and computed once, outside of them.
// CHECK-LABEL: func.func @number
// CHECK-SAME: (%[[X:.*]]: tensor<3x4xf32>)
func.func @number(%x: tensor<3x4xf32>) -> tensor<3x4xf32> {
  // CHECK: %[[C:.*]] = arith.constant 5.000000e-01 : f32
  // CHECK: %[[T:.*]] = math.tanh %[[C]] : f32
  // CHECK: linalg.generic {{.*}} ins(%[[X]] : tensor<3x4xf32>)
  // CHECK: arith.mulf %{{.*}}, %[[T]] : f32
  // CHECK-NOT: linalg.generic
  // CHECK: return
  %0 = "catgrad.constant"() {value = dense<0.5> : tensor<1xf32>} : () -> tensor<1xf32>
  %1 = "catgrad.tanh"(%0) : (tensor<1xf32>) -> tensor<1xf32>
  %2 = "catgrad.reshape"(%1) : (tensor<1xf32>) -> tensor<f32>
  %3 = "catgrad.broadcast_to"(%2) : (tensor<f32>) -> tensor<4x3xf32>
  %4 = "catgrad.permute_dims"(%3) {axes = array<i64: 1, 0>} : (tensor<4x3xf32>) -> tensor<3x4xf32>
  %5 = "catgrad.multiply"(%x, %4) : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x4xf32>
  return %5 : tensor<3x4xf32>
}

// Whoever reads more than elements gets a tensor, all of them one. A bool is a byte there, and a truth value in bodies.
// CHECK-LABEL: func.func @tensors
// CHECK-SAME: (%[[B:.*]]: index {catgrad.symbol = "B"})
func.func @tensors(%B: index {catgrad.symbol = "B"})
    -> (tensor<?xi1, ["B"]>, tensor<?xi1, ["B"]>, tensor<i1>) {
  // CHECK: %[[BIT:.*]] = arith.cmpi ne
  // CHECK: %[[ONE:.*]] = arith.constant dense<1> : tensor<i8>
  // CHECK: %[[EMPTY:.*]] = tensor.empty(%[[B]]) : tensor<?xi8>
  // CHECK: %[[ALL:.*]] = linalg.generic {{.*}} outs(%[[EMPTY]] : tensor<?xi8>)
  // CHECK: arith.extui %[[BIT]] : i1 to i8
  // CHECK-NOT: linalg.generic
  // CHECK: return %[[ALL]], %[[ALL]], %[[ONE]]
  %0 = "catgrad.constant"() {value = dense<true> : tensor<i1>} : () -> tensor<i1>
  %1 = "catgrad.broadcast_to"(%0) : (tensor<i1>) -> tensor<?xi1, ["B"]>
  return %1, %1, %0 : tensor<?xi1, ["B"]>, tensor<?xi1, ["B"]>, tensor<i1>
}
