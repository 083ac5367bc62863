// Every operation of the dialect is read, type-checked, and written as it was.

// RUN: %catgrad-opt %s --catgrad-verify | %filecheck %s
// RUN: %catgrad-opt %s | %catgrad-opt | %filecheck %s

!x = tensor<3x4xf32>
!p = tensor<3x4xi1>

// CHECK-LABEL: func.func @elementwise
func.func @elementwise(%x: !x, %y: !x, %i: tensor<2xi32>) {
  // CHECK: "catgrad.add"(%{{.*}}, %{{.*}}) : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x4xf32>
  %0 = "catgrad.add"(%x, %y) : (!x, !x) -> !x
  // CHECK: "catgrad.erf"(%{{.*}}) : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %1 = "catgrad.erf"(%x) : (!x) -> !x
  // CHECK: "catgrad.floor_divide"(%{{.*}}, %{{.*}}) : (tensor<2xi32>, tensor<2xi32>) -> tensor<2xi32>
  %2 = "catgrad.floor_divide"(%i, %i) : (tensor<2xi32>, tensor<2xi32>) -> tensor<2xi32>
  return
}

// CHECK-LABEL: func.func @logic
func.func @logic(%x: !x, %y: !x) {
  // CHECK: "catgrad.less"(%{{.*}}, %{{.*}}) : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x4xi1>
  %0 = "catgrad.less"(%x, %y) : (!x, !x) -> !p
  // CHECK: "catgrad.where"(%{{.*}}) : (tensor<3x4xi1>, tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x4xf32>
  %1 = "catgrad.where"(%0, %x, %y) : (!p, !x, !x) -> !x
  // The dtype of a cast is that of its result.
  // CHECK: "catgrad.cast"(%{{.*}}) : (tensor<3x4xf32>) -> tensor<3x4xbf16>
  %2 = "catgrad.cast"(%x) : (!x) -> tensor<3x4xbf16>
  return
}

// CHECK-LABEL: func.func @reductions
func.func @reductions(%x: !x) {
  // CHECK: "catgrad.sum"(%{{.*}}) {axes = array<i64: 0, 1>} : (tensor<3x4xf32>) -> tensor<f32>
  %0 = "catgrad.sum"(%x) {axes = array<i64: 0, 1>} : (!x) -> tensor<f32>
  // CHECK: "catgrad.argmax"(%{{.*}}) {axis = 1 : i64} : (tensor<3x4xf32>) -> tensor<3xi64>
  %1 = "catgrad.argmax"(%x) {axis = 1} : (!x) -> tensor<3xi64>
  return
}

// CHECK-LABEL: func.func @shapes
func.func @shapes(%x: !x) {
  // CHECK: "catgrad.reshape"(%{{.*}}) : (tensor<3x4xf32>) -> tensor<2x6xf32>
  %0 = "catgrad.reshape"(%x) : (!x) -> tensor<2x6xf32>
  // CHECK: "catgrad.permute_dims"(%{{.*}}) {axes = array<i64: 1, 0>} : (tensor<3x4xf32>) -> tensor<4x3xf32>
  %1 = "catgrad.permute_dims"(%x) {axes = array<i64: 1, 0>} : (!x) -> tensor<4x3xf32>
  // CHECK: "catgrad.broadcast_to"(%{{.*}}) : (tensor<3x4xf32>) -> tensor<2x3x4xf32>
  %2 = "catgrad.broadcast_to"(%x) : (!x) -> tensor<2x3x4xf32>
  // CHECK: "catgrad.contract"(%{{.*}}, %{{.*}}) {spec = "ik,jk->ij"} : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x3xf32>
  %3 = "catgrad.contract"(%x, %x) {spec = "ik,jk->ij"} : (!x, !x) -> tensor<3x3xf32>
  return
}

// CHECK-LABEL: func.func @symbols
// CHECK-SAME: %{{.*}}: index {catgrad.multiple_of = 8 : i64, catgrad.symbol = "B"}
// CHECK-SAME: tensor<?x4xf32, ["B", "4"]>
func.func @symbols(%B: index {catgrad.symbol = "B", catgrad.multiple_of = 8}, %x: tensor<?x4xf32, ["B", "4"]>) {
  // A fact about a symbol is used: B // 8 times 8 is B.
  // CHECK: -> tensor<?x8x4xf32, ["floordiv(B, 8)", "8", "4"]>
  %0 = "catgrad.reshape"(%x) : (tensor<?x4xf32, ["B", "4"]>) -> tensor<?x8x4xf32, ["floordiv(B, 8)", "8", "4"]>
  // CHECK: "catgrad.nat_to_tensor"() {value = "2*B + 1"} : () -> tensor<f32>
  %1 = "catgrad.nat_to_tensor"() {value = "2*B + 1"} : () -> tensor<f32>
  // CHECK: "catgrad.iota"() {axis = 0 : i64} : () -> tensor<?xi32, ["B"]>
  %2 = "catgrad.iota"() {axis = 0} : () -> tensor<?xi32, ["B"]>
  // CHECK: "catgrad.constant"() {value = dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32>} : () -> tensor<2xf32>
  %3 = "catgrad.constant"() {value = dense<[1.0, 2.0]> : tensor<2xf32>} : () -> tensor<2xf32>
  return
}
