// What is computed with floats of 16 bits is computed in f32.

// RUN: %catgrad-opt %s --catgrad-narrow-floats | %filecheck %s --check-prefixes=CHECK,BITS
// RUN: %catgrad-opt %s --catgrad-narrow-floats=half-conversions | %filecheck %s --check-prefixes=CHECK,HALF

// CHECK-LABEL: func.func @bf16
// CHECK-NOT: bf16 to f32
// CHECK: %[[X:.+]] = arith.extui %{{.+}} : vector<4xi16> to vector<4xi32>
// CHECK: %[[S:.+]] = arith.shli %[[X]]
// CHECK: %[[W:.+]] = arith.bitcast %[[S]] : vector<4xi32> to vector<4xf32>
// CHECK: arith.addf %[[W]], %{{.+}} : vector<4xf32>
// CHECK-NOT: arith.truncf
// CHECK: arith.bitcast %{{.+}} : vector<4xi16> to vector<4xbf16>
func.func @bf16(%x: vector<4xbf16>) -> vector<4xbf16> {
  %0 = arith.addf %x, %x : vector<4xbf16>
  return %0 : vector<4xbf16>
}

// CHECK-LABEL: func.func @f16
// HALF: %[[W:.+]] = arith.extf %arg0 : f16 to f32
// HALF: arith.cmpf olt, %[[W]], %{{.+}} : f32
// BITS-NOT: arith.extf
// BITS: arith.cmpf olt, %{{.+}}, %{{.+}} : f32
func.func @f16(%x: f16, %y: f16) -> i1 {
  %0 = arith.cmpf olt, %x, %y : f16
  return %0 : i1
}

// One rounding: to odd before the last.
// CHECK-LABEL: func.func @double
// CHECK: %[[N:.+]] = arith.truncf %arg0 : f64 to f32
// CHECK: %[[A:.+]] = arith.extf %[[N]] : f32 to f64
// CHECK: %[[I:.+]] = arith.cmpf one, %[[A]], %arg0 : f64
// CHECK: arith.extui %[[I]] : i1 to i32
// CHECK: %[[ODD:.+]] = arith.bitcast %{{.+}} : i32 to f32
// HALF: arith.truncf %[[ODD]] : f32 to f16
// BITS: arith.bitcast %{{.+}} : i16 to f16
func.func @double(%x: f64) -> f16 {
  %0 = arith.truncf %x : f64 to f16
  return %0 : f16
}

// CHECK-LABEL: func.func @moved
// CHECK-NEXT: arith.select
// CHECK-NEXT: return
func.func @moved(%c: i1, %x: bf16, %y: bf16) -> bf16 {
  %0 = arith.select %c, %x, %y : bf16
  return %0 : bf16
}
