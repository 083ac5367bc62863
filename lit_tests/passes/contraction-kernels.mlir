// RUN: %catgrad-opt %s --catgrad-contraction-kernels="machine=x86-64-v4" | %filecheck %s --check-prefix=AVX512
// RUN: %catgrad-opt %s --catgrad-contraction-kernels="machine=x86-64-v3" | %filecheck %s --check-prefix=AVX2

// Register tiles as wide as the machine's vectors; the fill is absorbed: accumulators begin with zero.
// AVX512-LABEL: func.func @matmul
// AVX512-NOT: linalg.fill
// AVX512: scf.for
// AVX512: vector.fma {{.*}} : vector<16xf32>
// AVX512: vector.store
// AVX512-NOT: linalg.contract
// AVX2-LABEL: func.func @matmul
// AVX2: vector.fma {{.*}} : vector<8xf32>
// AVX2-NOT: linalg.contract
#x = affine_map<(i, j, k) -> (i, k)>
#y = affine_map<(i, j, k) -> (k, j)>
#z = affine_map<(i, j, k) -> (i, j)>
func.func @matmul(%x: memref<64x32xf32>, %y: memref<32x128xf32>, %z: memref<64x128xf32>) {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%z : memref<64x128xf32>)
  linalg.contract indexing_maps = [#x, #y, #z] ins(%x, %y : memref<64x32xf32>, memref<32x128xf32>) outs(%z : memref<64x128xf32>)
  return
}
