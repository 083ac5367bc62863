// RUN: %catgrad-opt %s --catgrad-internal | %filecheck %s

// The entry becomes internal and may be inlined into its C interface, which alone stays visible; kernels do not move.
// CHECK: llvm.func internal @entry(
// CHECK-NOT: passthrough
// CHECK: llvm.func @_mlir_ciface_entry(
// CHECK: llvm.func internal @kernel({{.*}}) attributes {passthrough = ["noinline"]}
// CHECK: llvm.func @malloc(i64) -> !llvm.ptr
llvm.func @entry(%x: !llvm.ptr) {
  llvm.call @kernel(%x) : (!llvm.ptr) -> ()
  llvm.return
}
llvm.func @_mlir_ciface_entry(%x: !llvm.ptr) {
  llvm.call @entry(%x) : (!llvm.ptr) -> ()
  llvm.return
}
llvm.func @kernel(%x: !llvm.ptr) {
  llvm.return
}
llvm.func @malloc(i64) -> !llvm.ptr
