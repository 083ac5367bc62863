// Contractions of 16 bits: fragments of tiles in shared memory go to tensor cores; what is computed of the sums is done
// before they are stored.

// RUN: %catgrad-opt %s --catgrad-cuda-pipeline --gpu-module-to-binary="format=isa" --split-input-file | %filecheck %s

// Copies pass no register, and arrive two stages later; fragments of A are read as they lie, those of B transposed.
// CHECK-NOT: .local
// CHECK: .visible .entry product_kernel
// CHECK: .shared .align 16
// CHECK: cp.async.cg.shared.global
// CHECK: cp.async.commit_group
// CHECK: cp.async.wait_group
// CHECK: bar.sync
// CHECK: cp.async.cg.shared.global
// CHECK: ldmatrix.sync.aligned.m8n8.x4.shared.b16
// CHECK: ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16
// CHECK: mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32
// CHECK-NOT: atom.
// CHECK-NOT: st.shared
// CHECK: cvt.rn.f16
// CHECK: st.global
// CHECK: ret;
func.func @product(%a: tensor<128x96xf16>, %b: tensor<96x64xf16>) -> tensor<128x64xf16> {
  %0 = "catgrad.contract"(%a, %b) {spec = "ik,kj->ij"} : (tensor<128x96xf16>, tensor<96x64xf16>) -> tensor<128x64xf16>
  return %0 : tensor<128x64xf16>
}

// -----

// Rows that begin anywhere are read by element, through registers.
// CHECK: .visible .entry odd_kernel
// CHECK-NOT: cp.async.cg
// CHECK: ld.global.b16
// CHECK: st.shared.b16
// CHECK: ldmatrix
// CHECK: mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32
// CHECK: ret;
func.func @odd(%a: tensor<33x35xbf16>, %b: tensor<35x37xbf16>) -> tensor<33x37xbf16> {
  %0 = "catgrad.contract"(%a, %b) {spec = "ik,kj->ij"} : (tensor<33x35xbf16>, tensor<35x37xbf16>) -> tensor<33x37xbf16>
  return %0 : tensor<33x37xbf16>
}

// -----

// In f32, threads multiply: rows along the depth are read 16 bytes at a time and turned, others are copied; the bias is
// added to the sums in registers, in the one kernel that there is.
// CHECK: .visible .entry layer_kernel
// CHECK: ld.global.v4
// CHECK: st.shared
// CHECK: cp.async.cg.shared.global
// CHECK: ld.shared.v
// CHECK: fma.rn.f32
// CHECK: ld.global
// CHECK: add.rn.f32
// CHECK: st.global.v
// CHECK: ret;
func.func @layer(%a: tensor<128x96xf32>, %b: tensor<96x64xf32>, %c: tensor<64xf32>) -> tensor<128x64xf32> {
  %0 = "catgrad.contract"(%a, %b) {spec = "ik,kj->ij"} : (tensor<128x96xf32>, tensor<96x64xf32>) -> tensor<128x64xf32>
  %1 = "catgrad.broadcast_to"(%c) : (tensor<64xf32>) -> tensor<128x64xf32>
  %2 = "catgrad.add"(%0, %1) : (tensor<128x64xf32>, tensor<128x64xf32>) -> tensor<128x64xf32>
  return %2 : tensor<128x64xf32>
}
