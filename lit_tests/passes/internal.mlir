// RUN: %catgrad-opt %s --catgrad-internal | %filecheck %s

// Only the C interface stays visible. The entry may be inlined into it; kernels stay out of line.
// CHECK: llvm.func internal @entry(%{{.*}}: !llvm.ptr) {
// CHECK: llvm.func @_mlir_ciface_entry(%{{.*}}: !llvm.ptr) {
// CHECK: llvm.func internal @kernel({{.*}}) attributes {no_inline}
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
