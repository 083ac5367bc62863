// What IRDL refuses by itself: the number of operands, their kinds, and the attributes.

// RUN: %catgrad-opt %s --split-input-file --verify-diagnostics

func.func @operands(%x: tensor<4xf32>) {
  // expected-error@below {{op expects exactly 2 operands, but got 1}}
  %0 = "catgrad.add"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @no_tensor(%x: f32) {
  // expected-error@below {{expected base type 'builtin.tensor' but got 'builtin.f32'}}
  %0 = "catgrad.exp"(%x) : (f32) -> tensor<f32>
  return
}

// -----

func.func @missing_attribute(%x: tensor<4xf32>) {
  // expected-error@below {{'catgrad.sum' op attribute "axes" is expected but not provided}}
  %0 = "catgrad.sum"(%x) : (tensor<4xf32>) -> tensor<f32>
  return
}

// -----

func.func @kind_of_attribute(%x: tensor<4xf32>) {
  // expected-error@below {{expected base attribute 'builtin.dense_array' but got 'builtin.integer'}}
  %0 = "catgrad.sum"(%x) {axes = 0} : (tensor<4xf32>) -> tensor<f32>
  return
}
