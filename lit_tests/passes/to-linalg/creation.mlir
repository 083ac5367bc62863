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
  // CHECK: linalg.generic {indexing_maps = [#{{.*}}], iterator_types = []} outs(%{{.*}} : tensor<f32>)
  // CHECK: arith.sitofp %{{.*}} : i64 to f32
  %0 = "catgrad.nat_to_tensor"() {value = "max(floordiv(B, 2), 3)"} : () -> tensor<f32>
  return %0 : tensor<f32>
}
