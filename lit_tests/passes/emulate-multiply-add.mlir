// RUN: %catgrad-opt %s --catgrad-emulate-multiply-add | %filecheck %s

// The product of two f32 is exact in f64; the sum is rounded to odd, and then once.
// CHECK-LABEL: func.func @single
// CHECK: %[[PRODUCT:.+]] = arith.mulf %{{.+}}, %{{.+}} : vector<4xf64>
// CHECK-NEXT: %[[SUM:.+]] = arith.addf %[[PRODUCT]], %{{.+}} : vector<4xf64>
// CHECK: arith.cmpf one
// CHECK: %[[ODD:.+]] = arith.bitcast %{{.+}} : vector<4xi64> to vector<4xf64>
// CHECK-NEXT: arith.truncf %[[ODD]] : vector<4xf64> to vector<4xf32>
func.func @single(%a: vector<4xf32>, %b: vector<4xf32>, %c: vector<4xf32>) -> vector<4xf32> {
  %r = math.fma %a, %b, %c : vector<4xf32>
  return %r : vector<4xf32>
}

// In f64 the errors are added at the end, unless they are no numbers or the result is 0.
// CHECK-LABEL: func.func @double
// CHECK-NOT: math.fma
// CHECK: %[[PRODUCT:.+]] = arith.mulf %arg0, %arg1 : f64
// CHECK: %[[SUM:.+]] = arith.addf %[[PRODUCT]], %arg2 : f64
// CHECK-NEXT: arith.select %{{.+}}, %{{.+}}, %[[SUM]] : f64
func.func @double(%a: f64, %b: f64, %c: f64) -> f64 {
  %r = math.fma %a, %b, %c : f64
  return %r : f64
}
