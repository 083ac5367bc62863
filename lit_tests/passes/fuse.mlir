// Elementwise generics over one iteration space become one, even where a value has several readers.

// RUN: %catgrad-opt %s --catgrad-to-linalg --canonicalize --cse --catgrad-fuse-elementwise --canonicalize | %filecheck %s

!x = tensor<3x4xf32>

// CHECK-DAG: #[[ID:.*]] = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-DAG: #[[COLUMN:.*]] = affine_map<(d0, d1) -> (d1)>
// CHECK-DAG: #[[SCALAR:.*]] = affine_map<(d0, d1) -> ()>

// A momentum step: the velocity is a result, and is used for the other.
// CHECK-LABEL: func.func @momentum
// CHECK-SAME: (%[[P:.*]]: tensor<3x4xf32>, %[[V:.*]]: tensor<3x4xf32>, %[[G:.*]]: tensor<3x4xf32>, %[[RATE:.*]]: tensor<f32>)
func.func @momentum(%p: !x, %v: !x, %g: !x, %rate: tensor<f32>) -> (!x, !x) {
  // CHECK: %[[BOTH:.*]]:2 = linalg.generic {indexing_maps = [#[[ID]], #[[ID]], #[[SCALAR]], #[[ID]], #[[ID]], #[[ID]]]
  // CHECK-SAME: ins(%[[V]], %[[G]], %[[RATE]], %[[P]] :
  // CHECK: %[[V1:.*]] = arith.addf
  // CHECK-NEXT: %[[STEP:.*]] = arith.mulf %{{.*}}, %[[V1]]
  // CHECK-NEXT: %[[P1:.*]] = arith.subf %{{.*}}, %[[STEP]]
  // CHECK-NEXT: linalg.yield %[[V1]], %[[P1]]
  // CHECK-NOT: linalg.generic
  // CHECK: return %[[BOTH]]#1, %[[BOTH]]#0
  %v1 = "catgrad.add"(%v, %g) : (!x, !x) -> !x
  %0 = "catgrad.broadcast_to"(%rate) : (tensor<f32>) -> !x
  %1 = "catgrad.multiply"(%0, %v1) : (!x, !x) -> !x
  %p1 = "catgrad.subtract"(%p, %1) : (!x, !x) -> !x
  return %p1, %v1 : !x, !x
}

// A constant is not read from memory, and a broadcast is an index map.
// CHECK-LABEL: func.func @operands
func.func @operands(%x: !x, %b: tensor<4xf32>) -> !x {
  // CHECK: linalg.generic {indexing_maps = [#[[ID]], #[[COLUMN]], #[[ID]]]
  // CHECK: arith.mulf %{{.*}}, %cst
  %0 = "catgrad.constant"() {value = dense<2.0> : !x} : () -> !x
  %1 = "catgrad.multiply"(%x, %0) : (!x, !x) -> !x
  %2 = "catgrad.broadcast_to"(%b) : (tensor<4xf32>) -> !x
  %3 = "catgrad.add"(%1, %2) : (!x, !x) -> !x
  return %3 : !x
}

// What only a reduction reads is computed inside it.
// CHECK-LABEL: func.func @norm
func.func @norm(%x: !x) -> tensor<f32> {
  // CHECK: linalg.generic {{.*}} iterator_types = ["reduction", "reduction"]
  // CHECK: arith.mulf
  // CHECK-NEXT: arith.addf
  // CHECK-NOT: linalg.generic
  // CHECK: return
  %0 = "catgrad.multiply"(%x, %x) : (!x, !x) -> !x
  %1 = "catgrad.sum"(%0) {axes = array<i64: 0, 1>} : (!x) -> tensor<f32>
  return %1 : tensor<f32>
}

// A transpose is read by the contraction itself.
// CHECK-LABEL: func.func @gram
// CHECK-NOT: linalg.generic
// CHECK: linalg.contract
func.func @gram(%x: !x) -> tensor<4x4xf32> {
  %0 = "catgrad.permute_dims"(%x) {axes = array<i64: 1, 0>} : (!x) -> tensor<4x3xf32>
  %1 = "catgrad.contract"(%0, %x) {spec = "ik,kj->ij"} : (tensor<4x3xf32>, !x) -> tensor<4x4xf32>
  return %1 : tensor<4x4xf32>
}

// A value that goes through a contraction and comes back is not fused across it.
// CHECK-LABEL: func.func @around
// CHECK: linalg.generic
// CHECK: linalg.contract
// CHECK: linalg.generic
func.func @around(%x: !x, %w: tensor<4x4xf32>) -> !x {
  %0 = "catgrad.sqrt"(%x) : (!x) -> !x
  %1 = "catgrad.contract"(%0, %w) {spec = "ik,kj->ij"} : (!x, tensor<4x4xf32>) -> !x
  %2 = "catgrad.add"(%0, %1) : (!x, !x) -> !x
  return %2 : !x
}

// What is the same at every place, and depends on no tensor, is computed by whoever needs it.
// CHECK-LABEL: func.func @scaled
func.func @scaled(%x: !x) -> !x {
  // CHECK: linalg.generic {indexing_maps = [#[[ID]], #[[ID]]]
  // CHECK-NEXT: ^bb0
  // CHECK-NEXT: arith.mulf %{{.*}}, %cst
  // CHECK-NEXT: linalg.yield
  // CHECK-NOT: linalg.generic
  // CHECK: return
  %0 = "catgrad.constant"() {value = dense<2.0> : tensor<f32>} : () -> tensor<f32>
  %1 = "catgrad.negative"(%0) : (tensor<f32>) -> tensor<f32>
  %2 = "catgrad.reshape"(%1) : (tensor<f32>) -> tensor<1xf32>
  %3 = "catgrad.broadcast_to"(%2) : (tensor<1xf32>) -> tensor<4xf32>
  %4 = "catgrad.broadcast_to"(%3) : (tensor<4xf32>) -> !x
  %5 = "catgrad.multiply"(%x, %4) : (!x, !x) -> !x
  return %5 : !x
}
