// RUN: %catgrad-opt %s --catgrad-own-names | %filecheck %s

// A function called like one of the C library is another one; what is only declared keeps its name.
// CHECK: func.func private @cos(f64) -> f64
// CHECK: func.func private @sin.function(
// CHECK: func.func @memcpy.entry(
// CHECK: call @sin.function(
// CHECK: call @cos(
// CHECK: func.func @memcpy.workspace(
func.func private @cos(f64) -> f64
func.func private @sin(%x: f64) -> f64 {
  return %x : f64
}
func.func @memcpy(%x: f64) -> f64 {
  %0 = call @sin(%x) : (f64) -> f64
  %1 = call @cos(%0) : (f64) -> f64
  return %1 : f64
}
func.func @memcpy.workspace(%x: f64) {
  return
}
