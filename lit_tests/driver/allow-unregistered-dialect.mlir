// RUN: %catgrad-opt %s --allow-unregistered-dialect | %filecheck %s
// CHECK: "elsewhere.op"() : () -> ()

// RUN: not %catgrad-opt %s 2>&1 | %filecheck %s --check-prefix=ERROR
// ERROR:      allow-unregistered-dialect.mlir:9:15: error: operation being parsed with an unregistered dialect
// ERROR-NEXT: "elsewhere.op"() : () -> ()
// ERROR-NEXT:               ^

"elsewhere.op"() : () -> ()
