// Where elementwise loops use a function often, they call one that computes it, which has variants on vectors.

// RUN: %catgrad-opt %s --catgrad-expand-elementary="calls=x86-64-v3" | %filecheck %s
// RUN: %catgrad-opt %s --catgrad-expand-elementary="calls=aarch64" | %filecheck %s --check-prefix=NARROW
// RUN: %catgrad-opt %s --catgrad-expand-elementary | %filecheck %s --check-prefix=COPIES

// CHECK: func.func private @[[SIN:sin_f64_[0-9]+]](%{{.*}}: f64) -> f64 attributes {catgrad.formula = "[[SIN]]"}
// CHECK: func.func private @sin_f64_2(%[[X:.*]]: vector<2xf64>) -> vector<2xf64> attributes {catgrad.formula = "[[SIN]]"}
// CHECK: math.absf %[[X]] : vector<2xf64>
// CHECK: return %{{.*}} : vector<2xf64>
// CHECK: func.func private @sin_f64_4(%{{.*}}: vector<4xf64>) -> vector<4xf64>

// NARROW: func.func private @sin_f64_2
// NARROW-NOT: @sin_f64_4

// COPIES-NOT: call
// COPIES-NOT: math.sin

// What has the name keeps it.
// CHECK: func.func private @sin_f64()
func.func private @sin_f64()

// CHECK-LABEL: func.func @often
// CHECK-COUNT-5: func.call @[[SIN]](%{{.*}}) : (f64) -> f64
// CHECK-NOT: math.sin
#id = affine_map<(d0) -> (d0)>
#none = affine_map<(d0) -> ()>
func.func @often(%x: memref<4xf64>, %y: memref<4xf64>) {
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%x : memref<4xf64>) outs(%y : memref<4xf64>) {
  ^bb0(%a: f64, %b: f64):
    %0 = math.sin %a : f64
    %1 = math.sin %0 : f64
    %2 = math.sin %1 : f64
    %3 = math.sin %2 : f64
    %4 = math.sin %3 : f64
    linalg.yield %4 : f64
  }
  return
}

// A fold makes its vectors itself.
// CHECK-LABEL: func.func @fold
// CHECK-NOT: call
// CHECK-NOT: math.sin
// CHECK: arith.addf
func.func @fold(%x: memref<4xf64>, %y: memref<f64>) {
  linalg.generic {indexing_maps = [#id, #none], iterator_types = ["reduction"]} ins(%x : memref<4xf64>) outs(%y : memref<f64>) {
  ^bb0(%a: f64, %b: f64):
    %0 = math.sin %a : f64
    %1 = arith.addf %0, %b : f64
    linalg.yield %1 : f64
  }
  return
}

// One sine of another type is copied.
// CHECK-LABEL: func.func @seldom
// CHECK-NOT: call
// CHECK-NOT: math.sin
// CHECK: linalg.yield
func.func @seldom(%x: memref<4xf32>, %y: memref<4xf32>) {
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%x : memref<4xf32>) outs(%y : memref<4xf32>) {
  ^bb0(%a: f32, %b: f32):
    %0 = math.sin %a : f32
    linalg.yield %0 : f32
  }
  return
}
