// Functions keep their symbols and lose the names of extents; calls pass the symbols on, and say where results go.

// RUN: %catgrad-opt %s --catgrad-to-linalg | %filecheck %s
// CHECK-NOT: catgrad.exp

!x = tensor<?x4xf32, ["B", "4"]>

// CHECK-LABEL: func.func @f
// CHECK-SAME: (%[[B:.*]]: index {catgrad.symbol = "B"}, %[[X:.*]]: tensor<?x4xf32>) -> tensor<?x4xf32>
func.func @f(%B: index {catgrad.symbol = "B"}, %x: !x) -> !x {
  // CHECK-NEXT: %[[E:.*]] = tensor.empty(%[[B]]) : tensor<?x4xf32>
  // CHECK-NEXT: %[[Y:.*]] = call @g(%[[B]], %[[X]], %[[E]]) {catgrad.destinations}
  // CHECK-NEXT: return %[[Y]]
  %0 = func.call @g(%B, %x) : (index, !x) -> !x
  %1 = "catgrad.stop_gradient"(%0) : (!x) -> !x
  return %1 : !x
}

// CHECK-LABEL: func.func private @g
// CHECK-SAME: %[[D:[a-z0-9]+]]: tensor<?x4xf32>) -> tensor<?x4xf32>
func.func private @g(%B: index {catgrad.symbol = "B"}, %x: !x) -> !x {
  // CHECK: %[[R:.+]] = linalg.generic
  // CHECK: %[[W:.+]] = bufferization.materialize_in_destination %[[R]] in %[[D]]
  // CHECK-NEXT: return %[[W]]
  %0 = "catgrad.exp"(%x) : (!x) -> !x
  return %0 : !x
}

// CHECK: func.func private @elsewhere(index {catgrad.symbol = "B"}, tensor<?x4xf32>)
func.func private @elsewhere(%B: index {catgrad.symbol = "B"}, %x: !x)

// A result is computed where it is written to, if that is there before the call.
// CHECK-LABEL: func.func @written
// CHECK: %[[D:.+]] = bufferization.to_tensor %{{.+}} restrict writable
// CHECK-NEXT: %[[R:.+]] = call @h(%{{.+}}, %[[D]]) {catgrad.destinations}
// CHECK-NEXT: materialize_in_destination %[[R]] in restrict writable
// CHECK: %[[P:.+]] = bufferization.to_tensor
// CHECK-NEXT: call @updated(%[[P]]) :
func.func @written(%x: tensor<4xf32>, %n: index, %room: memref<?xi8>) {
  %y = memref.view %room[%n][] : memref<?xi8> to memref<4xf32>
  %0 = func.call @h(%x) : (tensor<4xf32>) -> tensor<4xf32>
  bufferization.materialize_in_destination %0 in restrict writable %y : (tensor<4xf32>, memref<4xf32>) -> ()
  %p = bufferization.to_tensor %y restrict writable : memref<4xf32> to tensor<4xf32>
  %1 = func.call @updated(%p) : (tensor<4xf32>) -> tensor<4xf32>
  bufferization.materialize_in_destination %1 in restrict writable %y : (tensor<4xf32>, memref<4xf32>) -> ()
  return
}
func.func private @h(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}

// An argument that is donated is the destination.
// CHECK-LABEL: func.func private @updated
// CHECK-SAME: (%[[X:[a-z0-9]+]]: tensor<4xf32> {catgrad.donated = 0 : i64}) -> tensor<4xf32>
// CHECK: bufferization.materialize_in_destination %{{.+}} in %[[X]]
func.func private @updated(%x: tensor<4xf32> {catgrad.donated = 0 : i64}) -> tensor<4xf32> {
  %0 = "catgrad.exp"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
