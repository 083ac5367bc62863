// Chunks are processed on their own, each in a context of its own; a failure in one leaves the others.

// RUN: not %catgrad-opt %s --split-input-file --cse 2>&1 | %filecheck %s
// CHECK:      split-input-file.mlir:24:10: error: use of undeclared SSA value name
// CHECK-NEXT:   return %undeclared : f32
// CHECK-NEXT:          ^
// CHECK:      func.func @first
// CHECK:      // -----
// CHECK-NEXT: // -----
// CHECK:      func.func @first

// RUN: not %catgrad-opt %s --split-input-file="// ==" 2>&1 | %filecheck %s --check-prefix=MARKER
// MARKER:      split-input-file.mlir:24:10: error
// MARKER:      // -----
// MARKER:      func.func @first

func.func @first() {
  return
}

// -----

func.func @second() -> f32 {
  return %undeclared : f32
}

// -----
// ==
func.func @first() {
  return
}
