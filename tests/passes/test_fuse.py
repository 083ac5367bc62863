"""Fusion: how many generics remain, and that they compute what was written."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lowered import call
from mlir import ir
from mlir.passmanager import PassManager

from catgrad.dialect import new_context
from catgrad.passes import runner
from catgrad.passes.destinations import Destinations
from catgrad.passes.fuse import FuseElementwise
from catgrad.passes.partition import Partition
from catgrad.passes.pipelines import stages
from catgrad.passes.to_linalg import ToLinalg
from catgrad.runtime.engine import jit

BUFFERIZE = """builtin.module(
  one-shot-bufferize{bufferize-function-boundaries=true function-boundary-type-conversion=identity-layout-map},
  canonicalize, cse
)"""

ALIASES = """
!x = tensor<3x4xf32>
!row = tensor<3xf32>
!column = tensor<3x1xf32>
!scalar = tensor<f32>
"""

ADAM = """
func.func @f(%p: !x {catgrad.donated = 0}, %m: !x {catgrad.donated = 1}, %v: !x {catgrad.donated = 2}, %g: !x)
    -> (!x, !x, !x) {
  %0 = "catgrad.constant"() {value = dense<0.75> : !scalar} : () -> !scalar
  %decay = "catgrad.broadcast_to"(%0) : (!scalar) -> !x
  %1 = "catgrad.multiply"(%decay, %m) : (!x, !x) -> !x
  %m1 = "catgrad.add"(%1, %g) : (!x, !x) -> !x
  %2 = "catgrad.multiply"(%decay, %v) : (!x, !x) -> !x
  %3 = "catgrad.multiply"(%g, %g) : (!x, !x) -> !x
  %v1 = "catgrad.add"(%2, %3) : (!x, !x) -> !x
  %4 = "catgrad.sqrt"(%v1) : (!x) -> !x
  %5 = "catgrad.divide"(%m1, %4) : (!x, !x) -> !x
  %p1 = "catgrad.subtract"(%p, %5) : (!x, !x) -> !x
  return %p1, %m1, %v1 : !x, !x, !x
}
"""

SOFTMAX = """
func.func @f(%x: !x) -> !x {
  %0 = "catgrad.max"(%x) {axes = array<i64: 1>} : (!x) -> !row
  %1 = "catgrad.reshape"(%0) : (!row) -> !column
  %2 = "catgrad.broadcast_to"(%1) : (!column) -> !x
  %3 = "catgrad.subtract"(%x, %2) : (!x, !x) -> !x
  %e = "catgrad.exp"(%3) : (!x) -> !x
  %4 = "catgrad.sum"(%e) {axes = array<i64: 1>} : (!x) -> !row
  %5 = "catgrad.reshape"(%4) : (!row) -> !column
  %6 = "catgrad.broadcast_to"(%5) : (!column) -> !x
  %7 = "catgrad.divide"(%e, %6) : (!x, !x) -> !x
  return %7 : !x
}
"""

SUM_OF_SQUARES = """
func.func @f(%x: !x) -> (!x, !scalar) {
  %0 = "catgrad.sqrt"(%x) : (!x) -> !x
  %1 = "catgrad.multiply"(%0, %0) : (!x, !x) -> !x
  %2 = "catgrad.negative"(%1) : (!x) -> !x
  %3 = "catgrad.sum"(%2) {axes = array<i64: 0, 1>} : (!x) -> !scalar
  return %0, %3 : !x, !scalar
}
"""

SUM_OF_POSITIONS = """
func.func @f() -> !row {
  %0 = "catgrad.iota"() {axis = 1} : () -> !x
  %1 = "catgrad.sum"(%0) {axes = array<i64: 1>} : (!x) -> !row
  return %1 : !row
}
"""

THROUGH_A_REDUCTION = """
func.func @f(%x: !x) -> !x {
  %0 = "catgrad.negative"(%x) : (!x) -> !x
  %1 = "catgrad.sum"(%0) {axes = array<i64: 1>} : (!x) -> !row
  %2 = "catgrad.reshape"(%1) : (!row) -> !column
  %3 = "catgrad.broadcast_to"(%2) : (!column) -> !x
  %4 = "catgrad.multiply"(%0, %3) : (!x, !x) -> !x
  return %4 : !x
}
"""

OWN_TRANSPOSE = """
!q = tensor<4x4xf32>
func.func @f(%x: !q) -> !q {
  %0 = "catgrad.sqrt"(%x) : (!q) -> !q
  %1 = "catgrad.permute_dims"(%0) {axes = array<i64: 1, 0>} : (!q) -> !q
  %2 = "catgrad.add"(%0, %1) : (!q, !q) -> !q
  return %2 : !q
}
"""

TRANSPOSED_PRODUCT = """
func.func @f(%x: !x) -> tensor<4x4xf32> {
  %0 = "catgrad.permute_dims"(%x) {axes = array<i64: 1, 0>} : (!x) -> tensor<4x3xf32>
  %1 = "catgrad.contract"(%0, %x) {spec = "ik,kj->ij"} : (tensor<4x3xf32>, !x) -> tensor<4x4xf32>
  return %1 : tensor<4x4xf32>
}
"""


def adam(p, m, v, g):
    m, v = 0.75 * m + g, 0.75 * v + g * g
    return p - m / np.sqrt(v), m, v


def softmax(x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return (e / e.sum(axis=1, keepdims=True),)


def through_a_reduction(x):
    return (-x * -x.sum(axis=1, keepdims=True),)


CASES = {
    "adam": (ADAM, adam, 1),
    "softmax": (SOFTMAX, softmax, 4),
    "sum_of_squares": (SUM_OF_SQUARES, lambda x: (np.sqrt(x), -x.sum()), 2),
    "sum_of_positions": (SUM_OF_POSITIONS, lambda: (np.full(3, 6, np.float32),), 2),
    "through_a_reduction": (THROUGH_A_REDUCTION, through_a_reduction, 3),
    "own_transpose": (OWN_TRANSPOSE, lambda x: (np.sqrt(x) + np.sqrt(x).T,), 2),
    "transposed_product": (TRANSPOSED_PRODUCT, lambda x: (x.T @ x,), 0),
}


def to_linalg(source: str) -> ir.Module:
    with new_context(), ir.Location.unknown():
        module = ir.Module.parse(ALIASES + source)
        ToLinalg().run(module.operation)
        return module


def fused(source: str) -> ir.Module:
    module = to_linalg(source)
    with module.context, ir.Location.unknown():
        PassManager.parse("builtin.module(canonicalize, cse)").run(module.operation)
        FuseElementwise().run(module.operation)
        assert module.operation.verify()
        return module


def bufferized(module: ir.Module) -> None:
    with module.context, ir.Location.unknown():
        Destinations().run(module.operation)
        PassManager.parse(BUFFERIZE).run(module.operation)


def run(module: ir.Module, *arrays: np.ndarray) -> None:
    runner.run(module, stages()[-3:])
    call(jit(module, "f", opt_level=0), *arrays)


def draw(shapes: list[tuple[int, ...]]) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.uniform(0.5, 1.5, shape).astype(np.float32) for shape in shapes]


@pytest.mark.parametrize("name", CASES)
def test_fusion_keeps_the_meaning(name):
    source, reference, generics = CASES[name]
    module = fused(source)
    assert str(module).count("linalg.generic") == generics
    donated = source.count("catgrad.donated")
    inputs = draw([ir.ShapedType(type).shape for type in module.body.operations[0].type.inputs])
    expected = reference(*inputs)
    outputs = inputs[:donated] + [np.zeros(np.shape(each), np.float32) for each in expected[donated:]]
    bufferized(module)
    run(module, *inputs, *outputs[donated:])
    for got, wanted in zip(outputs, expected, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-6)


def test_an_update_happens_in_place():
    module = fused(ADAM)
    bufferized(module)
    text = str(module)
    assert "memref.alloc" not in text
    assert "memref.copy" not in text


def test_nothing_is_computed_twice():
    assert str(fused(SOFTMAX.replace("catgrad.exp", "catgrad.sqrt"))).count("math.sqrt") == 1


def test_fusing_twice_changes_nothing():
    module = fused(ADAM)
    before = str(module)
    with module.context:
        FuseElementwise().run(module.operation)
    assert str(module) == before


@st.composite
def merges(draw):
    size = draw(st.integers(2, 9))
    nodes = st.integers(0, size - 1)
    edges = draw(st.lists(st.tuples(nodes, nodes).filter(lambda edge: edge[0] < edge[1]), max_size=16))
    return size, edges, draw(st.lists(st.tuples(nodes, nodes), max_size=12))


@settings(deadline=None, max_examples=60)
@given(merges())
def test_quotient_stays_acyclic(case):
    size, edges, pairs = case
    successors = [{b for a, b in edges if a == node} for node in range(size)]
    partition = Partition(successors)
    merged = [pair for pair in pairs if partition.merge(*pair)]
    classes = partition.order()
    place = {node: position for position, members in enumerate(classes) for node in members}
    assert sorted(place) == list(range(size))
    assert all(place[a] <= place[b] for a, b in edges)
    assert all(place[a] == place[b] for a, b in merged)
    assert all(members == sorted(members) for members in classes)


def test_an_order_without_merges_is_the_given_one():
    partition = Partition([{2}, {2}, {3}, set()])
    assert all(a < b for [a], [b] in pairwise(partition.order()))


def doubling(depth: int, op: str) -> str:
    """Return steps x ↦ op(x)·x + x that depend on no argument, and what reads the last of them."""
    lines = [
        f"""
      %t{i} = "catgrad.{op}"(%c{i}) : (!x) -> !x
      %m{i} = "catgrad.multiply"(%t{i}, %c{i}) : (!x, !x) -> !x
      %c{i + 1} = "catgrad.add"(%m{i}, %c{i}) : (!x, !x) -> !x
    """
        for i in range(depth)
    ]
    return f"""func.func @f(%x: !x) -> !x {{
      %0 = "catgrad.constant"() {{value = dense<0.125> : !scalar}} : () -> !scalar
      %c0 = "catgrad.broadcast_to"(%0) : (!scalar) -> !x
      {"".join(lines)}
      %y = "catgrad.multiply"(%x, %c{depth}) : (!x, !x) -> !x
      return %y : !x
    }}"""


def test_what_depends_on_no_argument_is_computed_once():
    text = str(to_linalg(doubling(10, "tanh")))
    assert text.count("math.tanh") == 10
    assert text.count("linalg.generic") == 1


def test_scalars_in_front_of_the_loops_have_the_right_value():
    module = fused(doubling(4, "sqrt"))
    (x,), y, c = draw([(3, 4)]), np.zeros((3, 4), np.float32), np.float32(0.125)
    for _ in range(4):
        c = np.sqrt(c) * c + c
    bufferized(module)
    run(module, x, y)
    np.testing.assert_allclose(y, x * c, rtol=1e-6)
