// RUN: %catgrad-opt %s --catgrad-reshape-views | %filecheck %s

// Extents that were stored become those of a view, and nothing needs their buffer any more.
// CHECK-LABEL: func.func @known
// CHECK-SAME: (%[[B:.*]]: index, %[[C:.*]]: index, %[[X:.*]]: memref<?xf32>
// CHECK-NOT: memref.alloc
// CHECK: %[[STEP:.*]] = arith.muli
// CHECK: memref.reinterpret_cast %[[X]] to offset: [0], sizes: [%[[B]], 2, %[[C]]], strides: [%[[STEP]], %[[C]], 1]
func.func @known(%b: index, %c: index, %x: memref<?xf32>, %y: memref<?x2x?xf32>) {
  %0 = arith.constant 0 : index
  %1 = arith.constant 1 : index
  %2 = arith.constant 2 : index
  %extents = memref.alloc() : memref<3xindex>
  memref.store %b, %extents[%0] : memref<3xindex>
  memref.store %2, %extents[%1] : memref<3xindex>
  memref.store %c, %extents[%2] : memref<3xindex>
  %reshaped = memref.reshape %x(%extents) : (memref<?xf32>, memref<3xindex>) -> memref<?x2x?xf32>
  memref.copy %reshaped, %y : memref<?x2x?xf32> to memref<?x2x?xf32>
  return
}

// Others stay.
// CHECK-LABEL: func.func @given
// CHECK: memref.reshape
func.func @given(%extents: memref<2xindex>, %x: memref<?xf32>, %y: memref<?x?xf32>) {
  %reshaped = memref.reshape %x(%extents) : (memref<?xf32>, memref<2xindex>) -> memref<?x?xf32>
  memref.copy %reshaped, %y : memref<?x?xf32> to memref<?x?xf32>
  return
}
