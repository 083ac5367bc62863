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

// Calls that repeat become a loop over a table: places in the workspace, and words of the frame. What is the same every
// time is no column. Here two calls alternate.
// CHECK: memref.global "private" constant @f.calls0 : memref<8x3xindex>
// CHECK-SAME: [0, 64, 0], [64, 0, 2],
// CHECK-LABEL: func.func @f(%arg0: !llvm.ptr)
// CHECK: %[[TABLE:.+]] = memref.get_global @f.calls0
// CHECK: scf.for %[[I:.+]] = %c0 to %c8 step %c1
// CHECK-DAG: memref.load %[[TABLE]][%[[I]], %c0]
// CHECK-DAG: memref.load %[[TABLE]][%[[I]], %c1]
// CHECK-DAG: memref.load %[[TABLE]][%[[I]], %c2]
// CHECK: func.call @g
// CHECK-NEXT: func.call @h
// CHECK-NOT: call
// CHECK: return
func.func private @g(memref<4xf32>, memref<4xf32>)
func.func private @h(memref<4xf32>, memref<4xf32>)
func.func @f(%w0: memref<4xf32>, %w1: memref<4xf32>, %w2: memref<4xf32>, %w3: memref<4xf32>, %w4: memref<4xf32>, %w5: memref<4xf32>, %w6: memref<4xf32>, %w7: memref<4xf32>,
    %s: memref<4xf32>, %room: memref<?xi8>) {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %a = memref.view %room[%c0][] : memref<?xi8> to memref<4xf32>
  %b = memref.view %room[%c64][] : memref<?xi8> to memref<4xf32>
  call @g(%a, %b) : (memref<4xf32>, memref<4xf32>) -> ()
  call @h(%w0, %s) : (memref<4xf32>, memref<4xf32>) -> ()
  call @g(%b, %a) : (memref<4xf32>, memref<4xf32>) -> ()
  call @h(%w1, %s) : (memref<4xf32>, memref<4xf32>) -> ()
  call @g(%a, %b) : (memref<4xf32>, memref<4xf32>) -> ()
  call @h(%w2, %s) : (memref<4xf32>, memref<4xf32>) -> ()
  call @g(%b, %a) : (memref<4xf32>, memref<4xf32>) -> ()
  call @h(%w3, %s) : (memref<4xf32>, memref<4xf32>) -> ()
  call @g(%a, %b) : (memref<4xf32>, memref<4xf32>) -> ()
  call @h(%w4, %s) : (memref<4xf32>, memref<4xf32>) -> ()
  call @g(%b, %a) : (memref<4xf32>, memref<4xf32>) -> ()
  call @h(%w5, %s) : (memref<4xf32>, memref<4xf32>) -> ()
  call @g(%a, %b) : (memref<4xf32>, memref<4xf32>) -> ()
  call @h(%w6, %s) : (memref<4xf32>, memref<4xf32>) -> ()
  call @g(%b, %a) : (memref<4xf32>, memref<4xf32>) -> ()
  call @h(%w7, %s) : (memref<4xf32>, memref<4xf32>) -> ()
  return
}

// -----

// Nothing changes from call to call: the table has no column. What else happens ends a sequence of calls.
// CHECK-LABEL: func.func @f
// CHECK: scf.for %{{.+}} = %c0 to %c8
// CHECK-NEXT: func.call @g
// CHECK: memref.store
// CHECK-COUNT-7: call @g
func.func private @g(memref<4xf32>)
func.func @f(%x: memref<4xf32>, %i: index) {
  call @g(%x) : (memref<4xf32>) -> ()
  call @g(%x) : (memref<4xf32>) -> ()
  call @g(%x) : (memref<4xf32>) -> ()
  call @g(%x) : (memref<4xf32>) -> ()
  call @g(%x) : (memref<4xf32>) -> ()
  call @g(%x) : (memref<4xf32>) -> ()
  call @g(%x) : (memref<4xf32>) -> ()
  call @g(%x) : (memref<4xf32>) -> ()
  %c = arith.constant 1.0 : f32
  memref.store %c, %x[%i] : memref<4xf32>
  call @g(%x) : (memref<4xf32>) -> ()
  call @g(%x) : (memref<4xf32>) -> ()
  call @g(%x) : (memref<4xf32>) -> ()
  call @g(%x) : (memref<4xf32>) -> ()
  call @g(%x) : (memref<4xf32>) -> ()
  call @g(%x) : (memref<4xf32>) -> ()
  call @g(%x) : (memref<4xf32>) -> ()
  return
}
