// The derivative of a contraction is two contractions: no transpose is ever made.

// RUN: %catgrad-opt %s --catgrad-grad --catgrad-simplify | %filecheck %s

func.func @matmul(%x: tensor<2x3xf32>, %y: tensor<3x4xf32>) -> tensor<2x4xf32> {
  %0 = "catgrad.contract"(%x, %y) {spec = "ik,kj->ij"} : (tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

func.func @linear(%x: tensor<2x3xf32>, %w: tensor<4x3xf32>) -> tensor<2x4xf32> {
  %0 = "catgrad.permute_dims"(%w) {axes = array<i64: 1, 0>} : (tensor<4x3xf32>) -> tensor<3x4xf32>
  %1 = "catgrad.contract"(%x, %0) {spec = "ik,kj->ij"} : (tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<2x4xf32>
  return %1 : tensor<2x4xf32>
}

func.func @alone(%x: tensor<2x3xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "catgrad.contract"(%x, %y) {spec = "ij,k->k"} : (tensor<2x3xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: func.func @matmul.vjp
// CHECK-DAG:     "catgrad.contract"(%arg0, %arg1) {spec = "ik,kj->ij"}
// CHECK-DAG:     "catgrad.contract"(%arg2, %arg1) {spec = "ij,kj->ik"}
// CHECK-DAG:     "catgrad.contract"(%arg2, %arg0) {spec = "ij,ik->kj"}

// CHECK-LABEL: func.func @linear.vjp
// CHECK-NOT:     permute_dims
// CHECK-DAG:     "catgrad.contract"(%arg0, %arg1) {spec = "ik,jk->ij"}
// CHECK-DAG:     "catgrad.contract"(%arg2, %arg1) {spec = "ij,jk->ik"}
// CHECK-DAG:     "catgrad.contract"(%arg2, %arg0) {spec = "ij,ik->jk"}

// An index that only one operand has is summed: its cotangent is repeated.
// CHECK-LABEL: func.func @alone.vjp
// CHECK:         %[[D:.*]] = "catgrad.contract"(%arg2, %arg1) {spec = "k,k->"}
// CHECK:         "catgrad.broadcast_to"(%{{.*}}) : (tensor<1x1xf32>) -> tensor<2x3xf32>
