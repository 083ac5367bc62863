// An entrywise operation is one generic; 16-bit floats are computed in f32 and rounded once.

// RUN: %catgrad-opt %s --catgrad-to-linalg | %filecheck %s

// CHECK-DAG: #[[ID:.*]] = affine_map<(d0, d1) -> (d0, d1)>

// CHECK-LABEL: func.func @add
// CHECK-SAME: (%[[X:.*]]: tensor<3x4xf32>, %[[Y:.*]]: tensor<3x4xf32>) -> tensor<3x4xf32>
func.func @add(%x: tensor<3x4xf32>, %y: tensor<3x4xf32>) -> tensor<3x4xf32> {
  // CHECK: %[[EMPTY:.*]] = tensor.empty() : tensor<3x4xf32>
  // CHECK: %[[SUM:.*]] = linalg.generic {indexing_maps = [#[[ID]], #[[ID]], #[[ID]]], iterator_types = ["parallel", "parallel"]}
  // CHECK-SAME: ins(%[[X]], %[[Y]] : {{.*}}) outs(%[[EMPTY]] : tensor<3x4xf32>)
  // CHECK: ^bb0(%[[A:.*]]: f32, %[[B:.*]]: f32, %{{.*}}: f32):
  // CHECK-NEXT: %[[C:.*]] = arith.addf %[[A]], %[[B]] : f32
  // CHECK-NEXT: linalg.yield %[[C]] : f32
  // CHECK: return %[[SUM]]
  %0 = "catgrad.add"(%x, %y) : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x4xf32>
  return %0 : tensor<3x4xf32>
}

// CHECK-LABEL: func.func @narrow
func.func @narrow(%x: tensor<4xbf16>, %y: tensor<4xbf16>) -> tensor<4xbf16> {
  // CHECK: %[[A:.*]] = arith.extf %{{.*}} : bf16 to f32
  // CHECK: %[[B:.*]] = arith.extf %{{.*}} : bf16 to f32
  // CHECK: %[[C:.*]] = arith.mulf %[[A]], %[[B]] : f32
  // CHECK: %[[D:.*]] = arith.truncf %[[C]] : f32 to bf16
  // CHECK: linalg.yield %[[D]] : bf16
  %0 = "catgrad.multiply"(%x, %y) : (tensor<4xbf16>, tensor<4xbf16>) -> tensor<4xbf16>
  return %0 : tensor<4xbf16>
}

// No divisor traps: 0 and -1 are replaced before the division.
// CHECK-LABEL: func.func @remainder
func.func @remainder(%x: tensor<i32>, %y: tensor<i32>) -> tensor<i32> {
  // CHECK: ^bb0(%[[A:.*]]: i32, %[[B:.*]]: i32, %{{.*}}: i32):
  // CHECK: %[[SAFE:.*]] = arith.cmpi ugt
  // CHECK: %[[DIVISOR:.*]] = arith.select %[[SAFE]], %[[B]]
  // CHECK: arith.remsi %[[A]], %[[DIVISOR]] : i32
  %0 = "catgrad.remainder"(%x, %y) : (tensor<i32>, tensor<i32>) -> tensor<i32>
  return %0 : tensor<i32>
}

// Elementary functions are operations until their loops are settled.
// CHECK-LABEL: func.func @tanh
// CHECK: math.tanh %{{.*}} : f32
func.func @tanh(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "catgrad.tanh"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
