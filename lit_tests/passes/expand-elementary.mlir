// Elementary functions become formulas: there is nothing to call, and nothing for MLIR to fold by a library of its host.

// RUN: %catgrad-opt %s --catgrad-expand-elementary | %filecheck %s
// RUN: %catgrad-opt %s --catgrad-expand-elementary="outside-loops=true" | %filecheck %s --check-prefix=OUTSIDE

// CHECK-LABEL: func.func @twice
// CHECK: ^bb0(%[[X:.*]]: f32, %{{.*}}: f32):
// CHECK-NOT: math.tanh
// CHECK: math.absf %[[X]] : f32
// CHECK: %[[Y:.*]] = math.copysign %{{.*}}, %[[X]] : f32
// CHECK: math.absf %[[Y]] : f32
// CHECK: %[[Z:.*]] = math.copysign %{{.*}}, %[[Y]] : f32
// CHECK: linalg.yield %[[Z]]
// CHECK-NOT: ub.poison
// CHECK-NOT: scf.execute_region

// OUTSIDE-LABEL: func.func @twice
// OUTSIDE: math.tanh
// OUTSIDE: math.tanh
#id = affine_map<(d0) -> (d0)>
func.func @twice(%x: memref<4xf32>, %y: memref<4xf32>) {
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%x : memref<4xf32>) outs(%y : memref<4xf32>) {
  ^bb0(%a: f32, %b: f32):
    %0 = math.tanh %a : f32
    %1 = math.tanh %0 : f32
    linalg.yield %1 : f32
  }
  return
}

// CHECK-LABEL: func.func @constant
// CHECK-NOT: math.powf
// CHECK-NOT: math.exp
// OUTSIDE-LABEL: func.func @constant
// OUTSIDE-NOT: math.powf
// OUTSIDE-NOT: math.exp
func.func @constant() -> f64 {
  %0 = arith.constant 1.5 : f64
  %1 = math.powf %0, %0 : f64
  %2 = math.exp %1 : f64
  return %2 : f64
}

// The square root is an instruction.
// CHECK-LABEL: func.func @root
// CHECK: math.sqrt
func.func @root(%x: f32) -> f32 {
  %0 = math.sqrt %x : f32
  return %0 : f32
}
