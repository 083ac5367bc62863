// A bool is a byte in memory and an i1 in a body.

// RUN: %catgrad-opt %s --catgrad-to-linalg | %filecheck %s

// CHECK-LABEL: func.func @less
// CHECK-SAME: -> tensor<4xi8>
func.func @less(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xi1> {
  // CHECK: %[[LESS:.*]] = arith.cmpf olt, %{{.*}}, %{{.*}} : f32
  // CHECK: %[[BYTE:.*]] = arith.extui %[[LESS]] : i1 to i8
  // CHECK: linalg.yield %[[BYTE]] : i8
  %0 = "catgrad.less"(%x, %y) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xi1>
  return %0 : tensor<4xi1>
}

// CHECK-LABEL: func.func @where
// CHECK-SAME: (%{{.*}}: tensor<4xi8>, %{{.*}}: tensor<4xf16>,
func.func @where(%c: tensor<4xi1>, %x: tensor<4xf16>, %y: tensor<4xf16>) -> tensor<4xf16> {
  // CHECK: ^bb0(%[[C:.*]]: i8, %[[X:.*]]: f16, %[[Y:.*]]: f16, %{{.*}}: f16):
  // CHECK: %[[ZERO:.*]] = arith.constant 0 : i8
  // CHECK: %[[TRUTH:.*]] = arith.cmpi ne, %[[C]], %[[ZERO]] : i8
  // CHECK-NEXT: arith.select %[[TRUTH]], %[[X]], %[[Y]] : f16
  %0 = "catgrad.where"(%c, %x, %y) : (tensor<4xi1>, tensor<4xf16>, tensor<4xf16>) -> tensor<4xf16>
  return %0 : tensor<4xf16>
}

// NaN and what is out of range never reach the conversion.
// CHECK-LABEL: func.func @cast
func.func @cast(%x: tensor<4xf32>) -> tensor<4xi32> {
  // CHECK: %[[FITS:.*]] = arith.andi
  // CHECK: %[[FITTING:.*]] = arith.select %[[FITS]]
  // CHECK: arith.fptosi %[[FITTING]] : f32 to i32
  %0 = "catgrad.cast"(%x) : (tensor<4xf32>) -> tensor<4xi32>
  return %0 : tensor<4xi32>
}

// CHECK-LABEL: func.func @no_cast
// CHECK-SAME: (%[[X:.*]]: tensor<4xf32>)
// CHECK-NEXT: return %[[X]]
func.func @no_cast(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "catgrad.cast"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
