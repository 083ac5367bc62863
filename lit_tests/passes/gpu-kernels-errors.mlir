// RUN: %catgrad-opt %s --catgrad-gpu-kernels --verify-diagnostics

func.func @tensors(%x: tensor<4xf32>, %c: f32) -> tensor<4xf32> {
  // expected-error @below {{a kernel works on memrefs, not on tensors}}
  %0 = linalg.fill ins(%c : f32) outs(%x : tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
