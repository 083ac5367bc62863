// The dialect of catgrad is known, and its operations are type-checked as soon as they are read.

// RUN: %catgrad-opt %s --split-input-file --verify-diagnostics | %filecheck %s
// CHECK: "catgrad.exp"(%{{.*}}) : (tensor<4xf32>) -> tensor<4xf32>

func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "catgrad.exp"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @shapes(%x: tensor<4xf32>) -> tensor<5xf32> {
  // expected-error@below {{exp: expected f32[4], the IR says f32[5]}}
  %0 = "catgrad.exp"(%x) : (tensor<4xf32>) -> tensor<5xf32>
  return %0 : tensor<5xf32>
}

// -----

func.func @unknown(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error@below {{unregistered operation 'catgrad.expp' found in dialect ('catgrad')}}
  %0 = "catgrad.expp"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @custom(%x: tensor<4xf32>) {
  // expected-error@below {{cannot be parsed; operations of catgrad have the generic form}}
  %0 = catgrad.exp %x : tensor<4xf32>
  return
}

// -----

// Our pipelines are named.
// RUN: %catgrad-opt --help | %filecheck %s --check-prefix=HELP
// HELP: --catgrad-to-linalg
// HELP: pipelines of catgrad:
// HELP: --catgrad-cpu-pipeline

func.func @empty() { return }
