// A pipeline for processors takes the target, which decides what there are instructions for.

// RUN: %catgrad-opt %s --catgrad-cpu-pipeline="target=cpu:x86-64-v3" | %filecheck %s --check-prefix=V3
// RUN: %catgrad-opt %s --pass-pipeline='builtin.module(catgrad-cpu-pipeline{target=cpu:x86-64-v4+avx512bf16})' | %filecheck %s --check-prefix=V4
// RUN: %catgrad-opt %s --catgrad-cpu-pipeline=target=cpu:x86-64-v2 | %filecheck %s --check-prefix=V2
// RUN: %catgrad-opt %s --catgrad-cpu-pipeline=target=cpu:aarch64 --dump-pass-pipeline 2>&1 | %filecheck %s --check-prefix=ARM
// RUN: not %catgrad-opt %s --catgrad-cpu-pipeline=target=cpu:pdp-11 2>&1 | %filecheck %s --check-prefix=UNKNOWN
// RUN: not %catgrad-opt %s --catgrad-cpu-pipeline=target=cuda 2>&1 | %filecheck %s --check-prefix=OTHER
// RUN: not %catgrad-opt %s --catgrad-cuda-pipeline=target=cpu 2>&1 | %filecheck %s --check-prefix=NO-GPU

// V2-NOT: vector<8xf32>
// V2: vector<4xf32>
// V3-NOT: vector<16xf32>
// V3: vector<8xf32>
// V4: vector<16xf32>
// ARM: catgrad-contraction-kernels{machine=aarch64}
// UNKNOWN: catgrad-opt: error: pipeline 'catgrad-cpu-pipeline': unknown target 'cpu:pdp-11': expected one of cpu, cpu:x86-64-v2,
// OTHER: catgrad-opt: error: pipeline 'catgrad-cpu-pipeline': unknown target 'cuda': expected one of cpu, cpu:x86-64-v2,
// NO-GPU: catgrad-opt: error: pipeline 'catgrad-cuda-pipeline': unknown target 'cpu': expected one of cuda, cuda:emulate,
func.func @f(%x: tensor<8x16xf32>, %y: tensor<16x32xf32>) -> tensor<8x32xf32> {
  %0 = "catgrad.contract"(%x, %y) {spec = "ik,kj->ij"} : (tensor<8x16xf32>, tensor<16x32xf32>) -> tensor<8x32xf32>
  return %0 : tensor<8x32xf32>
}
