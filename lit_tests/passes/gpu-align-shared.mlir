// RUN: %catgrad-opt %s --catgrad-align-shared | %filecheck %s

// Buffers of short elements begin where an access of 16 bytes may begin; kernels without such buffers stay.
// CHECK: gpu.func @shares(%{{.+}}) workgroup(%{{.+}} : memref<64xf16, #gpu.address_space<workgroup>> {llvm.align = 16 : i64}, %{{.+}} : memref<8xi8, #gpu.address_space<workgroup>> {llvm.align = 16 : i64}) kernel
// CHECK: gpu.func @alone(%{{.+}}: memref<64xf16>) kernel {
gpu.module @kernels {
  gpu.func @shares(%x: memref<64xf16>) workgroup(%s: memref<64xf16, #gpu.address_space<workgroup>>, %t: memref<8xi8, #gpu.address_space<workgroup>>) kernel {
    gpu.return
  }
  gpu.func @alone(%x: memref<64xf16>) kernel {
    gpu.return
  }
}
