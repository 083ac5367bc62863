// RUN: %catgrad-opt %s --catgrad-own-names | %filecheck %s

// A function called like one of the C library is another one, and one with a dot in its name is like all others; what is
// only declared keeps its name.
// CHECK: func.func private @cos(f64) -> f64
// CHECK: func.func private @sin.function(
// CHECK: func.func @memcpy.entry(
// CHECK: call @sin.function(
// CHECK: call @cos(
// CHECK: func.func @memcpy.workspace(
// CHECK: func.func private @exp.fwd.function(
// CHECK: func.func @exp.vjp.entry(
// CHECK: call @exp.fwd.function(
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
func.func private @exp.fwd(%x: f64) -> f64 {
  return %x : f64
}
func.func @exp.vjp(%x: f64) -> f64 {
  %0 = call @exp.fwd(%x) : (f64) -> f64
  return %0 : f64
}
