// A reduction folds into a tensor that is filled with its identity.

// RUN: %catgrad-opt %s --catgrad-to-linalg | %filecheck %s

// CHECK-DAG: #[[ALL:.*]] = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-DAG: #[[ROW:.*]] = affine_map<(d0, d1) -> (d0)>

// CHECK-LABEL: func.func @sum
func.func @sum(%x: tensor<3x4xf32>) -> tensor<3xf32> {
  // CHECK: %[[ZERO:.*]] = arith.constant 0.000000e+00 : f32
  // CHECK: %[[FILL:.*]] = linalg.fill ins(%[[ZERO]] : f32)
  // CHECK: linalg.generic {indexing_maps = [#[[ALL]], #[[ROW]]], iterator_types = ["parallel", "reduction"]}
  // CHECK-SAME: outs(%[[FILL]] : tensor<3xf32>)
  // CHECK: arith.addf %{{.*}}, %{{.*}} fastmath<reassoc,contract> : f32
  %0 = "catgrad.sum"(%x) {axes = array<i64: 1>} : (tensor<3x4xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// CHECK-LABEL: func.func @narrow_sum
func.func @narrow_sum(%x: tensor<3x4xf16>) -> tensor<f16> {
  // CHECK: arith.extf %{{.*}} : f16 to f32
  // CHECK: -> tensor<f32>
  // CHECK: arith.truncf %{{.*}} : f32 to f16
  // CHECK: -> tensor<f16>
  %0 = "catgrad.sum"(%x) {axes = array<i64: 0, 1>} : (tensor<3x4xf16>) -> tensor<f16>
  return %0 : tensor<f16>
}

// CHECK-LABEL: func.func @max
func.func @max(%x: tensor<3x4xf32>) -> tensor<3xf32> {
  // CHECK: arith.constant 0xFF800000 : f32
  // CHECK: arith.maximumf
  %0 = "catgrad.max"(%x) {axes = array<i64: 1>} : (tensor<3x4xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// CHECK-LABEL: func.func @any
func.func @any(%x: tensor<3x4xi1>) -> tensor<3xi1> {
  // CHECK: arith.ori %{{.*}}, %{{.*}} : i1
  %0 = "catgrad.max"(%x) {axes = array<i64: 1>} : (tensor<3x4xi1>) -> tensor<3xi1>
  return %0 : tensor<3xi1>
}

// CHECK-LABEL: func.func @argmax
func.func @argmax(%x: tensor<3x4xi32>) -> tensor<3xi64> {
  // CHECK: %[[PAIR:.*]]:2 = linalg.generic
  // CHECK: %[[BETTER:.*]] = arith.cmpi sgt
  // CHECK: linalg.index 1 : index
  // CHECK-COUNT-2: arith.select %[[BETTER]], %{{.*}}, %{{.*}} {catgrad.chooses}
  // CHECK: return %[[PAIR]]#1 : tensor<3xi64>
  %0 = "catgrad.argmax"(%x) {axis = 1} : (tensor<3x4xi32>) -> tensor<3xi64>
  return %0 : tensor<3xi64>
}

// CHECK-LABEL: func.func @no_axes
// CHECK-SAME: (%[[X:.*]]: tensor<4xf32>)
// CHECK-NEXT: return %[[X]]
func.func @no_axes(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "catgrad.sum"(%x) {axes = array<i64>} : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: func.func @min(
// CHECK: linalg.fill
// CHECK: arith.minimumf %{{.*}}, %{{.*}} : f32
func.func @min(%x: tensor<3x4xf32>) -> tensor<3xf32> {
  %0 = "catgrad.min"(%x) {axes = array<i64: 1>} : (tensor<3x4xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// CHECK-LABEL: func.func @argmin(
// CHECK: arith.cmpf olt, %{{.*}}, %{{.*}} : f32
// CHECK: linalg.yield %{{.*}}, %{{.*}} : f32, i32
func.func @argmin(%x: tensor<3x4xf32>) -> tensor<3xi32> {
  %0 = "catgrad.argmin"(%x) {axis = 1 : i64} : (tensor<3x4xf32>) -> tensor<3xi32>
  return %0 : tensor<3xi32>
}

// Of a tensor that is one number everywhere, only the extents are read.
// CHECK-LABEL: func.func @count
func.func @count(%x: tensor<4xf32>) -> tensor<f32> {
  // CHECK: %[[TWO:.*]] = arith.constant 2.000000e+00 : f32
  // CHECK: linalg.generic {{.*}} iterator_types = ["reduction"]
  // CHECK: arith.addf %{{.*}}, %[[TWO]]
  %0 = "catgrad.constant"() {value = dense<2.0> : tensor<f32>} : () -> tensor<f32>
  %1 = "catgrad.broadcast_to"(%0) : (tensor<f32>) -> tensor<4xf32>
  %2 = "catgrad.sum"(%1) {axes = array<i64: 0>} : (tensor<4xf32>) -> tensor<f32>
  return %2 : tensor<f32>
}
