// Sums repeat the cotangent; the largest and the smallest send it to where they were found, split among ties.

// RUN: %catgrad-opt %s --catgrad-grad --catgrad-simplify | %filecheck %s

func.func @sum(%x: tensor<2x3xf32>) -> tensor<2xf32> {
  %0 = "catgrad.sum"(%x) {axes = array<i64: 1>} : (tensor<2x3xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

func.func @max(%x: tensor<2x3xf32>) -> tensor<2xf32> {
  %0 = "catgrad.max"(%x) {axes = array<i64: 1>} : (tensor<2x3xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

func.func @argmax(%x: tensor<2x3xf32>) -> tensor<2xi32> {
  %0 = "catgrad.argmax"(%x) {axis = 1 : i64} : (tensor<2x3xf32>) -> tensor<2xi32>
  return %0 : tensor<2xi32>
}

// CHECK-LABEL: func.func @sum.vjp
// CHECK:         %[[COLUMN:.*]] = "catgrad.reshape"(%arg1) : (tensor<2xf32>) -> tensor<2x1xf32>
// CHECK:         %[[DX:.*]] = "catgrad.broadcast_to"(%[[COLUMN]]) : (tensor<2x1xf32>) -> tensor<2x3xf32>
// CHECK:         return %{{.*}}, %[[DX]]

// CHECK-LABEL: func.func @max.vjp
// CHECK:         %[[Y:.*]] = "catgrad.max"(%arg0)
// CHECK:         "catgrad.equal"(%arg0, %{{.*}})
// CHECK:         %[[OTHERS:.*]] = "catgrad.not_equal"(%arg0, %{{.*}})
// CHECK:         %[[TIES:.*]] = "catgrad.sum"(%{{.*}}) {axes = array<i64: 1>}
// CHECK:         "catgrad.divide"(%arg1, %[[TIES]])
// CHECK:         %[[DX:.*]] = "catgrad.where"(%[[OTHERS]],
// CHECK:         return %[[Y]], %[[DX]]

// A position has no cotangent to give, so there is one argument.
// CHECK-LABEL: func.func @argmax.vjp
// CHECK-SAME:      (%arg0: tensor<2x3xf32> {catgrad.name = "argument 0"}) -> (tensor<2xi32>, tensor<2x3xf32>)
