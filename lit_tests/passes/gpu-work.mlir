// A launch's location says what the operations that it takes the place of have to do; the code in it does not repeat that.

// RUN: %catgrad-opt %s --catgrad-gpu-kernels --gpu-kernel-outlining --catgrad-one-gpu-module --mlir-print-debuginfo --mlir-print-local-scope --split-input-file | %filecheck %s

// Two terms for each of 2048 elements, which come once, and so does the row that all have; the results go once.
// CHECK: gpu.func @chain_kernel
// CHECK: vector.load {{.*}} loc("{{[^ ]*}}gpu-work.mlir":
// CHECK: func.func @chain
// CHECK: gpu.launch_func {{.*}} loc("work {\22flop\22: {\22f32\22: 4096}, \22read\22: 8448, \22written\22: 8192}"({{.*}}))
#whole = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (j)>
func.func @chain(%x: memref<32x64xf32>, %b: memref<64xf32>, %y: memref<32x64xf32>) {
  linalg.generic {indexing_maps = [#whole, #row, #whole], iterator_types = ["parallel", "parallel"]}
    ins(%x, %b : memref<32x64xf32>, memref<64xf32>) outs(%y : memref<32x64xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %r = math.fma %a, %c, %a : f32
    linalg.yield %r : f32
  }
  return
}

// -----

// A contraction that begins with zeros does not read them.
// CHECK: func.func @product
// CHECK-NOT: linalg.fill
// CHECK: gpu.launch_func {{.*}} loc("work {\22flop\22: {\22f16 products\22: 370000}, \22read\22: 11100, \22written\22: 20000}"
func.func @product(%a: memref<100x37xf16>, %b: memref<50x37xf16>, %c: memref<100x50xf32>) {
  %z = arith.constant 0.0 : f32
  linalg.fill ins(%z : f32) outs(%c : memref<100x50xf32>)
  linalg.contract indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>,
                                   affine_map<(m, n, k) -> (m, n)>]
    ins(%a, %b : memref<100x37xf16>, memref<50x37xf16>) outs(%c : memref<100x50xf32>)
  return
}

// -----

// A copy does no arithmetic; a constant is written by a kernel, too.
// CHECK: func.func @constant
// CHECK: gpu.launch_func {{.*}} loc("work {\22flop\22: {}, \22read\22: 12, \22written\22: 12}"
// CHECK: gpu.launch_func {{.*}} loc("work {\22flop\22: {}, \22read\22: 12, \22written\22: 12}"
memref.global "private" constant @numbers : memref<3xf32> = dense<[1.0, 2.0, 3.0]>
func.func @constant(%y: memref<3xf32>) {
  %0 = memref.get_global @numbers : memref<3xf32>
  memref.copy %0, %y : memref<3xf32> to memref<3xf32>
  return
}

// -----

// What depends on sizes that are not known yet is not said.
// CHECK: func.func @open
// CHECK: gpu.launch_func
// CHECK-NOT: flop
func.func @open(%y: memref<?xf32>) {
  %z = arith.constant 0.0 : f32
  linalg.fill ins(%z : f32) outs(%y : memref<?xf32>)
  return
}
