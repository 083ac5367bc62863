// RUN: %catgrad-opt %s --catgrad-internal | %filecheck %s

// Only public functions stay visible; private ones stay out of line.
// CHECK: llvm.func @entry(%{{.*}}: !llvm.ptr) {
// CHECK: llvm.func internal @kernel({{.*}}) attributes {no_inline
// CHECK: llvm.func @malloc(i64) -> !llvm.ptr
llvm.func @entry(%x: !llvm.ptr) {
  llvm.call @kernel(%x) : (!llvm.ptr) -> ()
  llvm.return
}
llvm.func @kernel(%x: !llvm.ptr) attributes {sym_visibility = "private"} {
  llvm.return
}
llvm.func @malloc(i64) -> !llvm.ptr
