// RUN: %catgrad-opt %s --catgrad-cpu-pipeline | %filecheck %s

// From the dialect to LLVM in one flag: a function takes a frame, and another one says how much room it needs.
// CHECK-NOT: catgrad.
// CHECK: llvm.func @f.workspace(%{{.+}}: !llvm.ptr) -> i64
// CHECK: llvm.func @f.entry(%{{.+}}: !llvm.ptr)
func.func @f(%B: index {catgrad.symbol = "B"}, %x: tensor<?x3xf32, ["B", "3"]>) -> tensor<?x3xf32, ["B", "3"]> {
  %0 = "catgrad.exp"(%x) : (tensor<?x3xf32, ["B", "3"]>) -> tensor<?x3xf32, ["B", "3"]>
  %1 = "catgrad.add"(%0, %x) : (tensor<?x3xf32, ["B", "3"]>, tensor<?x3xf32, ["B", "3"]>) -> tensor<?x3xf32, ["B", "3"]>
  return %1 : tensor<?x3xf32, ["B", "3"]>
}
