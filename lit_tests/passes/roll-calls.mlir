// RUN: %catgrad-opt %s --catgrad-roll-calls --split-input-file | %filecheck %s

// Calls that repeat become a loop over a table: words of the frame, and places inside. Two of these take turns; the first
// call reads what is given, and the last one writes the result.
// CHECK: memref.global "private" constant @chain.calls : memref<8x3xindex>
// CHECK-SAME: [0, 6, 64], [64, 9, 0], [0, 12, 64]
// CHECK-LABEL: func.func @chain(%arg0: !llvm.ptr {catgrad.words = 36 : i64})
// CHECK: %[[ROOM:.+]] = memref.alloc() : memref<128xi8>
// CHECK: call @layer
// CHECK: %[[TABLE:.+]] = memref.get_global @chain.calls
// CHECK: scf.for %[[I:.+]] = %{{.+}} to %c8
// CHECK-DAG: %[[X:.+]] = memref.load %[[TABLE]][%[[I]], %c0
// CHECK-DAG: %[[W:.+]] = memref.load %[[TABLE]][%[[I]], %c1
// CHECK-DAG: %[[Y:.+]] = memref.load %[[TABLE]][%[[I]], %c2
// CHECK: memref.view %[[ROOM]][%[[X]]]
// CHECK: %[[WORD:.+]] = arith.index_cast %[[W]]
// CHECK: llvm.getelementptr %arg0[%[[WORD]]]
// CHECK: %[[TO:.+]] = memref.view %[[ROOM]][%[[Y]]]
// CHECK: %[[MADE:.+]] = func.call @layer
// CHECK-NEXT: bufferization.materialize_in_destination %[[MADE]] in restrict writable %[[TO]]
// CHECK-NEXT: }
// CHECK: llvm.getelementptr %arg0[33]
// CHECK: call @layer
// CHECK-NOT: call
// CHECK: return
func.func @chain(%x: tensor<4x4xf32>,
    %w0: tensor<4x4xf32>, %w1: tensor<4x4xf32>, %w2: tensor<4x4xf32>, %w3: tensor<4x4xf32>,
    %w4: tensor<4x4xf32>, %w5: tensor<4x4xf32>, %w6: tensor<4x4xf32>, %w7: tensor<4x4xf32>,
    %w8: tensor<4x4xf32>, %w9: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %0 = call @layer(%x, %w0) : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %1 = call @layer(%0, %w1) : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %2 = call @layer(%1, %w2) : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %3 = call @layer(%2, %w3) : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %4 = call @layer(%3, %w4) : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %5 = call @layer(%4, %w5) : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %6 = call @layer(%5, %w6) : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %7 = call @layer(%6, %w7) : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %8 = call @layer(%7, %w8) : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %9 = call @layer(%8, %w9) : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  return %9 : tensor<4x4xf32>
}
func.func private @layer(%x: tensor<4x4xf32>, %w: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %0 = "catgrad.contract"(%x, %w) {spec = "ik,kj->ij"} : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  return %0 : tensor<4x4xf32>
}

// -----

// What does not repeat often enough stays.
// CHECK-LABEL: func.func @short
// CHECK-SAME: tensor<4x4xf32>
// CHECK-COUNT-4: call @layer
func.func @short(%x: tensor<4x4xf32>,
    %w0: tensor<4x4xf32>, %w1: tensor<4x4xf32>, %w2: tensor<4x4xf32>, %w3: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %0 = call @layer(%x, %w0) : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %1 = call @layer(%0, %w1) : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %2 = call @layer(%1, %w2) : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %3 = call @layer(%2, %w3) : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  return %3 : tensor<4x4xf32>
}
func.func private @layer(%x: tensor<4x4xf32>, %w: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %0 = "catgrad.contract"(%x, %w) {spec = "ik,kj->ij"} : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  return %0 : tensor<4x4xf32>
}

// -----

// Arrays of unknown size are slots in a block of their own, and a bool is an array like others. Of two results one takes
// over what is given, and the other one is what is given, and copied.
// CHECK: memref.global "private" constant @f.calls : memref<8x4xindex>
// CHECK-SAME: [0, 0, 64, 1], [1, 64, 0, 0]
// CHECK-LABEL: func.func @f(%arg0: index {catgrad.symbol = "B"}, %arg1: !llvm.ptr {catgrad.words = 7 : i64})
// CHECK: %[[SLOT:.+]] = arith.muli %{{.+}}, %{{.+}} overflow<nsw> : index
// CHECK-NEXT: %[[TWO:.+]] = arith.constant 2
// CHECK-NEXT: %[[SIZE:.+]] = arith.muli %[[SLOT]], %[[TWO]]
// CHECK-NEXT: %[[SLOTS:.+]] = memref.alloc(%[[SIZE]])
// CHECK: scf.for
// CHECK: %[[NUMBER:.+]] = memref.load
// CHECK: %[[AT:.+]] = arith.muli %[[NUMBER]], %[[SLOT]]
// CHECK: memref.view %[[SLOTS]][%[[AT]]][%arg0] : memref<?xi8> to memref<?x4xi1>
// CHECK: call @g(%arg0,
// CHECK: memref.copy
// CHECK: return
func.func @f(%B: index {catgrad.symbol = "B"}, %x: tensor<?x4xi1, ["B", "4"]>, %s: tensor<f32> {catgrad.donated = 0 : i64}) -> (tensor<f32>, tensor<?x4xi1, ["B","4"]>) {
  %0:2 = call @g(%B, %x, %s) : (index, tensor<?x4xi1, ["B", "4"]>, tensor<f32>) -> (tensor<f32>, tensor<?x4xi1, ["B", "4"]>)
  %1:2 = call @g(%B, %0#1, %0#0) : (index, tensor<?x4xi1, ["B", "4"]>, tensor<f32>) -> (tensor<f32>, tensor<?x4xi1, ["B", "4"]>)
  %2:2 = call @g(%B, %1#1, %1#0) : (index, tensor<?x4xi1, ["B", "4"]>, tensor<f32>) -> (tensor<f32>, tensor<?x4xi1, ["B", "4"]>)
  %3:2 = call @g(%B, %2#1, %2#0) : (index, tensor<?x4xi1, ["B", "4"]>, tensor<f32>) -> (tensor<f32>, tensor<?x4xi1, ["B", "4"]>)
  %4:2 = call @g(%B, %3#1, %3#0) : (index, tensor<?x4xi1, ["B", "4"]>, tensor<f32>) -> (tensor<f32>, tensor<?x4xi1, ["B", "4"]>)
  %5:2 = call @g(%B, %4#1, %4#0) : (index, tensor<?x4xi1, ["B", "4"]>, tensor<f32>) -> (tensor<f32>, tensor<?x4xi1, ["B", "4"]>)
  %6:2 = call @g(%B, %5#1, %5#0) : (index, tensor<?x4xi1, ["B", "4"]>, tensor<f32>) -> (tensor<f32>, tensor<?x4xi1, ["B", "4"]>)
  %7:2 = call @g(%B, %6#1, %6#0) : (index, tensor<?x4xi1, ["B", "4"]>, tensor<f32>) -> (tensor<f32>, tensor<?x4xi1, ["B", "4"]>)
  %8:2 = call @g(%B, %7#1, %7#0) : (index, tensor<?x4xi1, ["B", "4"]>, tensor<f32>) -> (tensor<f32>, tensor<?x4xi1, ["B", "4"]>)
  %9:2 = call @g(%B, %8#1, %8#0) : (index, tensor<?x4xi1, ["B", "4"]>, tensor<f32>) -> (tensor<f32>, tensor<?x4xi1, ["B", "4"]>)
  return %9#0, %x : tensor<f32>, tensor<?x4xi1, ["B", "4"]>
}
func.func private @g(%B: index {catgrad.symbol = "B"}, %x: tensor<?x4xi1, ["B", "4"]>, %s: tensor<f32>) -> (tensor<f32>, tensor<?x4xi1, ["B","4"]>) {
  %0 = "catgrad.logical_not"(%x) : (tensor<?x4xi1, ["B", "4"]>) -> tensor<?x4xi1, ["B", "4"]>
  %1 = "catgrad.exp"(%s) : (tensor<f32>) -> tensor<f32>
  return %1, %0 : tensor<f32>, tensor<?x4xi1, ["B", "4"]>
}

// -----

// An array that a call reads is given up to a result: a variant of the callee has them in one place.
// CHECK-LABEL: func.func @update
// CHECK: scf.for
// CHECK: bufferization.to_tensor %[[P:.+]] restrict writable
// CHECK-NEXT: bufferization.to_tensor
// CHECK-NEXT: %[[MADE:.+]] = func.call @rule.in_place
// CHECK-NEXT: materialize_in_destination %[[MADE]] in restrict writable %[[P]]
// CHECK: func.func private @rule.in_place(%arg0: tensor<4xf32> {catgrad.donated = 0 : i64}, %arg1: tensor<4xf32>)
// CHECK: func.func private @rule(
func.func @update(%g: tensor<4xf32>,
    %p0: tensor<4xf32> {catgrad.donated = 0 : i64}, %p1: tensor<4xf32> {catgrad.donated = 1 : i64},
    %p2: tensor<4xf32> {catgrad.donated = 2 : i64}, %p3: tensor<4xf32> {catgrad.donated = 3 : i64},
    %p4: tensor<4xf32> {catgrad.donated = 4 : i64}, %p5: tensor<4xf32> {catgrad.donated = 5 : i64},
    %p6: tensor<4xf32> {catgrad.donated = 6 : i64}, %p7: tensor<4xf32> {catgrad.donated = 7 : i64})
    -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %0 = call @rule(%p0, %g) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %1 = call @rule(%p1, %g) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %2 = call @rule(%p2, %g) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %3 = call @rule(%p3, %g) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %4 = call @rule(%p4, %g) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %5 = call @rule(%p5, %g) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %6 = call @rule(%p6, %g) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %7 = call @rule(%p7, %g) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0, %1, %2, %3, %4, %5, %6, %7 :
    tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}
func.func private @rule(%p: tensor<4xf32>, %g: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "catgrad.subtract"(%p, %g) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// Results that go where others still are: nothing changes.
// CHECK-LABEL: func.func @swap(%arg0: tensor<4xf32> {catgrad.donated = 1 : i64}
// CHECK-COUNT-8: call @rule
func.func @swap(%a: tensor<4xf32> {catgrad.donated = 1 : i64}, %b: tensor<4xf32> {catgrad.donated = 0 : i64})
    -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %0 = call @rule(%a, %b) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %1 = call @rule(%0, %b) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %2 = call @rule(%1, %b) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %3 = call @rule(%2, %b) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %4 = call @rule(%3, %b) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %5 = call @rule(%4, %b) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %6 = call @rule(%5, %b) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %7 = call @rule(%6, %b) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %a, %b, %7 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}
func.func private @rule(%p: tensor<4xf32>, %g: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "catgrad.subtract"(%p, %g) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// Names that are taken are not taken again.
// CHECK: memref.global "private" constant @f.calls1
// CHECK-LABEL: func.func @f(%arg0: !llvm.ptr
func.func @f(%x: tensor<4x4xf32>, %w: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %0 = call @layer(%x, %w) : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %1 = call @layer(%0, %w) : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %2 = call @layer(%1, %w) : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %3 = call @layer(%2, %w) : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %4 = call @layer(%3, %w) : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %5 = call @layer(%4, %w) : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %6 = call @layer(%5, %w) : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %7 = call @layer(%6, %w) : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %8 = call @layer(%7, %w) : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %9 = call @layer(%8, %w) : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  return %9 : tensor<4x4xf32>
}
func.func private @f.calls() {
  return
}
func.func private @layer(%x: tensor<4x4xf32>, %w: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %0 = "catgrad.contract"(%x, %w) {spec = "ik,kj->ij"} : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  return %0 : tensor<4x4xf32>
}

// -----

// A function that something refers to keeps its type.
// CHECK-LABEL: func.func @f(%arg0: tensor<4x4xf32>
func.func @f(%x: tensor<4x4xf32>, %w: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %0 = call @layer(%x, %w) : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %1 = call @layer(%0, %w) : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %2 = call @layer(%1, %w) : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %3 = call @layer(%2, %w) : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %4 = call @layer(%3, %w) : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %5 = call @layer(%4, %w) : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %6 = call @layer(%5, %w) : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %7 = call @layer(%6, %w) : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %8 = call @layer(%7, %w) : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %9 = call @layer(%8, %w) : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  return %9 : tensor<4x4xf32>
}
func.func private @user() {
  %f = func.constant @f : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  return
}
func.func private @layer(%x: tensor<4x4xf32>, %w: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %0 = "catgrad.contract"(%x, %w) {spec = "ik,kj->ij"} : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  return %0 : tensor<4x4xf32>
}
