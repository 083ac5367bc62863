// RUN: %catgrad-opt %s --catgrad-gpu-kernels --canonicalize --cse --split-input-file | %filecheck %s

// A chain on rows of known length is one kernel: a row is read once and written once, 16 bytes at a time, and what is
// between needs no memory. Two warps have a row of 500 elements, and meet after each fold.
// CHECK-LABEL: func.func @normalise
// CHECK-NOT: memref.alloc
// CHECK: gpu.launch blocks({{.+}}) in (%{{[^ ]+}} = %c25, {{.+}} threads({{.+}}) in (%{{[^ ]+}} = %c256,
// CHECK-SAME: workgroup({{.+}} : memref<2x4xf32, #gpu.address_space<workgroup>>, {{.+}} : memref<2x4xf32, #gpu.address_space<workgroup>>)
// CHECK-COUNT-2: vector.load %arg0{{.+}} : memref<100x500xf32>, vector<4xf32>
// CHECK-NOT: vector.load
// CHECK-COUNT-5: gpu.shuffle xor
// CHECK: gpu.barrier
// CHECK: math.exp
// CHECK-NOT: vector.load
// CHECK: gpu.barrier
// CHECK: arith.divf
// CHECK-COUNT-2: vector.store %{{.+}}, %arg1{{.+}} : memref<100x500xf32>, vector<4xf32>
// CHECK-NOT: vector.store
// CHECK-NOT: gpu.launch
#whole = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
#one = affine_map<(i, j) -> (i, 0)>
func.func @normalise(%x: memref<100x500xf32>, %y: memref<100x500xf32>) {
  %least = arith.constant 0xFF800000 : f32
  %zero = arith.constant 0.0 : f32
  %m = memref.alloc() : memref<100xf32>
  linalg.fill ins(%least : f32) outs(%m : memref<100xf32>)
  linalg.generic {indexing_maps = [#whole, #row], iterator_types = ["parallel", "reduction"]}
    ins(%x : memref<100x500xf32>) outs(%m : memref<100xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = arith.maximumf %a, %o : f32
    linalg.yield %r : f32
  }
  %column = memref.expand_shape %m [[0, 1]] output_shape [100, 1] : memref<100xf32> into memref<100x1xf32>
  %e = memref.alloc() : memref<100x500xf32>
  linalg.generic {indexing_maps = [#whole, #one, #whole], iterator_types = ["parallel", "parallel"]}
    ins(%x, %column : memref<100x500xf32>, memref<100x1xf32>) outs(%e : memref<100x500xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %d = arith.subf %a, %b : f32
    %r = math.exp %d : f32
    linalg.yield %r : f32
  }
  %s = memref.alloc() : memref<100xf32>
  linalg.fill ins(%zero : f32) outs(%s : memref<100xf32>)
  linalg.generic {indexing_maps = [#whole, #row], iterator_types = ["parallel", "reduction"]}
    ins(%e : memref<100x500xf32>) outs(%s : memref<100xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = arith.addf %a, %o fastmath<reassoc> : f32
    linalg.yield %r : f32
  }
  linalg.generic {indexing_maps = [#whole, #row, #whole], iterator_types = ["parallel", "parallel"]}
    ins(%e, %s : memref<100x500xf32>, memref<100xf32>) outs(%y : memref<100x500xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %r = arith.divf %a, %b : f32
    linalg.yield %r : f32
  }
  return
}

// -----

// Rows of unknown length are gone through once for the fold and once more for what waits for it.
// CHECK-LABEL: func.func @dynamic
// CHECK-NOT: memref.alloc
// CHECK: gpu.launch
// CHECK: scf.for {{.+}} step %c32768 iter_args
// CHECK: scf.for {{.+}} step %c1024 iter_args
// CHECK: scf.for {{.+}} step %c32 iter_args
// CHECK: memref.load %arg1
// CHECK-COUNT-5: gpu.shuffle xor
// CHECK: scf.for {{.+}} step %c32
// CHECK: memref.load %arg1
// CHECK: memref.store %{{.+}}, %arg2
// CHECK-NOT: gpu.launch
#whole = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
func.func @dynamic(%n: index, %x: memref<?x?xf32>, %y: memref<?x?xf32>) {
  %least = arith.constant 0xFF800000 : f32
  %m = memref.alloc(%n) : memref<?xf32>
  linalg.fill ins(%least : f32) outs(%m : memref<?xf32>)
  linalg.generic {indexing_maps = [#whole, #row], iterator_types = ["parallel", "reduction"]}
    ins(%x : memref<?x?xf32>) outs(%m : memref<?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = arith.maximumf %a, %o : f32
    linalg.yield %r : f32
  }
  linalg.generic {indexing_maps = [#whole, #row, #whole], iterator_types = ["parallel", "parallel"]}
    ins(%x, %m : memref<?x?xf32>, memref<?xf32>) outs(%y : memref<?x?xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %r = arith.subf %a, %b : f32
    linalg.yield %r : f32
  }
  return
}

// -----

// Where the columns are folded, each thread of a warp has another column; the warps of a block share it, and meet once.
// CHECK-LABEL: func.func @columns
// CHECK: gpu.launch blocks({{.+}}) in (%{{[^ ]+}} = %c4, {{.+}} threads({{.+}}) in (%{{[^ ]+}} = %c256,
// CHECK-SAME: workgroup({{.+}} : memref<8x32xf32, #gpu.address_space<workgroup>>)
// CHECK: %[[COLUMN:.+]] = arith.addi
// CHECK: scf.for {{.+}} step %c256 iter_args
// CHECK: scf.for %[[K:[^ ]+]] = {{.+}} step %c8 iter_args
// CHECK: memref.load %arg0[%[[K]], %[[COLUMN]]]
// CHECK-NOT: gpu.shuffle
// CHECK: gpu.barrier
// CHECK-COUNT-8: memref.load %{{.+}}[%c{{[0-7]}}, %{{.+}}] : memref<8x32xf32, #gpu.address_space<workgroup>>
#whole = affine_map<(i, j) -> (i, j)>
#column = affine_map<(i, j) -> (j)>
func.func @columns(%x: memref<?x100xf32>, %y: memref<100xf32>) {
  linalg.generic {indexing_maps = [#whole, #column], iterator_types = ["reduction", "parallel"]}
    ins(%x : memref<?x100xf32>) outs(%y : memref<100xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = arith.addf %a, %o fastmath<reassoc> : f32
    linalg.yield %r : f32
  }
  return
}

// -----

// What is read where another row wrote it is another kernel's.
// CHECK-LABEL: func.func @turned
// CHECK-COUNT-2: gpu.launch blocks
#whole = affine_map<(i, j) -> (i, j)>
#turned = affine_map<(i, j) -> (j, i)>
func.func @turned(%x: memref<8x8xf32>, %y: memref<8x8xf32>) {
  %e = memref.alloc() : memref<8x8xf32>
  linalg.generic {indexing_maps = [#whole, #whole], iterator_types = ["parallel", "parallel"]}
    ins(%x : memref<8x8xf32>) outs(%e : memref<8x8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = math.absf %a : f32
    linalg.yield %r : f32
  }
  linalg.generic {indexing_maps = [#turned, #whole, #whole], iterator_types = ["parallel", "parallel"]}
    ins(%e, %e : memref<8x8xf32>, memref<8x8xf32>) outs(%y : memref<8x8xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %r = arith.addf %a, %b : f32
    linalg.yield %r : f32
  }
  return
}

// -----

// A body that reads another buffer, at places that it is told, is run for elements that are there alone.
// CHECK-LABEL: func.func @gathered
// CHECK-COUNT-2: gpu.launch blocks
// CHECK: scf.for
// CHECK: %[[I:.+]] = memref.load %arg1
// CHECK: %[[P:.+]] = arith.index_cast %[[I]]
// CHECK: memref.load %arg0[%[[P]]]
#whole = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
func.func @gathered(%t: memref<100xf32>, %i: memref<5x7xi32>, %y: memref<5xf32>) {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%y : memref<5xf32>)
  linalg.generic {indexing_maps = [#whole, #row], iterator_types = ["parallel", "reduction"]}
    ins(%i : memref<5x7xi32>) outs(%y : memref<5xf32>) {
  ^bb0(%a: i32, %o: f32):
    %p = arith.index_cast %a : i32 to index
    %v = memref.load %t[%p] : memref<100xf32>
    %r = arith.addf %v, %o fastmath<reassoc> : f32
    linalg.yield %r : f32
  }
  return
}

// -----

// Twelve blocks share a long row: each leaves its part, and a second kernel folds the parts.
// CHECK-LABEL: func.func @long
// CHECK: %[[PARTS:.+]] = memref.alloc() : memref<12xf32>
// CHECK: gpu.launch blocks(%{{.+}}, %[[SPLIT:.+]], %{{.+}}) in (%{{[^ ]+}} = %c1, %{{[^ ]+}} = %c12, {{.+}} threads({{.+}}) in (%{{[^ ]+}} = %c1024,
// CHECK: scf.for {{.+}} step %c49152
// CHECK: vector.load %arg0
// CHECK: memref.store %{{.+}}, %[[PARTS]][%[[SPLIT]]]
// CHECK: gpu.launch blocks
// CHECK: vector.load %[[PARTS]]
// CHECK: memref.store %{{.+}}, %arg1
#one = affine_map<(i) -> (i)>
#none = affine_map<(i) -> ()>
func.func @long(%x: memref<100000xf32>, %y: memref<f32>) {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%y : memref<f32>)
  linalg.generic {indexing_maps = [#one, #none], iterator_types = ["reduction"]}
    ins(%x : memref<100000xf32>) outs(%y : memref<f32>) {
  ^bb0(%a: f32, %o: f32):
    %r = arith.addf %a, %o fastmath<reassoc> : f32
    linalg.yield %r : f32
  }
  return
}
