// RUN: %catgrad-opt %s --catgrad-gpu-kernels --canonicalize --cse --split-input-file | %filecheck %s

// In f32, threads multiply. A, whose rows lie along the depth, is read four elements at once and turned on its way to
// shared memory; B is copied there asynchronously. The zeros that C begins with are not written.
// CHECK-LABEL: func.func @squares
// CHECK-NOT: memref.store
// CHECK: gpu.launch blocks({{.+}}) in (%{{[^ ]+}} = %c12, %{{[^ ]+}} = %c1, {{.+}} threads({{.+}}) in (%{{[^ ]+}} = %c64,
// CHECK-SAME: workgroup(%[[A:.+]] : memref<3x16x16xf32, #gpu.address_space<workgroup>>, %[[B:.+]] : memref<3x16x16xf32, #gpu.address_space<workgroup>>)
// CHECK: scf.for
// CHECK: vector.load %arg0[{{.+}}] : memref<60x48xf32>, vector<4xf32>
// CHECK-COUNT-4: memref.store %{{.+}}, %[[A]]
// CHECK: nvgpu.device_async_copy %arg1[{{.+}}], %[[B]][{{.+}}], 4, %{{.+}} {bypassL1}
// CHECK: nvvm.cp.async.commit.group
// CHECK: scf.for %{{.+}} = %c0 to %c48 step %c16 iter_args({{.+}}) -> (index, index, vector<2xf32>, vector<2xf32>)
// CHECK: nvvm.cp.async.wait.group 1
// CHECK-NEXT: gpu.barrier
// CHECK: nvgpu.device_async_copy
// CHECK: nvvm.cp.async.commit.group
// CHECK-COUNT-32: math.fma {{.+}} : vector<2xf32>
// CHECK-COUNT-4: memref.store %{{.+}}, %[[A]]
// CHECK: vector.store %{{.+}}, %arg2[{{.+}}] : memref<60x40xf32>, vector<2xf32>
func.func @squares(%a: memref<60x48xf32>, %b: memref<48x40xf32>, %c: memref<60x40xf32>) {
  %z = arith.constant 0.0 : f32
  linalg.fill ins(%z : f32) outs(%c : memref<60x40xf32>)
  linalg.contract indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>,
                                   affine_map<(m, n, k) -> (m, n)>]
    ins(%a, %b : memref<60x48xf32>, memref<48x40xf32>) outs(%c : memref<60x40xf32>)
  return
}

// -----

// In 16 bits, tensor cores multiply fragments: those of A transposed, as its lines go across the depth. The sums are
// added to C.
// CHECK-LABEL: func.func @fragments
// CHECK: gpu.launch {{.+}} workgroup(%[[A:.+]] : memref<3x32x16xbf16, #gpu.address_space<workgroup>>, %[[B:.+]] : memref<3x16x32xbf16,
// CHECK: scf.for {{.+}} step %c32 iter_args
// CHECK: nvvm.cp.async.wait.group 1
// CHECK: gpu.barrier
// CHECK: nvgpu.ldmatrix %[[A]][{{.+}}] {numTiles = 4 : i32, transpose = true} {{.+}} -> vector<4x2xbf16>
// CHECK: nvgpu.ldmatrix %[[B]][{{.+}}] {numTiles = 4 : i32, transpose = false} {{.+}} -> vector<4x2xbf16>
// CHECK: nvvm.mma.sync {{.+}}multiplicandAPtxType = #nvvm.mma_type<bf16>{{.+}}shape = #nvvm.shape<m = 16, n = 8, k = 16>
// CHECK: vector.load %arg2
// CHECK: arith.addf
// CHECK: vector.store %{{.+}}, %arg2[{{.+}}] : memref<64x64xf32>, vector<2xf32>
func.func @fragments(%a: memref<96x64xbf16>, %b: memref<64x96xbf16>, %c: memref<64x64xf32>) {
  linalg.contract indexing_maps = [affine_map<(m, n, k) -> (k, m)>, affine_map<(m, n, k) -> (n, k)>,
                                   affine_map<(m, n, k) -> (m, n)>]
    ins(%a, %b : memref<96x64xbf16>, memref<64x96xbf16>) outs(%c : memref<64x64xf32>)
  return
}

// -----

// Rows that begin anywhere: elements of 16 bits are read one by one where there are such, and written after the products.
// A result in 16 bits is rounded once.
// CHECK-LABEL: func.func @odd
// CHECK: gpu.launch
// CHECK-NOT: nvgpu.device_async_copy
// CHECK: scf.for {{.+}} to %c37 step %c32
// CHECK: scf.if %{{.+}} -> (f16)
// CHECK-NEXT: memref.load %arg0
// CHECK: nvvm.mma.sync
// CHECK: memref.store %{{.+}} : memref<{{.+}}xf16, #gpu.address_space<workgroup>>
// CHECK: arith.truncf
// CHECK: vector.store %{{.+}}, %arg2[{{.+}}] : memref<100x50xf16>, vector<2xf16>
func.func @odd(%a: memref<100x37xf16>, %b: memref<50x37xf16>, %c: memref<100x50xf16>) {
  %z = arith.constant 0.0 : f16
  linalg.fill ins(%z : f16) outs(%c : memref<100x50xf16>)
  linalg.contract indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>,
                                   affine_map<(m, n, k) -> (m, n)>]
    ins(%a, %b : memref<100x37xf16>, memref<50x37xf16>) outs(%c : memref<100x50xf16>)
  return
}

// -----

// A layer is one kernel: the sums are rounded, the bias is added, and what is negative cut off, before anything is
// written; the array of the sums is not there.
// CHECK-LABEL: func.func @layer
// CHECK-NOT: memref.alloc
// CHECK: gpu.launch
// CHECK: nvvm.mma.sync
// CHECK: vector.load %arg2[{{.+}}] : memref<32xf16>, vector<2xf16>
// CHECK: arith.truncf
// CHECK: arith.addf
// CHECK: arith.maximumf
// CHECK: vector.store %{{.+}}, %arg3[{{.+}}] : memref<16x32xf16>, vector<2xf16>
// CHECK-NOT: gpu.launch
#all = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (j)>
func.func @layer(%x: memref<16x16xf16>, %w: memref<16x32xf16>, %b: memref<32xf16>, %y: memref<16x32xf16>) {
  %z = arith.constant 0.0 : f32
  %h = arith.constant 0.0 : f16
  %c = memref.alloc() : memref<16x32xf32>
  linalg.fill ins(%z : f32) outs(%c : memref<16x32xf32>)
  linalg.contract indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>,
                                   affine_map<(m, n, k) -> (m, n)>]
    ins(%x, %w : memref<16x16xf16>, memref<16x32xf16>) outs(%c : memref<16x32xf32>)
  linalg.generic {indexing_maps = [#all, #row, #all], iterator_types = ["parallel", "parallel"]}
    ins(%c, %b : memref<16x32xf32>, memref<32xf16>) outs(%y : memref<16x32xf16>) {
  ^bb0(%sum: f32, %bias: f16, %o: f16):
    %0 = arith.truncf %sum : f32 to f16
    %1 = arith.addf %0, %bias : f16
    %2 = arith.maximumf %1, %h : f16
    linalg.yield %2 : f16
  }
  return
}

// -----

// What reads C elsewhere than at its own place has to wait for all of it.
// CHECK-LABEL: func.func @elsewhere
// CHECK: memref.alloc
// CHECK-COUNT-2: gpu.launch
#first = affine_map<(i, j) -> (i, 0)>
#both = affine_map<(i, j) -> (i, j)>
func.func @elsewhere(%a: memref<8x8xf32>, %b: memref<8x8xf32>, %y: memref<8x8xf32>) {
  %z = arith.constant 0.0 : f32
  %c = memref.alloc() : memref<8x8xf32>
  linalg.fill ins(%z : f32) outs(%c : memref<8x8xf32>)
  linalg.contract indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>,
                                   affine_map<(m, n, k) -> (m, n)>]
    ins(%a, %b : memref<8x8xf32>, memref<8x8xf32>) outs(%c : memref<8x8xf32>)
  linalg.generic {indexing_maps = [#first, #both], iterator_types = ["parallel", "parallel"]}
    ins(%c : memref<8x8xf32>) outs(%y : memref<8x8xf32>) {
  ^bb0(%sum: f32, %o: f32):
    linalg.yield %sum : f32
  }
  return
}
