// Unexpected and missing diagnostics are errors, at the place of the diagnostic or of the comment.

// RUN: not %catgrad-opt %s --split-input-file --verify-diagnostics 2>&1 | %filecheck %s
// CHECK:      failure.mlir:15:10: error: unexpected error: use of undeclared SSA value name
// CHECK-NEXT:   return %undeclared : f32
// CHECK-NEXT:          ^
// CHECK-NEXT: failure.mlir:14:6: error: expected warning "use of undeclared SSA value name" was not produced
// CHECK-NEXT:   // expected-warning@below
// CHECK-NEXT:      ^
// CHECK-NEXT: failure.mlir:21:18: error: expected error "nothing is wrong" was not produced

func.func @unexpected() -> f32 {
  // The severity differs.
  // expected-warning@below {{use of undeclared SSA value name}}
  return %undeclared : f32
}

// -----

func.func @missing() {
  return      // expected-error {{nothing is wrong}}
}

// Other diagnostics than the expected ones may be accepted.
// RUN: not %catgrad-opt %s --split-input-file --verify-diagnostics=only-expected 2>&1 | %filecheck %s --check-prefix=ONLY
// ONLY-NOT: unexpected
// ONLY:     failure.mlir:14:6: error: expected warning
// ONLY:     failure.mlir:21:18: error: expected error

// RUN: not %catgrad-opt %s --verify-diagnostics=some 2>&1 | %filecheck %s --check-prefix=SOME
// SOME: catgrad-opt: error: option 'verify-diagnostics' expects all|only-expected, not 'some'
