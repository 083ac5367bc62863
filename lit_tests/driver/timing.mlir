// RUN: %catgrad-opt %s --load-pass-plugin=%S/Inputs/passes.py --cse --test-count --mlir-timing 2>&1 | %filecheck %s
// CHECK: ... Execution time report ...
// CHECK: Total Execution Time: {{[0-9.]+}} seconds
// CHECK: {{[0-9.]+}} ({{ *[0-9.]+}}%)  Parser
// CHECK: {{[0-9.]+}} ({{ *[0-9.]+}}%)  cse
// CHECK: {{[0-9.]+}} ({{ *[0-9.]+}}%)  test-count
// CHECK: {{[0-9.]+}} ({{ *[0-9.]+}}%)  Output
// CHECK: {{[0-9.]+}} ({{ *[0-9.]+}}%)  Rest
// CHECK: {{[0-9.]+}} (100.0%)  Total

func.func @f() { return }
