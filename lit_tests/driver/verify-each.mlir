// The module is verified after each pass unless that is switched off.

// RUN: not %catgrad-opt %s --load-pass-plugin=%S/Inputs/passes.py --test-break 2>&1 | %filecheck %s --check-prefix=VERIFIED
// VERIFIED: verify-each.mlir:[[LINE:[0-9]+]]:11: error: block with no terminator
// VERIFIED: verify-each.mlir:[[LINE]]:11: note: see current operation: %{{.*}} = "arith.constant"

// RUN: %catgrad-opt %s --load-pass-plugin=%S/Inputs/passes.py --test-break --no-verify-each | %filecheck %s --check-prefix=UNVERIFIED
// RUN: %catgrad-opt %s --load-pass-plugin=%S/Inputs/passes.py --test-break --verify-each=false | %filecheck %s --check-prefix=UNVERIFIED
// UNVERIFIED:     arith.constant
// UNVERIFIED-NOT: return

func.func @f() {
  %last = arith.constant 1 : i32
  return
}
