// The module is printed before and after passes, ours and MLIR's alike.

// RUN: %catgrad-opt %s --load-pass-plugin=%S/Inputs/passes.py --test-count --cse --mlir-print-ir-before-all 2>&1 | %filecheck %s --check-prefix=BEFORE
// BEFORE:     IR Dump Before Count (test-count)
// BEFORE-NOT: test.count
// BEFORE:     IR Dump Before CSE (cse)
// BEFORE:     test.count = 6

// RUN: %catgrad-opt %s --load-pass-plugin=%S/Inputs/passes.py --test-count --cse --mlir-print-ir-after-all 2>&1 | %filecheck %s --check-prefix=AFTER
// AFTER: IR Dump After Count (test-count)
// AFTER: test.count = 6
// AFTER: IR Dump After CSE (cse)

// RUN: %catgrad-opt %s --cse --canonicalize --mlir-print-ir-after-change 2>&1 | %filecheck %s --check-prefix=CHANGE
// CHANGE:     IR Dump After CSE
// CHANGE-NOT: IR Dump

// RUN: %catgrad-opt %s --cse --canonicalize --symbol-dce --mlir-print-ir-before=canonicalize --mlir-print-ir-after=symbol-dce,cse 2>&1 | %filecheck %s --check-prefix=CHOSEN
// CHOSEN:     IR Dump After CSE
// CHOSEN:     IR Dump Before Canonicalizer
// CHOSEN-NOT: IR Dump After Canonicalizer
// CHOSEN:     IR Dump After SymbolDCE

// RUN: not %catgrad-opt %s --load-pass-plugin=%S/Inputs/passes.py --cse --test-raise --mlir-print-ir-after-failure 2>&1 | %filecheck %s --check-prefix=FAILURE
// FAILURE-NOT: IR Dump After CSE
// FAILURE:     error: internal error in pass 'test-raise': KeyError: 'missing'
// FAILURE:     IR Dump After Raise Failed (test-raise)

// RUN: %catgrad-opt %s --pass-pipeline='builtin.module(func.func(cse))' --mlir-print-ir-after-all 2>&1 | %filecheck %s --check-prefix=FUNCTION
// FUNCTION:      IR Dump After CSE
// FUNCTION-NEXT: func.func @f

// RUN: %catgrad-opt %s --pass-pipeline='builtin.module(func.func(cse))' --mlir-print-ir-after-all --mlir-print-ir-module-scope \
// RUN:   --mlir-print-op-generic --mlir-print-debuginfo 2>&1 | %filecheck %s --check-prefix=MODULE
// MODULE:      IR Dump After CSE
// MODULE:      "builtin.module"() ({
// MODULE:      loc({{.*}}print-ir.mlir

func.func @f(%a: i32) -> i32 {
  %0 = arith.addi %a, %a : i32
  %1 = arith.addi %a, %a : i32
  %2 = arith.muli %0, %1 : i32
  return %2 : i32
}
