// RUN: %catgrad-opt %s --catgrad-cuda-pipeline | %filecheck %s

// From the dialect to kernels in NVVM and a host function that launches them, in one flag.
// CHECK-NOT: catgrad.
// CHECK: gpu.module @kernels [#nvvm.target<
// CHECK: llvm.func @f_kernel({{.+}}) attributes {gpu.kernel
// CHECK: nvvm.read.ptx.sreg.tid.x
// CHECK: llvm.load %{{.+}} : !llvm.ptr -> vector<4xf32>
// CHECK: llvm.func @f.workspace(%{{.+}}: !llvm.ptr) -> i64
// CHECK: llvm.func @f.entry(%{{.+}}: !llvm.ptr)
// CHECK: gpu.launch_func {{.*}}@kernels::@f_kernel blocks in
func.func @f(%x: tensor<128x64xf32>) -> tensor<128x64xf32> {
  %0 = "catgrad.exp"(%x) : (tensor<128x64xf32>) -> tensor<128x64xf32>
  return %0 : tensor<128x64xf32>
}
