// A contraction is one linalg.contract, whose maps say which operand is transposed.

// RUN: %catgrad-opt %s --catgrad-to-linalg | %filecheck %s

// CHECK-DAG: #[[IK:.*]] = affine_map<(d0, d1, d2) -> (d0, d2)>
// CHECK-DAG: #[[JK:.*]] = affine_map<(d0, d1, d2) -> (d1, d2)>
// CHECK-DAG: #[[IJ:.*]] = affine_map<(d0, d1, d2) -> (d0, d1)>

// CHECK-LABEL: func.func @transposed
func.func @transposed(%x: tensor<3x4xf32>, %y: tensor<5x4xf32>) -> tensor<3x5xf32> {
  // CHECK: %[[FILL:.*]] = linalg.fill
  // CHECK: linalg.contract indexing_maps = [#[[IK]], #[[JK]], #[[IJ]]]
  // CHECK-SAME: outs(%[[FILL]] : tensor<3x5xf32>)
  %0 = "catgrad.contract"(%x, %y) {spec = "ik,jk->ij"} : (tensor<3x4xf32>, tensor<5x4xf32>) -> tensor<3x5xf32>
  return %0 : tensor<3x5xf32>
}

// CHECK-LABEL: func.func @narrow
func.func @narrow(%x: tensor<3x4xbf16>, %y: tensor<5x4xbf16>) -> tensor<3x5xbf16> {
  // CHECK: linalg.contract
  // CHECK-SAME: ins(%{{.*}} : tensor<3x4xbf16>, tensor<5x4xbf16>) outs(%{{.*}} : tensor<3x5xf32>)
  // CHECK: arith.truncf
  %0 = "catgrad.contract"(%x, %y) {spec = "ik,jk->ij"} : (tensor<3x4xbf16>, tensor<5x4xbf16>) -> tensor<3x5xbf16>
  return %0 : tensor<3x5xbf16>
}

// Where nothing is summed, there is nothing to contract.
// CHECK-LABEL: func.func @outer
// CHECK-NOT: linalg.contract
// CHECK: arith.mulf
func.func @outer(%x: tensor<3xf32>, %y: tensor<4xf32>) -> tensor<3x4xf32> {
  %0 = "catgrad.contract"(%x, %y) {spec = "i,j->ij"} : (tensor<3xf32>, tensor<4xf32>) -> tensor<3x4xf32>
  return %0 : tensor<3x4xf32>
}

// An index that one operand has alone is summed before.
// CHECK-LABEL: func.func @alone
func.func @alone(%x: tensor<3x4xf32>, %y: tensor<4xf32>) -> tensor<f32> {
  // CHECK: %[[COLUMNS:.*]] = linalg.generic {{.*}} iterator_types = ["reduction", "parallel"]
  // CHECK: linalg.contract {{.*}} ins(%[[COLUMNS]], %{{.*}} : tensor<4xf32>, tensor<4xf32>)
  %0 = "catgrad.contract"(%x, %y) {spec = "ik,k->"} : (tensor<3x4xf32>, tensor<4xf32>) -> tensor<f32>
  return %0 : tensor<f32>
}
