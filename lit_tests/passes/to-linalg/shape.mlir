// Moving values is an index map; a reshape regroups axes.

// RUN: %catgrad-opt %s --catgrad-to-linalg | %filecheck %s

// CHECK-DAG: #[[COLUMN:.*]] = affine_map<(d0, d1) -> (d0, 0)>
// CHECK-DAG: #[[SWAP:.*]] = affine_map<(d0, d1) -> (d1, d0)>

// CHECK-LABEL: func.func @broadcast_to
// CHECK: linalg.generic {indexing_maps = [#[[COLUMN]], #{{.*}}]
func.func @broadcast_to(%x: tensor<3x1xf32>) -> tensor<3x4xf32> {
  %0 = "catgrad.broadcast_to"(%x) : (tensor<3x1xf32>) -> tensor<3x4xf32>
  return %0 : tensor<3x4xf32>
}

// CHECK-LABEL: func.func @permute_dims
// CHECK: linalg.generic {indexing_maps = [#[[SWAP]], #{{.*}}]
func.func @permute_dims(%x: tensor<3x4xf32>) -> tensor<4x3xf32> {
  %0 = "catgrad.permute_dims"(%x) {axes = array<i64: 1, 0>} : (tensor<3x4xf32>) -> tensor<4x3xf32>
  return %0 : tensor<4x3xf32>
}

// CHECK-LABEL: func.func @reshape
func.func @reshape(%x: tensor<3x4x5xf32>) -> tensor<2x6x5x1xf32> {
  // CHECK: %[[FLAT:.*]] = tensor.collapse_shape %{{.*}} {{\[}}[0, 1], [2]] : tensor<3x4x5xf32> into tensor<12x5xf32>
  // CHECK: tensor.expand_shape %[[FLAT]] {{\[}}[0, 1], [2, 3]] output_shape [2, 6, 5, 1]
  %0 = "catgrad.reshape"(%x) : (tensor<3x4x5xf32>) -> tensor<2x6x5x1xf32>
  return %0 : tensor<2x6x5x1xf32>
}

// CHECK-LABEL: func.func @split
// CHECK-SAME: (%[[B:.*]]: index {catgrad.symbol = "B"}, %[[X:.*]]: tensor<?xf32>)
func.func @split(%B: index {catgrad.symbol = "B"}, %x: tensor<?xf32, ["2*B"]>) -> tensor<2x?xf32, ["2", "B"]> {
  // CHECK: tensor.expand_shape %[[X]] {{\[}}[0, 1]] output_shape [2, %[[B]]] : tensor<?xf32> into tensor<2x?xf32>
  %0 = "catgrad.reshape"(%x) : (tensor<?xf32, ["2*B"]>) -> tensor<2x?xf32, ["2", "B"]>
  return %0 : tensor<2x?xf32, ["2", "B"]>
}

// CHECK-LABEL: func.func @exchange
// CHECK: tensor.reshape %{{.*}}(%{{.*}}) : (tensor<?x?xf32>, tensor<2xindex>) -> tensor<?x?xf32>
func.func @exchange(%B: index {catgrad.symbol = "B"}, %S: index {catgrad.symbol = "S"},
                    %x: tensor<?x?xf32, ["B", "S"]>) -> tensor<?x?xf32, ["S", "B"]> {
  %0 = "catgrad.reshape"(%x) : (tensor<?x?xf32, ["B", "S"]>) -> tensor<?x?xf32, ["S", "B"]>
  return %0 : tensor<?x?xf32, ["S", "B"]>
}

// CHECK-LABEL: func.func @empty
// CHECK: tensor.empty() : tensor<3x0xf32>
func.func @empty(%x: tensor<0x3xf32>) -> tensor<3x0xf32> {
  %0 = "catgrad.reshape"(%x) : (tensor<0x3xf32>) -> tensor<3x0xf32>
  return %0 : tensor<3x0xf32>
}
