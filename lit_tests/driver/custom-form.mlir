// RUN: not %catgrad-opt %s 2>&1 | %filecheck %s
// CHECK: custom-form.mlir:4:8: error: cannot be parsed; operations of catgrad have the generic form
func.func @f(%x: tensor<3xf32>) -> tensor<3xf32> {
  %0 = catgrad.exp %x : tensor<3xf32>
  return %0 : tensor<3xf32>
}
