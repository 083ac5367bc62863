// RUN: %catgrad-opt %s --catgrad-legal="stage=loops allowed=func,builtin" --verify-diagnostics

func.func @f(%x: f32) -> f32 {
  // expected-error@below {{arith.addf is left after stage loops}}
  %0 = arith.addf %x, %x : f32
  return %0 : f32
}
