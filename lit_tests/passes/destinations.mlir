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
