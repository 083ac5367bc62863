// Errors, warnings, remarks and notes are compared with comments.

// RUN: %catgrad-opt %s --split-input-file --verify-diagnostics --load-pass-plugin=%S/Inputs/passes.py \
// RUN:   --test-reject="operation=arith.mulf" --transform-interpreter | %filecheck %s

// What did not fail is printed.
// CHECK:     func.func @accepted
// CHECK-NOT: func.func @rejected

func.func @accepted() {
  return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op) {
    transform.yield
  }
}

// -----

func.func @rejected(%a: f32) -> f32 {
  // expected-error@+1 {{arith.mulf is rejected}}
  %0 = arith.mulf %a, %a : f32
  return %0 : f32
}

// -----

func.func @rejected(%a: f32) -> f32 {
  // expected-error-re @below {{arith.{{m[a-z]+}} is re{{(jec|spec)}}ted}}
  %0 = arith.mulf %a, %a : f32
  return %0 : f32
}

// -----

func.func @rejected(%a: f32) {
  %0 = arith.addf %a, %a : f32 // expected-note {{prior use here}}
  return %0 : i32
  // expected-error @above {{use of value '%0' expects different type than prior uses: 'i32' vs 'f32'}}
}

// -----

module @rejected {
  %0 = "arith.addf"() : () -> f32
  // expected-error@-1 {{expected 2 operands, but found 0}}
}

// -----

// expected-error@unknown {{could not find a nested named sequence with name: __transform_main}}
{-#
  external_resources: {
    // expected-warning@below {{ignoring unknown external resources for 'elsewhere'}}
    elsewhere: { key: true }
  }
#-}

// -----

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op) {
    %functions = transform.structured.match ops{["func.func"]} in %root : (!transform.any_op) -> !transform.any_op
    transform.debug.emit_remark_at %functions, "a function" : !transform.any_op
    transform.yield
  }
  // expected-remark@below {{a function}}
  func.func private @accepted()
}
