// RUN: %catgrad-opt %s --catgrad-cpu-pipeline | %filecheck %s

// From the dialect to LLVM in one flag: one visible entry, whose arguments are descriptors.
// CHECK: llvm.func internal @f
// CHECK-NOT: catgrad.
// CHECK: llvm.func @_mlir_ciface_f(%{{.+}}: i64, %{{.+}}: !llvm.ptr, %{{.+}}: !llvm.ptr)
func.func @f(%B: index {catgrad.symbol = "B"}, %x: tensor<?x3xf32, ["B", "3"]>) -> tensor<?x3xf32, ["B", "3"]> {
  %0 = "catgrad.exp"(%x) : (tensor<?x3xf32, ["B", "3"]>) -> tensor<?x3xf32, ["B", "3"]>
  %1 = "catgrad.add"(%0, %x) : (tensor<?x3xf32, ["B", "3"]>, tensor<?x3xf32, ["B", "3"]>) -> tensor<?x3xf32, ["B", "3"]>
  return %1 : tensor<?x3xf32, ["B", "3"]>
}
