// A function names its variants on vectors for LLVM's vectoriser, and all of them are kept until that has run.

// RUN: %catgrad-opt %s --catgrad-vector-variants | %filecheck %s

// CHECK: llvm.mlir.global appending @llvm.compiler.used() {{.*}}section = "llvm.metadata"} : !llvm.array<3 x ptr>
// CHECK-DAG: llvm.mlir.addressof @pow.function
// CHECK-DAG: llvm.mlir.addressof @pow_4.function
// CHECK-DAG: llvm.mlir.addressof @pow_8.function
// CHECK: llvm.func internal @pow.function
// CHECK-SAME: attributes {passthrough = {{\[}}["vector-function-abi-variant", "_ZGV_LLVM_N4vv_pow.function(pow_4.function),_ZGV_LLVM_N8vv_pow.function(pow_8.function)"]]}
llvm.func internal @pow.function(%x: f32, %y: f32) -> f32 attributes {catgrad.formula = "pow"} {
  llvm.return %x : f32
}
// CHECK-NOT: catgrad.formula
llvm.func internal @pow_4.function(%x: vector<4xf32>, %y: vector<4xf32>) -> vector<4xf32> attributes {catgrad.formula = "pow"} {
  llvm.return %x : vector<4xf32>
}
llvm.func internal @pow_8.function(%x: vector<8xf32>, %y: vector<8xf32>) -> vector<8xf32> attributes {catgrad.formula = "pow"} {
  llvm.return %x : vector<8xf32>
}
