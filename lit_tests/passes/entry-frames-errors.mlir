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
