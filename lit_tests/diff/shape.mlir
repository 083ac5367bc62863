// Operations that move values are linear: the derivative is the transposed operation, and nothing is saved.

// RUN: %catgrad-opt %s --catgrad-grad --catgrad-simplify | %filecheck %s

func.func @broadcast(%x: tensor<1x3xf32>) -> tensor<2x4x3xf32> {
  %0 = "catgrad.broadcast_to"(%x) : (tensor<1x3xf32>) -> tensor<2x4x3xf32>
  return %0 : tensor<2x4x3xf32>
}

func.func @flatten(%B: index {catgrad.symbol = "B"}, %x: tensor<?x4xf32, ["B", "4"]>) -> tensor<?xf32, ["4*B"]> {
  %0 = "catgrad.reshape"(%x) : (tensor<?x4xf32, ["B", "4"]>) -> tensor<?xf32, ["4*B"]>
  return %0 : tensor<?xf32, ["4*B"]>
}

func.func @permute(%x: tensor<2x3x4xf32>) -> tensor<4x2x3xf32> {
  %0 = "catgrad.permute_dims"(%x) {axes = array<i64: 2, 0, 1>} : (tensor<2x3x4xf32>) -> tensor<4x2x3xf32>
  return %0 : tensor<4x2x3xf32>
}

// CHECK-LABEL: func.func @broadcast.vjp
// CHECK-DAG:     %[[SUM:.*]] = "catgrad.sum"(%arg1) {axes = array<i64: 0, 1>} : (tensor<2x4x3xf32>) -> tensor<3xf32>
// CHECK-DAG:     "catgrad.reshape"(%[[SUM]]) : (tensor<3xf32>) -> tensor<1x3xf32>

// CHECK-LABEL: func.func @flatten.vjp
// CHECK:         "catgrad.reshape"(%arg2) : (tensor<?xf32, ["4*B"]>) -> tensor<?x4xf32, ["B", "4"]>

// CHECK-LABEL: func.func @permute.vjp
// CHECK:         "catgrad.permute_dims"(%arg1) {axes = array<i64: 1, 2, 0>} : (tensor<4x2x3xf32>) -> tensor<2x3x4xf32>
