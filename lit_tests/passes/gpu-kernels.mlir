// RUN: %catgrad-opt %s --catgrad-gpu-kernels --canonicalize --cse --split-input-file | %filecheck %s

// Elementwise: four neighbours in one access, of an operand that is broadcast along the columns too.
// CHECK-LABEL: func.func @add
// CHECK: gpu.launch blocks({{.+}}) in (%{{[^ ]+}} = %c2, {{.+}} threads({{.+}}) in (%{{[^ ]+}} = %c256,
// CHECK: scf.if
// CHECK: vector.load %{{.+}} : memref<2048xf32>, vector<4xf32>
// CHECK: vector.load %arg1{{.+}} : memref<64xf32>, vector<4xf32>
// CHECK: vector.store %{{.+}} : memref<2048xf32>, vector<4xf32>
// CHECK: gpu.terminator
#whole = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (j)>
func.func @add(%x: memref<32x64xf32>, %b: memref<64xf32>, %y: memref<32x64xf32>) {
  linalg.generic {indexing_maps = [#whole, #row, #whole], iterator_types = ["parallel", "parallel"]}
    ins(%x, %b : memref<32x64xf32>, memref<64xf32>) outs(%y : memref<32x64xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %r = arith.addf %a, %c : f32
    linalg.yield %r : f32
  }
  return
}

// -----

// A fill, and a size that divides nothing: the last group is finished element by element.
// CHECK-LABEL: func.func @fill
// CHECK: gpu.launch
// CHECK: vector.store %{{.+}} : memref<?xf16>, vector<8xf16>
// CHECK: scf.for
// CHECK-NEXT: memref.store %{{.+}} : memref<?xf16>
func.func @fill(%x: memref<?xf16>) {
  %c = arith.constant 1.0 : f16
  linalg.fill ins(%c : f16) outs(%x : memref<?xf16>)
  return
}

// -----

// A row of few terms is folded by a warp: one access, five exchanges, one store.
// CHECK-LABEL: func.func @rows
// CHECK: gpu.launch blocks({{.+}}) in (%{{[^ ]+}} = %c4,
// CHECK: vector.load %arg0{{.+}} : memref<30x100xf32>, vector<4xf32>
// CHECK-COUNT-5: gpu.shuffle xor
// CHECK-NOT: gpu.barrier
// CHECK: scf.if
// CHECK: memref.store %{{.+}}, %arg1
#all = affine_map<(i, j) -> (i, j)>
#first = affine_map<(i, j) -> (i)>
func.func @rows(%x: memref<30x100xf32>, %y: memref<30xf32>) {
  linalg.generic {indexing_maps = [#all, #first], iterator_types = ["parallel", "reduction"]}
    ins(%x : memref<30x100xf32>) outs(%y : memref<30xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = arith.maximumf %a, %o : f32
    linalg.yield %r : f32
  }
  return
}

// -----

// Many terms are folded by a block, whose warps meet in shared memory.
// CHECK-LABEL: func.func @all
// CHECK: gpu.launch {{.+}} workgroup(%{{.+}} : memref<32x1xi64, #gpu.address_space<workgroup>>)
// CHECK-COUNT-10: gpu.shuffle xor
// CHECK: gpu.barrier
// CHECK-COUNT-10: gpu.shuffle xor
#one = affine_map<(i) -> (i)>
#none = affine_map<(i) -> ()>
func.func @all(%x: memref<5000xi64>, %y: memref<i64>) {
  linalg.generic {indexing_maps = [#one, #none], iterator_types = ["reduction"]}
    ins(%x : memref<5000xi64>) outs(%y : memref<i64>) {
  ^bb0(%a: i64, %o: i64):
    %r = arith.addi %a, %o : i64
    linalg.yield %r : i64
  }
  return
}

// -----

// A sum whose order is fixed is one thread's.
// CHECK-LABEL: func.func @ordered
// CHECK: gpu.launch
// CHECK-NOT: gpu.shuffle
// CHECK: scf.for %{{.+}} = %c0 to %{{.+}} step %c1 iter_args
#whole = affine_map<(i, j) -> (i, j)>
#kept = affine_map<(i, j) -> (i)>
func.func @ordered(%x: memref<3x100xf32>, %y: memref<3xf32>) {
  linalg.generic {indexing_maps = [#whole, #kept], iterator_types = ["parallel", "reduction"]}
    ins(%x : memref<3x100xf32>) outs(%y : memref<3xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = arith.addf %a, %o : f32
    linalg.yield %r : f32
  }
  return
}

// -----

// Nothing is launched for what is empty.
// CHECK-LABEL: func.func @empty
// CHECK-NOT: gpu.launch
// CHECK: return
func.func @empty(%x: memref<0x4xf32>, %y: memref<0x4xf32>) {
  memref.copy %x, %y : memref<0x4xf32> to memref<0x4xf32>
  return
}
