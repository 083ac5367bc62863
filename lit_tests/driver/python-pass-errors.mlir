// What a pass of ours raises ends in one message: an error at an operation, an error for the user, or a mistake of ours.

// RUN: not %catgrad-opt %s --load-pass-plugin=%S/Inputs/passes.py --test-reject=operation=arith.muli 2>&1 | %filecheck %s --check-prefix=REJECT
// REJECT:      python-pass-errors.mlir:[[LINE:[0-9]+]]:8: error: arith.muli is rejected
// REJECT-NEXT:   %0 = arith.muli %a, %a : i32
// REJECT-NEXT:        ^
// REJECT-NOT:  {{.}}

// RUN: not %catgrad-opt %s --load-pass-plugin=%S/Inputs/passes.py --test-raise=expected 2>&1 | %filecheck %s --check-prefix=EXPECTED
// EXPECTED:     python-pass-errors.mlir: error: nothing fits
// EXPECTED-NOT: {{.}}

// RUN: not %catgrad-opt %s --load-pass-plugin=%S/Inputs/passes.py --test-raise 2>&1 | %filecheck %s --check-prefix=INTERNAL
// INTERNAL:     python-pass-errors.mlir: error: internal error in pass 'test-raise': KeyError: 'missing'
// INTERNAL-NOT: {{.}}

// RUN: not %catgrad-opt %s --load-pass-plugin=%S/Inputs/passes.py --test-raise --debug 2>&1 | %filecheck %s --check-prefix=DEBUG
// DEBUG: Traceback (most recent call last):
// DEBUG: error: internal error in pass 'test-raise'

// Nothing is written after a failure.
// RUN: not %catgrad-opt %s --load-pass-plugin=%S/Inputs/passes.py --test-raise -o %t.out 2>&1 | %filecheck %s --check-prefix=INTERNAL
// RUN: not %catgrad-opt %t.out 2>&1 | %filecheck %s --check-prefix=NO-FILE
// NO-FILE: No such file

func.func @f(%a: i32) -> i32 {
  %0 = arith.muli %a, %a : i32
  return %0 : i32
}
