// RUN: %catgrad-opt %s --catgrad-entry-frames --canonicalize --cse --split-input-file | %filecheck %s

// Numbers come first, then the address and the extents of each array; what the type says is not read.
// CHECK-LABEL: func.func @f(%arg0: !llvm.ptr)
// CHECK-DAG: %[[N:.+]] = llvm.load %arg0 : !llvm.ptr -> i64
// CHECK-DAG: %[[AX:.+]] = llvm.getelementptr %arg0[1]
// CHECK-DAG: %[[PX:.+]] = llvm.load %[[AX]] : !llvm.ptr -> !llvm.ptr
// CHECK-DAG: %[[AE:.+]] = llvm.getelementptr %arg0[2]
// CHECK-DAG: %[[E:.+]] = llvm.load %[[AE]] : !llvm.ptr -> i64
// CHECK: memref.view %{{.+}}[%c0][%{{.+}}] : memref<?xi8> to memref<?x3xf32>
// CHECK: llvm.getelementptr %arg0[4]
// CHECK: call @use
func.func private @use(index, memref<?x3xf32>, memref<f32>)
func.func @f(%n: index, %x: memref<?x3xf32>, %y: memref<f32>) {
  call @use(%n, %x, %y) : (index, memref<?x3xf32>, memref<f32>) -> ()
  return
}

// -----

// A driver takes the words of its arrays as they are; the workspace comes behind them.
// CHECK-LABEL: func.func @driver(%arg0: !llvm.ptr)
// CHECK-DAG: %[[TABLE:.+]] = llvm.getelementptr %arg0[1]
// CHECK-DAG: llvm.getelementptr %arg0[6]
// CHECK: llvm.load %[[TABLE]] : !llvm.ptr -> !llvm.ptr
func.func private @use(!llvm.ptr, memref<?xi8>)
func.func @driver(%n: index, %arrays: !llvm.ptr {catgrad.words = 5 : i64}, %room: memref<?xi8>) {
  %p = llvm.load %arrays : !llvm.ptr -> !llvm.ptr
  call @use(%p, %room) : (!llvm.ptr, memref<?xi8>) -> ()
  return
}
