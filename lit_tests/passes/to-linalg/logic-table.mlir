// The scalar body of every other comparison and connective; a bool is stored as a byte.

// RUN: %catgrad-opt %s --catgrad-to-linalg --canonicalize | %filecheck %s

// CHECK-LABEL: func.func @equal(
// CHECK: %[[C:.+]] = arith.cmpf oeq, %{{.*}}, %{{.*}} : f32
// CHECK: arith.extui %[[C]] : i1 to i8
func.func @equal(%x: tensor<3xf32>, %y: tensor<3xf32>) -> tensor<3xi1> {
  %0 = "catgrad.equal"(%x, %y) : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xi1>
  return %0 : tensor<3xi1>
}

// CHECK-LABEL: func.func @not_equal(
// CHECK: %[[C:.+]] = arith.cmpf une, %{{.*}}, %{{.*}} : f32
// CHECK: arith.extui %[[C]] : i1 to i8
func.func @not_equal(%x: tensor<3xf32>, %y: tensor<3xf32>) -> tensor<3xi1> {
  %0 = "catgrad.not_equal"(%x, %y) : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xi1>
  return %0 : tensor<3xi1>
}

// CHECK-LABEL: func.func @less_equal(
// CHECK: %[[C:.+]] = arith.cmpf ole, %{{.*}}, %{{.*}} : f32
// CHECK: arith.extui %[[C]] : i1 to i8
func.func @less_equal(%x: tensor<3xf32>, %y: tensor<3xf32>) -> tensor<3xi1> {
  %0 = "catgrad.less_equal"(%x, %y) : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xi1>
  return %0 : tensor<3xi1>
}

// CHECK-LABEL: func.func @greater(
// CHECK: %[[C:.+]] = arith.cmpf ogt, %{{.*}}, %{{.*}} : f32
// CHECK: arith.extui %[[C]] : i1 to i8
func.func @greater(%x: tensor<3xf32>, %y: tensor<3xf32>) -> tensor<3xi1> {
  %0 = "catgrad.greater"(%x, %y) : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xi1>
  return %0 : tensor<3xi1>
}

// CHECK-LABEL: func.func @greater_equal(
// CHECK: %[[C:.+]] = arith.cmpf oge, %{{.*}}, %{{.*}} : f32
// CHECK: arith.extui %[[C]] : i1 to i8
func.func @greater_equal(%x: tensor<3xf32>, %y: tensor<3xf32>) -> tensor<3xi1> {
  %0 = "catgrad.greater_equal"(%x, %y) : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xi1>
  return %0 : tensor<3xi1>
}

// CHECK-LABEL: func.func @logical_and(
// CHECK: %[[C:.+]] = arith.andi %{{.*}}, %{{.*}} : i1
// CHECK: arith.extui %[[C]] : i1 to i8
func.func @logical_and(%x: tensor<3xi1>, %y: tensor<3xi1>) -> tensor<3xi1> {
  %0 = "catgrad.logical_and"(%x, %y) : (tensor<3xi1>, tensor<3xi1>) -> tensor<3xi1>
  return %0 : tensor<3xi1>
}

// CHECK-LABEL: func.func @logical_or(
// CHECK: %[[C:.+]] = arith.ori %{{.*}}, %{{.*}} : i1
// CHECK: arith.extui %[[C]] : i1 to i8
func.func @logical_or(%x: tensor<3xi1>, %y: tensor<3xi1>) -> tensor<3xi1> {
  %0 = "catgrad.logical_or"(%x, %y) : (tensor<3xi1>, tensor<3xi1>) -> tensor<3xi1>
  return %0 : tensor<3xi1>
}

// CHECK-LABEL: func.func @logical_xor(
// CHECK: %[[C:.+]] = arith.xori %{{.*}}, %{{.*}} : i1
// CHECK: arith.extui %[[C]] : i1 to i8
func.func @logical_xor(%x: tensor<3xi1>, %y: tensor<3xi1>) -> tensor<3xi1> {
  %0 = "catgrad.logical_xor"(%x, %y) : (tensor<3xi1>, tensor<3xi1>) -> tensor<3xi1>
  return %0 : tensor<3xi1>
}

// CHECK-LABEL: func.func @logical_not(
// CHECK: %[[C:.+]] = arith.cmpi eq, %{{.*}} : i8
// CHECK: arith.extui %[[C]] : i1 to i8
func.func @logical_not(%x: tensor<3xi1>) -> tensor<3xi1> {
  %0 = "catgrad.logical_not"(%x) : (tensor<3xi1>) -> tensor<3xi1>
  return %0 : tensor<3xi1>
}
