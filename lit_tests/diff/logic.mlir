// Selection routes the cotangent; conversions pass it between floats and stop it at integers.

// RUN: %catgrad-opt %s --catgrad-grad --catgrad-simplify | %filecheck %s

func.func @where(%m: tensor<4xi1>, %x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "catgrad.where"(%m, %x, %y) : (tensor<4xi1>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

func.func @narrow(%x: tensor<4xf32>) -> tensor<4xbf16> {
  %0 = "catgrad.cast"(%x) : (tensor<4xf32>) -> tensor<4xbf16>
  return %0 : tensor<4xbf16>
}

func.func @through(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "catgrad.cast"(%x) : (tensor<4xf32>) -> tensor<4xi32>
  %1 = "catgrad.cast"(%0) : (tensor<4xi32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// CHECK-LABEL: func.func @where.vjp
// CHECK-DAG:     %[[Z:.*]] = "catgrad.where"(%arg0, %arg1, %arg2)
// CHECK-DAG:     %[[DX:.*]] = "catgrad.where"(%arg0, %arg3, %[[ZERO:.*]]) :
// CHECK-DAG:     %[[DY:.*]] = "catgrad.where"(%arg0, %[[ZERO]], %arg3) :
// CHECK:         return %[[Z]], %[[DX]], %[[DY]]

// CHECK-LABEL: func.func @narrow.vjp
// CHECK-DAG:     "catgrad.cast"(%arg0) : (tensor<4xf32>) -> tensor<4xbf16>
// CHECK-DAG:     "catgrad.cast"(%arg1) : (tensor<4xbf16>) -> tensor<4xf32>

// CHECK-LABEL: func.func @through.vjp
// CHECK-NOT:     "catgrad.cast"(%arg1)
// CHECK:         return
