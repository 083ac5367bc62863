// Passes run in the order in which they are given, wherever the input stands among them.

// RUN: %catgrad-opt %s --cse --canonicalize | %filecheck %s --check-prefix=BOTH
// RUN: %catgrad-opt --canonicalize %s -cse | %filecheck %s --check-prefix=BOTH
// RUN: %catgrad-opt %s | %catgrad-opt - --cse --canonicalize | %filecheck %s --check-prefix=BOTH
// RUN: %catgrad-opt %s --pass-pipeline='builtin.module(func.func(cse, canonicalize{max-iterations=3}))' | %filecheck %s --check-prefix=BOTH
// RUN: %catgrad-opt %s --pass-pipeline "any(cse,any(canonicalize))" | %filecheck %s --check-prefix=BOTH
// BOTH:      func.func @f(%[[A:.*]]: i32)
// BOTH-NEXT:   %[[SUM:.*]] = arith.addi %[[A]], %[[A]]
// BOTH-NEXT:   %[[PRODUCT:.*]] = arith.muli %[[SUM]], %[[SUM]]
// BOTH-NEXT:   return %[[PRODUCT]]

// RUN: %catgrad-opt %s | %filecheck %s --check-prefix=NONE
// NONE-COUNT-2: arith.addi

// The dump shows what runs: 'affine-super-vectorize' is a pass on functions.
// RUN: %catgrad-opt %s --cse --affine-super-vectorize="virtual-vector-size=4 test-fastest-varying=0" --symbol-dce \
// RUN:   --dump-pass-pipeline 2>&1 | %filecheck %s --check-prefix=DUMP
// DUMP: builtin.module(cse,affine-super-vectorize{virtual-vector-size=4 test-fastest-varying=0},symbol-dce)

func.func @f(%a: i32) -> i32 {
  %zero = arith.constant 0 : i32
  %0 = arith.addi %a, %a : i32
  %1 = arith.addi %a, %a : i32
  %2 = arith.muli %0, %1 : i32
  %3 = arith.addi %2, %zero : i32
  return %3 : i32
}
