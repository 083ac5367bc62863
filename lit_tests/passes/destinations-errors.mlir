// RUN: %catgrad-opt %s --split-input-file --verify-diagnostics --catgrad-destinations

// expected-error@below {{an entry has one block and returns tensors}}
func.func @scalar(%c: i1, %x: tensor<3xf32>) -> i1 {
  return %c : i1
}

// -----

func.func @entry(%x: tensor<3xf32>) -> tensor<3xf32> {
  return %x : tensor<3xf32>
}
func.func @caller(%x: tensor<3xf32>) -> tensor<3xf32> {
  // expected-error@below {{@entry is public: only private functions are called}}
  %0 = func.call @entry(%x) : (tensor<3xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// -----

// expected-error@below {{argument 0 is donated to "first", which is no number of a result}}
func.func @donated(%x: tensor<3xf32> {catgrad.donated = "first"}) -> tensor<3xf32> {
  return %x : tensor<3xf32>
}
