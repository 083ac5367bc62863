// A failure leaves the module as it was and the pipeline; running them fails in the same way.

// RUN: not %catgrad-opt %s --load-pass-plugin=%S/Inputs/passes.py --cse --test-reject="operation=arith.muli" --canonicalize \
// RUN:   --mlir-pass-pipeline-crash-reproducer=%t.mlir 2>&1 | %filecheck %s --check-prefix=FAILURE
// FAILURE:      error: arith.muli is rejected
// FAILURE:      catgrad-opt: note: to reproduce the failure: catgrad-opt --run-reproducer {{.*}}.mlir

// RUN: not %catgrad-opt --run-reproducer %t.mlir --load-pass-plugin=%S/Inputs/passes.py --dump-pass-pipeline 2>&1 | %filecheck %s --check-prefix=AGAIN
// AGAIN:      builtin.module(cse,test-reject{operation=arith.muli},canonicalize)
// AGAIN-NEXT: {{.*}}:5:10: error: arith.muli is rejected

// RUN: %catgrad-opt %t.mlir 2>&1 | %filecheck %s --check-prefix=MODULE
// MODULE-COUNT-2: arith.addi
// MODULE:         arith.muli
// MODULE-NOT:     mlir_reproducer

// A success leaves nothing.
// RUN: %catgrad-opt %s --cse --mlir-pass-pipeline-crash-reproducer=%t.none.mlir
// RUN: not %catgrad-opt %t.none.mlir 2>&1 | %filecheck %s --check-prefix=NONE
// NONE: error: cannot read '{{.*}}none.mlir': No such file or directory

// RUN: not %catgrad-opt --run-reproducer %s 2>&1 | %filecheck %s --check-prefix=OTHER
// OTHER: catgrad-opt: error: --run-reproducer: the input stores no pipeline

// RUN: not %catgrad-opt %s --cse --mlir-pass-pipeline-crash-reproducer=%S/nowhere/r.mlir 2>&1 | %filecheck %s --check-prefix=UNWRITABLE
// UNWRITABLE: catgrad-opt: error: cannot write the reproducer '{{.*}}/nowhere/r.mlir': No such file or directory

func.func @f(%a: i32) -> i32 {
  %0 = arith.addi %a, %a : i32
  %1 = arith.addi %a, %a : i32
  %2 = arith.muli %0, %1 : i32
  return %2 : i32
}
