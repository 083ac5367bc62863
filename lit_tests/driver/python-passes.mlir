// Our own passes take options and mix with MLIR's, in any order and in nested modules.

// RUN: %catgrad-opt %s --load-pass-plugin=%S/Inputs/passes.py --test-count | %filecheck %s --check-prefix=ALL
// ALL: module attributes {test.count = 9

// RUN: %catgrad-opt %s --load-pass-plugin=%S/Inputs/passes.py --cse --test-count --canonicalize | %filecheck %s --check-prefix=AFTER
// RUN: %catgrad-opt %s --load-pass-plugin=%S/Inputs/passes.py --pass-pipeline='builtin.module(func.func(cse),test-count,canonicalize)' | %filecheck %s --check-prefix=AFTER
// AFTER: module attributes {test.count = 8

// RUN: %catgrad-opt %s --load-pass-plugin=%S/Inputs/passes.py --pass-pipeline='builtin.module(builtin.module(cse,test-count{start=10}),cse)' | %filecheck %s --check-prefix=NESTED
// NESTED:      module {
// NESTED:        module @inner attributes {test.count = 13

// RUN: %catgrad-opt %s --load-pass-plugin=%S/Inputs/passes.py --test-nested | %filecheck %s --check-prefix=CSE
// CSE:     %0 = arith.addi
// CSE-NOT: arith.addi

// Options of every type.
// RUN: %catgrad-opt %s --load-pass-plugin=%S/Inputs/passes.py \
// RUN:   --test-count="start=0x10 label='two words' scale=2 exact=false sizes=4,5 order=post side=right limit=7" \
// RUN:   | %filecheck %s --check-prefix=OPTIONS
// OPTIONS: Count(start=16, label='two words', scale=2.0, exact=False, sizes=(4, 5), order='post', side=<Side.RIGHT: 'right'>, limit=7)

// A pipeline of ours has a name, and may stand among passes.
// RUN: %catgrad-opt %s --load-pass-plugin=%S/Inputs/passes.py --test-pipeline --dump-pass-pipeline 2>&1 | %filecheck %s --check-prefix=PIPELINE
// RUN: %catgrad-opt %s --load-pass-plugin=%S/Inputs/passes.py --pass-pipeline='builtin.module(test-pipeline)' --dump-pass-pipeline 2>&1 | %filecheck %s --check-prefix=PIPELINE
// PIPELINE: builtin.module(func.func(cse),test-count{start=100 {{.*}}},catgrad-legal{stage=first {{.*}}},canonicalize,cse,catgrad-legal{stage=second {{.*}}})
// PIPELINE: module attributes {test.count = 108

module {
  func.func private @f(%a: i32) -> i32 {
    %0 = arith.addi %a, %a : i32
    %1 = arith.addi %a, %a : i32
    %2 = arith.muli %0, %1 : i32
    return %2 : i32
  }
  module @inner {
    func.func private @g() {
      return
    }
  }
}
