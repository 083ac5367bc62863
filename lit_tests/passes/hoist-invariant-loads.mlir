// RUN: %catgrad-opt %s --catgrad-hoist-invariant-loads | %filecheck %s

// The row's scale is read once a row; what the loop stores to is read where it stands.
// CHECK-LABEL: func.func @rows
// CHECK: scf.for %[[I:.+]] =
// CHECK-NEXT: %[[S:.+]] = memref.load %{{.+}}[%[[I]], %{{.+}}] : memref<4x1xf32>
// CHECK-NEXT: scf.for %[[J:.+]] =
// CHECK-NEXT: memref.load %{{.+}}[%[[I]], %[[J]]] : memref<4x8xf32>
// CHECK: memref.load %{{.+}}[%[[I]]] : memref<4xf32>
// CHECK: memref.store
func.func @rows(%x: memref<4x8xf32>, %s: memref<4xf32>, %sum: memref<4xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %c8 = arith.constant 8 : index
  %column = memref.expand_shape %s [[0, 1]] output_shape [4, 1] : memref<4xf32> into memref<4x1xf32>
  scf.for %i = %c0 to %c4 step %c1 {
    scf.for %j = %c0 to %c8 step %c1 {
      %0 = memref.load %x[%i, %j] : memref<4x8xf32>
      %1 = memref.load %column[%i, %c0] : memref<4x1xf32>
      %2 = memref.load %sum[%i] : memref<4xf32>
      %3 = arith.mulf %0, %1 : f32
      %4 = arith.addf %2, %3 : f32
      memref.store %4, %sum[%i] : memref<4xf32>
    }
  }
  return
}

// A store through another view of the same memref keeps the load in its place.
// CHECK-LABEL: func.func @same
// CHECK: scf.for
// CHECK-NEXT: memref.load
func.func @same(%s: memref<4xf32>, %x: f32) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %column = memref.expand_shape %s [[0, 1]] output_shape [4, 1] : memref<4xf32> into memref<4x1xf32>
  scf.for %i = %c0 to %c4 step %c1 {
    %0 = memref.load %column[%c0, %c0] : memref<4x1xf32>
    %1 = arith.addf %0, %x : f32
    memref.store %1, %s[%i] : memref<4xf32>
  }
  return
}
