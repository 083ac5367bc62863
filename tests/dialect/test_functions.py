"""Reading operations of the dialect."""

from mlir import ir

from catgrad.dialect import functions, new_context
from catgrad.types import f32

PROGRAM = """
!x = tensor<3x4xf32>
func.func @f(%x: !x, %y: !x) -> !x {
  %0 = "catgrad.add"(%x, %y) : (!x, !x) -> !x
  %1 = "catgrad.add"(%0, %y) : (!x, !x) -> !x
  %2 = "catgrad.sum"(%1) {axes = array<i64: 0>} : (!x) -> tensor<4xf32>
  %3 = "catgrad.sum"(%1) {axes = array<i64: 1>} : (!x) -> tensor<3xf32>
  %4 = "catgrad.broadcast_to"(%2) : (tensor<4xf32>) -> !x
  %5 = "catgrad.broadcast_to"(%2) : (tensor<4xf32>) -> tensor<4x4xf32>
  return %4 : !x
}
"""


def test_equal_operations_are_one_box():
    with new_context():
        module = ir.Module.parse(PROGRAM)
        (function,) = functions.functions(module.operation)
        reader = functions.Reader(functions.symbols(function))
        boxes = [reader.box(op) for op in functions.operations(function)[:-1]]
    assert boxes[0] is boxes[1]
    assert len(set(boxes)) == 5
    assert [box.operation.keywords.get("axes") for box in boxes[2:4]] == [(0,), (1,)]
    assert [box.result for box in boxes[4:]] == [f32[3, 4], f32[4, 4]]


def test_operations_come_with_what_is_inside_after_them():
    text = """func.func @f(%n: index) {
      scf.for %i = %n to %n step %n {
        "catgrad.constant"() {value = dense<1.0> : tensor<f32>} : () -> tensor<f32>
      }
      return
    }"""
    with new_context():
        module = ir.Module.parse(text)
        (function,) = functions.functions(module.operation)
        names = [op.operation.name for op in functions.operations(function)]
    assert names == ["scf.for", "catgrad.constant", "scf.yield", "func.return"]
