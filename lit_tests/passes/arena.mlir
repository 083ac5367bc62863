// RUN: %catgrad-opt %s --catgrad-arena | %filecheck %s

// Two buffers alive at once lie side by side; the third takes the place of the first. So little is on the stack.
// CHECK-LABEL: func.func @chain
// CHECK-NEXT: %[[ARENA:.+]] = memref.alloca() {alignment = 64 : i64} : memref<128xi8>
// CHECK-NEXT: %[[C0:.+]] = arith.constant 0 : index
// CHECK-NEXT: %[[A:.+]] = memref.view %[[ARENA]][%[[C0]]][] : memref<128xi8> to memref<4xf32>
// CHECK-NEXT: call @use(%[[A]], %[[A]])
// CHECK-NEXT: %[[C64:.+]] = arith.constant 64 : index
// CHECK-NEXT: %[[B:.+]] = memref.view %[[ARENA]][%[[C64]]][] : memref<128xi8> to memref<4xf32>
// CHECK-NEXT: call @use(%[[A]], %[[B]])
// CHECK-NEXT: %[[C0B:.+]] = arith.constant 0 : index
// CHECK-NEXT: %[[C:.+]] = memref.view %[[ARENA]][%[[C0B]]][] : memref<128xi8> to memref<2xf64>
// CHECK-NEXT: memref.store %{{.+}}, %[[C]]
// CHECK-NEXT: return
func.func private @use(memref<4xf32>, memref<4xf32>)
func.func @chain(%x: f64, %i: index) {
  %a = memref.alloc() : memref<4xf32>
  call @use(%a, %a) : (memref<4xf32>, memref<4xf32>) -> ()
  %b = memref.alloc() : memref<4xf32>
  call @use(%a, %b) : (memref<4xf32>, memref<4xf32>) -> ()
  memref.dealloc %a : memref<4xf32>
  %c = memref.alloc() : memref<2xf64>
  memref.store %x, %c[%i] : memref<2xf64>
  memref.dealloc %b : memref<4xf32>
  memref.dealloc %c : memref<2xf64>
  return
}

// More than a few kilobytes come from the heap.
// CHECK-LABEL: func.func @large
// CHECK-NEXT: %[[HEAP:.+]] = memref.alloc() {alignment = 64 : i64} : memref<8256xi8>
// CHECK: memref.view %[[HEAP]]
// CHECK: memref.view %[[HEAP]]
// CHECK: memref.dealloc %[[HEAP]] : memref<8256xi8>
// CHECK-NEXT: return
func.func @large(%x: f64, %i: index) {
  %a = memref.alloc() : memref<1024xf64>
  %b = memref.alloc() : memref<4xf64>
  memref.store %x, %a[%i] : memref<1024xf64>
  memref.store %x, %b[%i] : memref<4xf64>
  memref.dealloc %a : memref<1024xf64>
  memref.dealloc %b : memref<4xf64>
  return
}

// A buffer of dynamic size, one that is never freed here, and a single large one stay as they are.
// CHECK-LABEL: func.func @kept
// CHECK: memref.alloc(%{{.+}}) : memref<?xf32>
// CHECK-NEXT: memref.alloc() : memref<8xf32>
// CHECK-NEXT: memref.alloc() : memref<4096xf32>
// CHECK-NOT: memref.view
func.func @kept(%n: index) -> memref<8xf32> {
  %a = memref.alloc(%n) : memref<?xf32>
  %b = memref.alloc() : memref<8xf32>
  %c = memref.alloc() : memref<4096xf32>
  memref.dealloc %a : memref<?xf32>
  memref.dealloc %c : memref<4096xf32>
  return %b : memref<8xf32>
}
