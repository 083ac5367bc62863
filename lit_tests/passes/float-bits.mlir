// Floats of 16 bits move as integers, but beside conversions.

// RUN: %catgrad-opt %s --catgrad-float-bits --split-input-file --verify-diagnostics | %filecheck %s

// CHECK-LABEL: llvm.func @masked(%arg0: !llvm.ptr, %arg1: vector<8xi1>, %arg2: vector<8xi16>)
// CHECK: %[[X:.+]] = llvm.intr.masked.load %arg0, %arg1, %arg2 {alignment = 2 : i32} : (!llvm.ptr, vector<8xi1>, vector<8xi16>) -> vector<8xi16>
// CHECK: llvm.intr.masked.store %[[X]], %arg0, %arg1 {alignment = 2 : i32} : vector<8xi16>, vector<8xi1> into !llvm.ptr
llvm.func @masked(%p: !llvm.ptr, %m: vector<8xi1>, %z: vector<8xbf16>) {
  %x = llvm.intr.masked.load %p, %m, %z {alignment = 2 : i32} : (!llvm.ptr, vector<8xi1>, vector<8xbf16>) -> vector<8xbf16>
  llvm.intr.masked.store %x, %p, %m {alignment = 2 : i32} : vector<8xbf16>, vector<8xi1> into !llvm.ptr
  llvm.return
}

// CHECK-LABEL: llvm.func @converted(%arg0: i16) -> i16
// CHECK: %[[F:.+]] = llvm.bitcast %arg0 : i16 to f16
// CHECK: %[[W:.+]] = llvm.fpext %[[F]] : f16 to f32
// CHECK: %[[N:.+]] = llvm.fptrunc %[[W]] : f32 to f16
// CHECK: %[[B:.+]] = llvm.bitcast %[[N]] : f16 to i16
// CHECK: llvm.return %[[B]] : i16
llvm.func @converted(%x: f16) -> f16 {
  %w = llvm.fpext %x : f16 to f32
  %n = llvm.fptrunc %w : f32 to f16
  llvm.return %n : f16
}

// CHECK-LABEL: llvm.func @constants
// CHECK: llvm.mlir.constant(16320 : i16) : i16
// CHECK: llvm.mlir.constant(dense<-16384> : vector<4xi16>) : vector<4xi16>
// CHECK: %[[MANY:.+]] = llvm.mlir.constant(dense<[1.000000e+00, 2.000000e+00]> : vector<2xbf16>) : vector<2xbf16>
// CHECK: llvm.bitcast %[[MANY]] : vector<2xbf16> to vector<2xi16>
// CHECK: llvm.mlir.constant(dense<0> : vector<2x4xi16>) : !llvm.array<2 x vector<4xi16>>
llvm.func @constants(%p: !llvm.ptr) {
  %one = llvm.mlir.constant(1.5 : bf16) : bf16
  %same = llvm.mlir.constant(dense<-2.0> : vector<4xf16>) : vector<4xf16>
  %many = llvm.mlir.constant(dense<[1.0, 2.0]> : vector<2xbf16>) : vector<2xbf16>
  %rows = llvm.mlir.constant(dense<0.0> : vector<2x4xbf16>) : !llvm.array<2 x vector<4xbf16>>
  llvm.store %one, %p : bf16, !llvm.ptr
  llvm.store %same, %p : vector<4xf16>, !llvm.ptr
  llvm.store %many, %p : vector<2xbf16>, !llvm.ptr
  llvm.store %rows, %p : !llvm.array<2 x vector<4xbf16>>, !llvm.ptr
  llvm.return
}

// -----

llvm.func @computed(%x: bf16) -> bf16 {
  // expected-error @below {{llvm.fadd computes in bf16: expected floats of 16 bits to be moved only}}
  %0 = llvm.fadd %x, %x : bf16
  llvm.return %0 : bf16
}
