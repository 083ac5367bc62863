// RUN: %catgrad-opt %s --catgrad-reduction-kernels="machine=x86-64-v4" | %filecheck %s

#row = affine_map<(i, j) -> (i, j)>
#one = affine_map<(i, j) -> (i)>

// A row maximum keeps 64 partial maxima in vectors, which a tree joins at the end; NaN is kept by maximumf.
// CHECK-LABEL: func.func @row_max
// CHECK: scf.for
// CHECK: arith.maximumf {{.*}} : vector<16xf32>
// CHECK: arith.maximumf {{.*}} : vector<8xf32>
// CHECK: arith.maximumf {{.*}} : vector<1xf32>
// CHECK-NOT: linalg.generic
func.func @row_max(%x: memref<8x100xf32>, %y: memref<8xf32>) {
  linalg.generic {indexing_maps = [#row, #one], iterator_types = ["parallel", "reduction"]} ins(%x : memref<8x100xf32>) outs(%y : memref<8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.maximumf %in, %out : f32
    linalg.yield %0 : f32
  }
  return
}
