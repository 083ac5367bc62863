// RUN: %catgrad-opt %s --catgrad-share-kernels --split-input-file | %filecheck %s

#id = affine_map<(d0) -> (d0)>

// The same computation on other buffers is a call; another constant is another computation.
// CHECK-LABEL: func.func @f
// CHECK-SAME: (%[[X:.+]]: memref<4xf32>, %[[Y:.+]]: memref<4xf32>)
// CHECK: call @kernel_0(%[[X]], %[[Y]])
// CHECK: call @kernel_0(%[[Y]], %[[X]])
// CHECK: linalg.generic
// CHECK-NOT: linalg.generic
// CHECK-LABEL: func.func private @kernel_0
// CHECK-SAME: (%[[IN:.+]]: memref<4xf32>, %[[OUT:.+]]: memref<4xf32>)
// CHECK-NEXT: %[[TWO:.+]] = arith.constant 2.000000e+00 : f32
// CHECK-NEXT: linalg.generic {{.*}} ins(%[[IN]] : memref<4xf32>) outs(%[[OUT]] : memref<4xf32>)
// CHECK: arith.mulf %{{.+}}, %[[TWO]]
func.func @f(%x: memref<4xf32>, %y: memref<4xf32>) {
  %two = arith.constant 2.0 : f32
  %three = arith.constant 3.0 : f32
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%x : memref<4xf32>) outs(%y : memref<4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.mulf %in, %two : f32
    linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%y : memref<4xf32>) outs(%x : memref<4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.mulf %in, %two : f32
    linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%y : memref<4xf32>) outs(%x : memref<4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.mulf %in, %three : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

// Launches of one kernel are calls as well.
// CHECK-LABEL: func.func @launches
// CHECK-SAME: (%[[X:.+]]: memref<4xf32>, %[[Y:.+]]: memref<4xf32>)
// CHECK: call @kernel_0(%[[X]])
// CHECK: call @kernel_0(%[[Y]])
// CHECK-LABEL: func.func private @kernel_0
// CHECK: gpu.launch_func @kernels::@twice
module attributes {gpu.container_module} {
  gpu.module @kernels {
    gpu.func @twice(%x: memref<4xf32>) kernel {
      gpu.return
    }
  }
  func.func @launches(%x: memref<4xf32>, %y: memref<4xf32>) {
    %one = arith.constant 1 : index
    gpu.launch_func @kernels::@twice blocks in (%one, %one, %one) threads in (%one, %one, %one) args(%x : memref<4xf32>)
    gpu.launch_func @kernels::@twice blocks in (%one, %one, %one) threads in (%one, %one, %one) args(%y : memref<4xf32>)
    return
  }
}
