// RUN: %catgrad-opt %s --catgrad-destinations | %filecheck %s

// A result becomes a memref argument after the inputs; a private function keeps its tensors.
// CHECK-LABEL: func.func @plain
// CHECK-SAME: (%[[X:.+]]: memref<4xf32>, %[[OUT:.+]]: memref<4xf32>)
// CHECK-NEXT: %[[T:.+]] = bufferization.to_tensor %[[X]] restrict : memref<4xf32> to tensor<4xf32>
// CHECK: %[[R:.+]] = call @inner(%[[T]])
// CHECK: bufferization.materialize_in_destination %[[R]] in restrict writable %[[OUT]]
// CHECK: return{{$}}
func.func @plain(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = call @inner(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: func.func private @inner(%{{.+}}: tensor<4xf32>) -> tensor<4xf32>
func.func private @inner(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}

// A donated argument is the destination of its result.
// CHECK-LABEL: func.func @donated
// CHECK-SAME: (%[[S:.+]]: memref<4xf32>{{.*}}, %[[G:.+]]: memref<4xf32>)
// CHECK: bufferization.to_tensor %[[S]] restrict writable
// CHECK: bufferization.materialize_in_destination %{{.+}} in restrict writable %[[S]]
func.func @donated(%s: tensor<4xf32> {catgrad.donated = 0 : i64}, %g: tensor<4xf32>) -> tensor<4xf32> {
  %0 = linalg.add ins(%s, %g : tensor<4xf32>, tensor<4xf32>) outs(%s : tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// What a private function returns twice is computed in one destination, and copied from there.
// CHECK-LABEL: func.func private @twice
// CHECK-SAME: %[[D:[a-z0-9]+]]: tensor<4xf32>, %[[E:[a-z0-9]+]]: tensor<4xf32>)
// CHECK: %[[R:.+]] = linalg.exp ins(%{{.+}}) outs(%[[D]]
// CHECK-NEXT: %[[FIRST:.+]] = bufferization.materialize_in_destination %[[R]] in %[[D]]
// CHECK-NEXT: %[[SECOND:.+]] = bufferization.materialize_in_destination %[[FIRST]] in %[[E]]
// CHECK-NEXT: return %[[FIRST]], %[[SECOND]]
func.func private @twice(%x: tensor<4xf32>, %d: tensor<4xf32>, %e: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0 = tensor.empty() : tensor<4xf32>
  %1 = linalg.exp ins(%x : tensor<4xf32>) outs(%0 : tensor<4xf32>) -> tensor<4xf32>
  %2 = bufferization.materialize_in_destination %1 in %d : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %3 = bufferization.materialize_in_destination %1 in %e : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %2, %3 : tensor<4xf32>, tensor<4xf32>
}
