// The scalar body of every other entrywise operation.

// RUN: %catgrad-opt %s --catgrad-to-linalg --catgrad-expand-elementary --canonicalize | %filecheck %s

// CHECK-LABEL: func.func @negative(
// CHECK: arith.negf %{{.*}} : f32
// CHECK: linalg.yield
func.func @negative(%x: tensor<3xf32>) -> tensor<3xf32> {
  %0 = "catgrad.negative"(%x) : (tensor<3xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// CHECK-LABEL: func.func @abs(
// CHECK: math.absf %{{.*}} : f32
// CHECK: linalg.yield
func.func @abs(%x: tensor<3xf32>) -> tensor<3xf32> {
  %0 = "catgrad.abs"(%x) : (tensor<3xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// CHECK-LABEL: func.func @sqrt(
// CHECK: math.sqrt %{{.*}} : f32
// CHECK: linalg.yield
func.func @sqrt(%x: tensor<3xf32>) -> tensor<3xf32> {
  %0 = "catgrad.sqrt"(%x) : (tensor<3xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// CHECK-LABEL: func.func @floor(
// CHECK: math.floor %{{.*}} : f32
// CHECK: linalg.yield
func.func @floor(%x: tensor<3xf32>) -> tensor<3xf32> {
  %0 = "catgrad.floor"(%x) : (tensor<3xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// CHECK-LABEL: func.func @ceil(
// CHECK: math.ceil %{{.*}} : f32
// CHECK: linalg.yield
func.func @ceil(%x: tensor<3xf32>) -> tensor<3xf32> {
  %0 = "catgrad.ceil"(%x) : (tensor<3xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// CHECK-LABEL: func.func @trunc(
// CHECK: math.trunc %{{.*}} : f32
// CHECK: linalg.yield
func.func @trunc(%x: tensor<3xf32>) -> tensor<3xf32> {
  %0 = "catgrad.trunc"(%x) : (tensor<3xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// CHECK-LABEL: func.func @round(
// CHECK: math.roundeven %{{.*}} : f32
// CHECK: linalg.yield
func.func @round(%x: tensor<3xf32>) -> tensor<3xf32> {
  %0 = "catgrad.round"(%x) : (tensor<3xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// CHECK-LABEL: func.func @rsqrt(
// CHECK: %[[R:.+]] = math.sqrt %{{.*}} : f32
// CHECK: arith.divf %{{.*}}, %[[R]] : f32
func.func @rsqrt(%x: tensor<3xf32>) -> tensor<3xf32> {
  %0 = "catgrad.rsqrt"(%x) : (tensor<3xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// NaN and zeros stay what they are.
// CHECK-LABEL: func.func @sign(
// CHECK: arith.cmpf ogt, %{{.*}} : f32
// CHECK: arith.cmpf olt, %{{.*}} : f32
// CHECK: arith.select
func.func @sign(%x: tensor<3xf32>) -> tensor<3xf32> {
  %0 = "catgrad.sign"(%x) : (tensor<3xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// CHECK-LABEL: func.func @subtract(
// CHECK: arith.subf %{{.*}}, %{{.*}} : f32
// CHECK: linalg.yield
func.func @subtract(%x: tensor<3xf32>, %y: tensor<3xf32>) -> tensor<3xf32> {
  %0 = "catgrad.subtract"(%x, %y) : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// CHECK-LABEL: func.func @divide(
// CHECK: arith.divf %{{.*}}, %{{.*}} : f32
// CHECK: linalg.yield
func.func @divide(%x: tensor<3xf32>, %y: tensor<3xf32>) -> tensor<3xf32> {
  %0 = "catgrad.divide"(%x, %y) : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// A comparison and a selection, which NaN passes.
// CHECK-LABEL: func.func @maximum(
// CHECK: arith.cmpf ogt
// CHECK: arith.cmpf uno
// CHECK: arith.select
func.func @maximum(%x: tensor<3xf32>, %y: tensor<3xf32>) -> tensor<3xf32> {
  %0 = "catgrad.maximum"(%x, %y) : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// CHECK-LABEL: func.func @minimum(
// CHECK: arith.cmpf olt
// CHECK: arith.cmpf uno
// CHECK: arith.select
func.func @minimum(%x: tensor<3xf32>, %y: tensor<3xf32>) -> tensor<3xf32> {
  %0 = "catgrad.minimum"(%x, %y) : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// CHECK-LABEL: func.func @floor_divide(
// CHECK: %[[SAFE:.+]] = arith.select
// CHECK: arith.divsi %{{.*}}, %[[SAFE]] : i32
func.func @floor_divide(%x: tensor<3xi32>, %y: tensor<3xi32>) -> tensor<3xi32> {
  %0 = "catgrad.floor_divide"(%x, %y) : (tensor<3xi32>, tensor<3xi32>) -> tensor<3xi32>
  return %0 : tensor<3xi32>
}

// Polynomials: nothing is called.
// CHECK-LABEL: func.func @expm1(
// CHECK-NOT: math.expm1 
// CHECK-NOT: call
// CHECK: linalg.generic
// CHECK: linalg.yield
func.func @expm1(%x: tensor<3xf32>) -> tensor<3xf32> {
  %0 = "catgrad.expm1"(%x) : (tensor<3xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// CHECK-LABEL: func.func @log(
// CHECK-NOT: math.log 
// CHECK-NOT: call
// CHECK: linalg.generic
// CHECK: linalg.yield
func.func @log(%x: tensor<3xf32>) -> tensor<3xf32> {
  %0 = "catgrad.log"(%x) : (tensor<3xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// CHECK-LABEL: func.func @log1p(
// CHECK-NOT: math.log1p 
// CHECK-NOT: call
// CHECK: linalg.generic
// CHECK: linalg.yield
func.func @log1p(%x: tensor<3xf32>) -> tensor<3xf32> {
  %0 = "catgrad.log1p"(%x) : (tensor<3xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// CHECK-LABEL: func.func @sin(
// CHECK-NOT: math.sin 
// CHECK-NOT: call
// CHECK: linalg.generic
// CHECK: linalg.yield
func.func @sin(%x: tensor<3xf32>) -> tensor<3xf32> {
  %0 = "catgrad.sin"(%x) : (tensor<3xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// CHECK-LABEL: func.func @cos(
// CHECK-NOT: math.cos 
// CHECK-NOT: call
// CHECK: linalg.generic
// CHECK: linalg.yield
func.func @cos(%x: tensor<3xf32>) -> tensor<3xf32> {
  %0 = "catgrad.cos"(%x) : (tensor<3xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// CHECK-LABEL: func.func @sigmoid(
// CHECK-NOT: math.sigmoid 
// CHECK-NOT: call
// CHECK: linalg.generic
// CHECK: linalg.yield
func.func @sigmoid(%x: tensor<3xf32>) -> tensor<3xf32> {
  %0 = "catgrad.sigmoid"(%x) : (tensor<3xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// CHECK-LABEL: func.func @erf(
// CHECK-NOT: math.erf 
// CHECK-NOT: call
// CHECK: linalg.generic
// CHECK: linalg.yield
func.func @erf(%x: tensor<3xf32>) -> tensor<3xf32> {
  %0 = "catgrad.erf"(%x) : (tensor<3xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// In f64, and rounded once.
// CHECK-LABEL: func.func @pow(
// CHECK: arith.extf %{{.*}} : f32 to f64
// CHECK: arith.truncf %{{.*}} : f64 to f32
func.func @pow(%x: tensor<3xf32>, %y: tensor<3xf32>) -> tensor<3xf32> {
  %0 = "catgrad.pow"(%x, %y) : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}
