// RUN: %catgrad-opt %s --catgrad-bfloat-bits | %filecheck %s

// CHECK: %[[Z:.+]] = llvm.bitcast %arg2 : vector<8xbf16> to vector<8xi16>
// CHECK: %[[L:.+]] = llvm.intr.masked.load %arg0, %arg1, %[[Z]] {alignment = 2 : i32} : (!llvm.ptr, vector<8xi1>, vector<8xi16>) -> vector<8xi16>
// CHECK: %[[V:.+]] = llvm.bitcast %[[L]] : vector<8xi16> to vector<8xbf16>
// CHECK: %[[S:.+]] = llvm.bitcast %[[V]] : vector<8xbf16> to vector<8xi16>
// CHECK: llvm.intr.masked.store %[[S]], %arg0, %arg1 {alignment = 2 : i32} : vector<8xi16>, vector<8xi1> into !llvm.ptr
llvm.func @f(%p: !llvm.ptr, %m: vector<8xi1>, %z: vector<8xbf16>) {
  %x = llvm.intr.masked.load %p, %m, %z {alignment = 2 : i32} : (!llvm.ptr, vector<8xi1>, vector<8xbf16>) -> vector<8xbf16>
  llvm.intr.masked.store %x, %p, %m {alignment = 2 : i32} : vector<8xbf16>, vector<8xi1> into !llvm.ptr
  llvm.return
}
