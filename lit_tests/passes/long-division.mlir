// RUN: %catgrad-opt %s --catgrad-long-division | %filecheck %s

// The divisor is doubled as long as that fits, then halved and subtracted; what is no division has its own results.
// CHECK-LABEL: func.func @number
// CHECK-NOT: arith.remf
// CHECK: scf.while
// CHECK: arith.addf
// CHECK: scf.while
// CHECK: arith.subf
// CHECK: math.copysign
func.func @number(%a: f64, %b: f64) -> f64 {
  %r = arith.remf %a, %b : f64
  return %r : f64
}

// A vector goes on as long as one of its elements does.
// CHECK-LABEL: func.func @vector
// CHECK-NOT: arith.remf
// CHECK: vector.shape_cast %{{.+}} : vector<2x4xi1> to vector<8xi1>
// CHECK: vector.reduction <or>
func.func @vector(%a: vector<2x4xf32>, %b: vector<2x4xf32>) -> vector<2x4xf32> {
  %r = arith.remf %a, %b : vector<2x4xf32>
  return %r : vector<2x4xf32>
}
