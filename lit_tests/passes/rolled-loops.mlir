// RUN: %catgrad-opt %s --convert-scf-to-cf --convert-cf-to-llvm --catgrad-rolled-loops | %filecheck %s

// What a loop says of itself is said by the branch back, as LLVM reads it.
// CHECK: #[[ROLLED:.*]] = #llvm.loop_annotation<unroll = {{.*}}>
// CHECK: llvm.cond_br
// CHECK: llvm.br ^{{.*}} {loop_annotation = #[[ROLLED]]}
func.func @rolled(%n: index) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  scf.for %i = %zero to %n step %one {
  } {llvm.loop_annotation = #llvm.loop_annotation<unroll = <disable = true>>}
  return
}
