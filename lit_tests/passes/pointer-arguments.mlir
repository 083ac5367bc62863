// RUN: %catgrad-opt %s --catgrad-pointer-arguments --canonicalize --split-input-file | %filecheck %s

// Private functions take the address of an array and the extents that its type does not tell; entries stay as they are.
// CHECK-LABEL: func.func @f(%arg0: memref<?x3xf32>, %arg1: memref<f32>, %arg2: index)
// CHECK-DAG: %[[X:.+]] = builtin.unrealized_conversion_cast %arg0 : memref<?x3xf32> to !llvm.struct<(ptr, ptr, i64, array<2 x i64>, array<2 x i64>)>
// CHECK-DAG: %[[PX:.+]] = llvm.extractvalue %[[X]][1]
// CHECK-DAG: %[[N:.+]] = memref.dim %arg0, %c0
// CHECK-DAG: %[[Y:.+]] = builtin.unrealized_conversion_cast %arg1 : memref<f32> to !llvm.struct<(ptr, ptr, i64)>
// CHECK-DAG: %[[PY:.+]] = llvm.extractvalue %[[Y]][1]
// CHECK: call @g(%[[PX]], %[[N]], %[[PY]], %arg2) : (!llvm.ptr, index, !llvm.ptr, index) -> ()
// CHECK-LABEL: func.func private @g(%arg0: !llvm.ptr, %arg1: index, %arg2: !llvm.ptr, %arg3: index {llvm.noundef})
// CHECK: memref.view %{{.+}}[%c0][%arg1] : memref<?xi8> to memref<?x3xf32>
// CHECK: memref.view %{{.+}}[%c0][] : memref<?xi8> to memref<f32>
func.func @f(%x: memref<?x3xf32>, %y: memref<f32>, %n: index) {
  call @g(%x, %y, %n) : (memref<?x3xf32>, memref<f32>, index) -> ()
  return
}
func.func private @g(%x: memref<?x3xf32>, %y: memref<f32>, %n: index {llvm.noundef}) {
  %c0 = arith.constant 0 : index
  %0 = memref.load %y[] : memref<f32>
  memref.store %0, %x[%n, %c0] : memref<?x3xf32>
  return
}

// -----

// A window into an array has strides, and stays what it is; so do functions without a body, which others define.
// CHECK-LABEL: func.func @f
// CHECK: call @g(%arg0) : (memref<4xf32, strided<[2]>>) -> ()
// CHECK: call @outside(%arg1) : (memref<4xf32>) -> ()
func.func @f(%x: memref<4xf32, strided<[2]>>, %y: memref<4xf32>) {
  call @g(%x) : (memref<4xf32, strided<[2]>>) -> ()
  call @outside(%y) : (memref<4xf32>) -> ()
  return
}
func.func private @g(%x: memref<4xf32, strided<[2]>>) {
  return
}
func.func private @outside(memref<4xf32>)
