// RUN: %catgrad-opt %s --catgrad-workspace --cse --split-input-file | %filecheck %s

// Buffers alive at once lie side by side, on the stack or not; the third takes the place of the first.
// CHECK-LABEL: func.func @known.workspace(%arg0: memref<2xf64>, %arg1: memref<?xi8>) -> index
// CHECK-NEXT: %[[SIZE:.+]] = arith.constant 128 : index
// CHECK-NEXT: return %[[SIZE]]
// CHECK-LABEL: func.func @known(%arg0: memref<2xf64>, %arg1: memref<?xi8>)
// CHECK-NEXT: %[[C0:.+]] = arith.constant 0 : index
// CHECK-NEXT: %[[A:.+]] = memref.view %arg1[%[[C0]]][] : memref<?xi8> to memref<4xf32>
// CHECK-NEXT: %[[C64:.+]] = arith.constant 64 : index
// CHECK-NEXT: %[[B:.+]] = memref.view %arg1[%[[C64]]][] : memref<?xi8> to memref<4xf32>
// CHECK-NEXT: call @use(%[[A]], %[[B]])
// CHECK-NEXT: %[[C:.+]] = memref.view %arg1[%[[C0]]][] : memref<?xi8> to memref<2xf64>
// CHECK-NEXT: memref.copy %arg0, %[[C]]
// CHECK-NEXT: return
func.func private @use(memref<4xf32>, memref<4xf32>)
func.func @known(%x: memref<2xf64>) {
  %a = memref.alloc() : memref<4xf32>
  %b = memref.alloca() : memref<4xf32>
  call @use(%a, %b) : (memref<4xf32>, memref<4xf32>) -> ()
  memref.dealloc %a : memref<4xf32>
  %c = memref.alloc() : memref<2xf64>
  memref.copy %x, %c : memref<2xf64> to memref<2xf64>
  memref.dealloc %c : memref<2xf64>
  return
}

// -----

// Two buffers of one unknown size, one after the other, have one place. The callee works behind it, and its own size is
// asked of its own function, which gets the buffer with its extents.
// CHECK-LABEL: func.func private @callee.workspace(%arg0: memref<?xf32>, %arg1: memref<?xi8>) -> index
// CHECK-LABEL: func.func private @callee(%arg0: memref<?xf32>, %arg1: memref<?xi8>)
// CHECK-LABEL: func.func @caller.workspace(%arg0: index, %arg1: memref<?xf32>, %arg2: memref<?xi8>) -> index
// CHECK: %[[OWN:.+]] = arith.muli %{{.+}}, %{{.+}} overflow<nsw> : index
// CHECK: %[[B:.+]] = memref.view %arg2[%c0][%arg0] : memref<?xi8> to memref<?xf32>
// CHECK-NEXT: %[[ITS:.+]] = call @callee.workspace(%[[B]], %arg2)
// CHECK-NEXT: arith.addi %{{.+}}, %[[ITS]]
// CHECK-NEXT: arith.maxsi
// CHECK-LABEL: func.func @caller(%arg0: index, %arg1: memref<?xf32>, %arg2: memref<?xi8>)
// CHECK: %[[REST:.+]] = memref.view %arg2[%{{.+}}][%{{.+}}] : memref<?xi8> to memref<?xi8>
// CHECK-NEXT: %[[A:.+]] = memref.view %arg2[%c0][%arg0] : memref<?xi8> to memref<?xf32>
// CHECK-NEXT: memref.copy %arg1, %[[A]]
// CHECK-NEXT: call @callee(%[[A]], %[[REST]])
func.func private @callee(%m: memref<?xf32>) {
  %c0 = arith.constant 0 : index
  %n = memref.dim %m, %c0 : memref<?xf32>
  %a = memref.alloc(%n) : memref<?xf32>
  memref.copy %m, %a : memref<?xf32> to memref<?xf32>
  memref.dealloc %a : memref<?xf32>
  return
}
func.func @caller(%n: index, %x: memref<?xf32>) {
  %a = memref.alloc(%n) : memref<?xf32>
  memref.copy %x, %a : memref<?xf32> to memref<?xf32>
  memref.dealloc %a : memref<?xf32>
  %b = memref.alloc(%n) : memref<?xf32>
  call @callee(%b) : (memref<?xf32>) -> ()
  memref.dealloc %b : memref<?xf32>
  return
}

// -----

// What a loop allocates has one place, found before the loop.
// CHECK-LABEL: func.func @looping(%arg0: index, %arg1: memref<?xi8>)
// CHECK: scf.for
// CHECK-NEXT: memref.view %arg1[%c0][%{{.+}}] : memref<?xi8> to memref<?xf64>
func.func private @fill(memref<?xf64>)
func.func @looping(%n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %i = %c0 to %n step %c1 {
    %twice = arith.addi %n, %n : index
    %a = memref.alloc(%twice) : memref<?xf64>
    func.call @fill(%a) : (memref<?xf64>) -> ()
    memref.dealloc %a : memref<?xf64>
  }
  return
}

// -----

// A buffer lives on in what a scope hands up: the next one does not take its place.
// CHECK-LABEL: func.func @handed_up(
// CHECK: memref.view %arg1[%c0][]
// CHECK: memref.view %arg1[%c64][]
func.func @handed_up(%x: memref<4xf32>) {
  %a = memref.alloc() : memref<4xf32>
  %same = memref.alloca_scope -> (memref<4xf32>) {
    memref.copy %x, %a : memref<4xf32> to memref<4xf32>
    memref.alloca_scope.return %a : memref<4xf32>
  }
  %b = memref.alloc() : memref<4xf32>
  memref.copy %x, %b : memref<4xf32> to memref<4xf32>
  memref.copy %same, %x : memref<4xf32> to memref<4xf32>
  return
}

// -----

// Whatever memory a view is of, a size function asks for its extents alone.
// CHECK-LABEL: func.func @asked.workspace(%arg0: index, %arg1: !llvm.ptr {catgrad.words = 2 : i64}, %arg2: memref<?xi8>)
// CHECK: %[[B:.+]] = memref.view %arg2[%{{.+}}][%arg0] : memref<?xi8> to memref<?xf32>
// CHECK-NEXT: call @worker.workspace(%[[B]], %arg2)
func.func private @worker(%m: memref<?xf32>) {
  %c0 = arith.constant 0 : index
  %n = memref.dim %m, %c0 : memref<?xf32>
  %a = memref.alloc(%n) : memref<?xf32>
  memref.copy %m, %a : memref<?xf32> to memref<?xf32>
  return
}
func.func private @memory(!llvm.ptr, index) -> memref<?xi8>
func.func @asked(%n: index, %arrays: !llvm.ptr {catgrad.words = 2 : i64}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %i = %c0 to %n step %c1 {
    %bytes = func.call @memory(%arrays, %i) : (!llvm.ptr, index) -> memref<?xi8>
    %x = memref.view %bytes[%i][%n] : memref<?xi8> to memref<?xf32>
    func.call @worker(%x) : (memref<?xf32>) -> ()
  }
  return
}
