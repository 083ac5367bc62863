// The derivative of f : A -> B is f.vjp : A, cotangents of B -> B, cotangents of A. A definition becomes two.

// RUN: %catgrad-opt %s --catgrad-grad | %filecheck %s
// RUN: %catgrad-opt %s --catgrad-grad | %catgrad-opt - --catgrad-verify | %filecheck %s
// RUN: %catgrad-opt %s --catgrad-grad=function=linear | %filecheck %s --check-prefix=ONE
// RUN: not %catgrad-opt %s --catgrad-grad=function=missing 2>&1 | %filecheck %s --check-prefix=MISSING
// RUN: not %catgrad-opt %s --catgrad-grad=function=layer 2>&1 | %filecheck %s --check-prefix=PRIVATE

// ONE-NOT: @twice.vjp
// ONE:     @linear.vjp
// ONE-NOT: @twice.vjp

// MISSING: error: there is no public function missing to differentiate
// PRIVATE: error: there is no public function layer to differentiate

// CHECK: func.func @twice(
func.func @twice(%x: tensor<4xf32>) -> tensor<f32> {
  %0 = call @layer(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %1 = call @layer(%0) : (tensor<4xf32>) -> tensor<4xf32>
  %2 = "catgrad.sum"(%1) {axes = array<i64: 0>} : (tensor<4xf32>) -> tensor<f32>
  return %2 : tensor<f32>
}

func.func private @layer(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "catgrad.tanh"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

func.func @linear(%B: index {catgrad.symbol = "B"}, %x: tensor<?x4xf32, ["B", "4"]>, %k: tensor<i64>)
    -> (tensor<?x4xf32, ["B", "4"]>, tensor<i64>) {
  %0 = "catgrad.negative"(%x) : (tensor<?x4xf32, ["B", "4"]>) -> tensor<?x4xf32, ["B", "4"]>
  return %0, %k : tensor<?x4xf32, ["B", "4"]>, tensor<i64>
}

// CHECK:      func.func @linear(
// CHECK:      func.func @twice.vjp(%[[X:.*]]: tensor<4xf32> {{.*}}, %[[D:.*]]: tensor<f32> {catgrad.name = "cotangents[0]"})
// CHECK-SAME:     -> (tensor<f32>, tensor<4xf32>)
// CHECK-DAG:    %[[F1:.*]]:2 = call @layer.fwd(%[[X]])
// CHECK-DAG:    %[[F2:.*]]:2 = call @layer.fwd(%[[F1]]#0)
// CHECK-DAG:    %[[Y:.*]] = "catgrad.sum"(%[[F2]]#0)
// CHECK-DAG:    %[[R2:.*]] = call @layer.rev(%[[F2]]#1, %{{.*}})
// CHECK-DAG:    %[[R1:.*]] = call @layer.rev(%[[F1]]#1, %[[R2]])
// CHECK:        return %[[Y]], %[[R1]]

// Integers have no cotangents.
// CHECK:      func.func @linear.vjp(%arg0: index {catgrad.symbol = "B"}, %arg1: tensor<?x4xf32, ["B", "4"]>
// CHECK-SAME:     %arg2: tensor<i64> {{.*}}, %arg3: tensor<?x4xf32, ["B", "4"]>
// CHECK-NEXT:   %[[Y:.*]] = "catgrad.negative"(%arg1)
// CHECK-NEXT:   %[[DX:.*]] = "catgrad.negative"(%arg3)
// CHECK-NEXT:   return %[[Y]], %arg2, %[[DX]]

// CHECK:      func.func private @layer.rev(
// CHECK:      func.func private @layer.fwd(
// CHECK-NOT:  @layer.{{.*}}(%arg0: tensor
