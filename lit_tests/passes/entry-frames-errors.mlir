// RUN: %catgrad-opt %s --catgrad-entry-frames --split-input-file --verify-diagnostics

// expected-error @below {{@f is public: it cannot take memref<4xf32, strided<[2]>>}}
func.func @f(%x: memref<4xf32, strided<[2]>>) {
  return
}

// -----

// expected-error @below {{@f is public: it cannot take f32}}
func.func @f(%x: f32) {
  return
}

// -----

// What was made of a function is called as the function is.
// expected-error @below {{@g is public: it cannot take f32}}
func.func @g.workspace(%x: f32) -> index {
  %c0 = arith.constant 0 : index
  return %c0 : index
}
