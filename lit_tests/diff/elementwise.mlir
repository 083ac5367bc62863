// The reverse maps of entrywise operations: what is saved, and what becomes of the cotangent.

// RUN: %catgrad-opt %s --catgrad-grad --catgrad-simplify | %filecheck %s

func.func @exp(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "catgrad.exp"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

func.func @sin(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "catgrad.sin"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

func.func @multiply(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "catgrad.multiply"(%x, %y) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

func.func @square(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "catgrad.multiply"(%x, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

func.func @floor(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "catgrad.floor"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

func.func @ignored(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "catgrad.stop_gradient"(%y) : (tensor<4xf32>) -> tensor<4xf32>
  %1 = "catgrad.subtract"(%x, %0) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// The result is used again.
// CHECK-LABEL: func.func @exp.vjp
// CHECK-NEXT:    %[[Y:.*]] = "catgrad.exp"(%arg0)
// CHECK-NEXT:    %[[DX:.*]] = "catgrad.multiply"(%[[Y]], %arg1)
// CHECK-NEXT:    return %[[Y]], %[[DX]]

// CHECK-LABEL: func.func @sin.vjp
// CHECK-DAG:     %[[Y:.*]] = "catgrad.sin"(%arg0)
// CHECK-DAG:     %[[C:.*]] = "catgrad.cos"(%arg0)
// CHECK:         %[[DX:.*]] = "catgrad.multiply"(%[[C]], %arg1)
// CHECK-NEXT:    return %[[Y]], %[[DX]]

// CHECK-LABEL: func.func @multiply.vjp
// CHECK-DAG:     %[[Z:.*]] = "catgrad.multiply"(%arg0, %arg1)
// CHECK-DAG:     %[[DX:.*]] = "catgrad.multiply"(%arg1, %arg2)
// CHECK-DAG:     %[[DY:.*]] = "catgrad.multiply"(%arg0, %arg2)
// CHECK-NEXT:    return %[[Z]], %[[DX]], %[[DY]]

// Using a value twice adds its cotangents.
// CHECK-LABEL: func.func @square.vjp
// CHECK-DAG:     %[[HALF:.*]] = "catgrad.multiply"(%arg0, %arg1)
// CHECK:         %[[DX:.*]] = "catgrad.add"(%[[HALF]], %[[HALF]])

// What is not differentiable has a zero cotangent, and so has what does not matter.
// CHECK-LABEL: func.func @floor.vjp
// CHECK:         %[[ZERO:.*]] = "catgrad.constant"() {value = dense<0.000000e+00> : tensor<f32>}
// CHECK:         %[[DX:.*]] = "catgrad.broadcast_to"(%[[ZERO]])
// CHECK:         return %{{.*}}, %[[DX]]

// CHECK-LABEL: func.func @ignored.vjp
// CHECK-NOT:     "catgrad.negative"
// CHECK:         %[[DY:.*]] = "catgrad.broadcast_to"
// CHECK:         return %{{.*}}, %arg2, %[[DY]]
