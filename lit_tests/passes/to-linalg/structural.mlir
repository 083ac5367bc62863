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
