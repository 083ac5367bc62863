// Types are checked by the rules of the operation table; the error stands at the operation.

// RUN: %catgrad-opt %s --catgrad-verify --split-input-file --verify-diagnostics

func.func @extent(%B: index {catgrad.symbol = "B"}, %x: tensor<?x4xf32, ["B", "4"]>, %w: tensor<4x10xf32>) {
  // expected-error@below {{contract: expected f32[B, 10], the IR says f32[B, 11]}}
  %0 = "catgrad.contract"(%x, %w) {spec = "bk,kn->bn"}
    : (tensor<?x4xf32, ["B", "4"]>, tensor<4x10xf32>) -> tensor<?x11xf32, ["B", "11"]>
  return
}

// -----

func.func @dtypes(%x: tensor<4xf32>, %y: tensor<4xf64>) {
  // expected-error@below {{add needs operands of one dtype; x is f32[4], y is f64[4]: use cg.cast}}
  %0 = "catgrad.add"(%x, %y) : (tensor<4xf32>, tensor<4xf64>) -> tensor<4xf32>
  return
}

// -----

func.func @axes(%x: tensor<4xf32>) {
  // expected-error@below {{sum: (1,) are not increasing axes of f32[4]}}
  %0 = "catgrad.sum"(%x) {axes = array<i64: 1>} : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @constant() {
  // expected-error@below {{a constant f32[3] has elements of the type f32[3], not tensor<2xf32>}}
  %0 = "catgrad.constant"() {value = dense<1.0> : tensor<2xf32>} : () -> tensor<3xf32>
  return
}

// -----

func.func @width_of_axes(%x: tensor<4xf32>) {
  // expected-error@below {{the attribute axes is not of the kind ints}}
  %0 = "catgrad.sum"(%x) {axes = array<i32: 0>} : (tensor<4xf32>) -> tensor<f32>
  return
}

// -----

func.func @element_type(%x: tensor<4xi8>) {
  // expected-error@below {{tensor<4xi8> has an element type that catgrad does not know}}
  %0 = "catgrad.negative"(%x) : (tensor<4xi8>) -> tensor<4xi8>
  return
}

// -----

func.func @unnamed_extent(%x: tensor<?xf32>) {
  // expected-error@below {{a dynamic extent needs a name: write tensor<?x4xf32, ["B", "4"]>}}
  %0 = "catgrad.exp"(%x) : (tensor<?xf32>) -> tensor<?xf32>
  return
}

// -----

// expected-error@below {{the symbol B is not bound: the function needs an index argument {catgrad.symbol = "B"}}}
func.func @unbound(%x: tensor<?xf32, ["B"]>) {
  return
}

// -----

func.func @unbound_attribute() {
  // expected-error@below {{the symbol B is not bound}}
  %0 = "catgrad.nat_to_tensor"() {value = "B"} : () -> tensor<f32>
  return
}

// -----

// expected-error@below {{the symbol B needs one index argument before those that are no symbols}}
func.func @late_symbol(%x: tensor<4xf32>, %B: index {catgrad.symbol = "B"}) {
  return
}

// -----

// expected-error@below {{the symbol B needs one index argument before those that are no symbols}}
func.func @symbol_of_another_type(%B: i32 {catgrad.symbol = "B"}) {
  return
}

// -----

func.func private @callee(%B: index {catgrad.symbol = "B"}, %x: tensor<?xf32, ["B"]>)

func.func @call(%B: index {catgrad.symbol = "B"}, %C: index {catgrad.symbol = "C"}, %x: tensor<?xf32, ["B"]>) {
  func.call @callee(%B, %x) : (index, tensor<?xf32, ["B"]>) -> ()
  // expected-error@below {{@callee takes the symbol B here: pass the index argument of the same symbol}}
  func.call @callee(%C, %x) : (index, tensor<?xf32, ["B"]>) -> ()
  return
}

// -----

func.func private @callee(%B: index {catgrad.symbol = "B", catgrad.multiple_of = 8}, %x: tensor<?xf32, ["B"]>)

func.func @call_without_the_fact(%B: index {catgrad.symbol = "B"}, %x: tensor<?xf32, ["B"]>) {
  // expected-error@below {{@callee takes the symbol B here}}
  func.call @callee(%B, %x) : (index, tensor<?xf32, ["B"]>) -> ()
  return
}

// -----

// A fact that the function does not declare cannot be used.
func.func @missing_fact(%B: index {catgrad.symbol = "B"}, %x: tensor<?xf32, ["B"]>) {
  // expected-error@below {{reshape: f32[B] has B elements, f32[floordiv(B, 8), 8] has 8*floordiv(B, 8)}}
  %0 = "catgrad.reshape"(%x) : (tensor<?xf32, ["B"]>) -> tensor<?x8xf32, ["floordiv(B, 8)", "8"]>
  return
}

// -----

// expected-error@below {{the encoding says 4 where the type says 3}}
func.func @encoding(%B: index {catgrad.symbol = "B"}, %x: tensor<?x3xf32, ["B", "4"]>) {
  return
}

// -----

// expected-error@below {{{catgrad.symbol = 3 : i64} describes no symbol: a name is a string, a fact an integer}}
func.func @name_of_symbol(%B: index {catgrad.symbol = 3}) {
  return
}

// -----

func.func private @f(%x: tensor<3xf32>) -> tensor<3xf32> {
  // expected-error@below {{@f calls itself: a term is finite}}
  %0 = func.call @f(%x) : (tensor<3xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// -----

func.func private @g(%x: tensor<3xf32>) -> tensor<3xf32> {
  %0 = func.call @h(%x) : (tensor<3xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

func.func private @h(%x: tensor<3xf32>) -> tensor<3xf32> {
  // expected-error@below {{@g calls itself: a term is finite}}
  %0 = func.call @g(%x) : (tensor<3xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}
