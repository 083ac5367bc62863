"""The work of operations against counts by hand: arithmetic, and the distinct elements loaded and stored."""

import pytest
from mlir import ir

import catgrad as cg
from catgrad.backend import emitted
from catgrad.passes.gpu.work import Work, accounted, plain, work_at, work_of, worth
from catgrad.passes.kernels.walk import named
from catgrad.passes.pipelines import stages
from catgrad.passes.runner import run
from catgrad.prepare import prepare

MAPS = """
#whole = affine_map<(i, j) -> (i, j)>
#turned = affine_map<(i, j) -> (j, i)>
#row = affine_map<(i, j) -> (j)>
#column = affine_map<(i, j) -> (i)>
#first = affine_map<(i, j) -> (i, 0)>
#left = affine_map<(m, n, k) -> (m, k)>
#right = affine_map<(m, n, k) -> (k, n)>
#product = affine_map<(m, n, k) -> (m, n)>
"""
SUM = """
linalg.generic {{indexing_maps = [#whole, #column], iterator_types = ["parallel", "reduction"]}}
  ins({x} : memref<4x8xf32>) outs({y} : memref<4xf32>) {{
^bb0(%a: f32, %o: f32):
  %r = arith.addf %o, %a : f32
  linalg.yield %r : f32
}}
"""
EXP = """
linalg.generic {{indexing_maps = [#whole, #first, #whole], iterator_types = ["parallel", "parallel"]}}
  ins({x}, {m} : memref<4x8xf32>, memref<4x1xf32>) outs({y} : memref<4x8xf32>) {{
^bb0(%a: f32, %b: f32, %o: f32):
  %d = arith.subf %a, %b : f32
  %n = arith.negf %d : f32
  %r = math.fma %d, %n, %a : f32
  linalg.yield %r : f32
}}
"""


@pytest.fixture
def operations():
    """Return the linalg operations of a function's body, in order; the module lives as long as the test."""
    kept = []

    def parse(body, arguments):
        context = ir.Context()
        with context, ir.Location.unknown():
            module = ir.Module.parse(f"{MAPS} func.func @f({arguments}) {{\n{body}\nreturn }}")
        kept.append(module)
        found = []
        module.operation.walk(lambda op: (found.append(op), ir.WalkResult.ADVANCE)[1])
        return [op for op in found if op.name.startswith("linalg.") and op.regions]

    return parse


def test_an_elementwise_operation_reads_each_element_once(operations):
    ops = operations(
        EXP.format(x="%x", m="%m", y="%y"), "%x: memref<4x8xf32>, %m: memref<4x1xf32>, %y: memref<4x8xf32>"
    )
    assert work_of(ops) == Work({"f32": 3 * 32}, 4 * (32 + 4), 4 * 32)


def test_what_is_read_twice_counts_once(operations):
    body = """
    linalg.generic {indexing_maps = [#whole, #turned, #whole], iterator_types = ["parallel", "parallel"]}
      ins(%x, %x : memref<8x8xf16>, memref<8x8xf16>) outs(%y : memref<8x8xf16>) {
    ^bb0(%a: f16, %b: f16, %o: f16):
      %r = arith.mulf %a, %b : f16
      linalg.yield %r : f16
    }"""
    ops = operations(body, "%x: memref<8x8xf16>, %y: memref<8x8xf16>")
    assert work_of(ops) == Work({"f16": 64}, 2 * 64, 2 * 64)


def test_a_reduction_reads_what_it_begins_with(operations):
    ops = operations(SUM.format(x="%x", y="%y"), "%x: memref<4x8xf32>, %y: memref<4xf32>")
    assert work_of(ops) == Work({"f32": 32}, 4 * (32 + 4), 4 * 4)


def test_unless_it_fills_it_itself(operations):
    body = "%z = arith.constant 0.0 : f32\n linalg.fill ins(%z : f32) outs(%y : memref<4xf32>)"
    ops = operations(body + SUM.format(x="%x", y="%y"), "%x: memref<4x8xf32>, %y: memref<4xf32>")
    assert [op.name for op in ops] == ["linalg.fill", "linalg.generic"]
    assert work_of(ops[:1]) == Work({}, 0, 16)
    assert work_of(ops) == Work({"f32": 32}, 4 * 32, 4 * 4)


def test_what_only_the_kernel_itself_reads_does_not_move(operations):
    body = f"""
    %m = memref.alloc() : memref<4xf32>
    %wide = memref.expand_shape %m [[0, 1]] output_shape [4, 1] : memref<4xf32> into memref<4x1xf32>
    {SUM.format(x="%x", y="%m")} {EXP.format(x="%x", m="%wide", y="%y")}"""
    ops = operations(body, "%x: memref<4x8xf32>, %y: memref<4x8xf32>")
    # The sum reads what its buffer holds; apart from that, x comes once and y goes once.
    assert work_of(ops) == Work({"f32": 32 + 3 * 32}, 4 * (32 + 4), 4 * 32)
    assert work_of(ops[:1]) == Work({"f32": 32}, 4 * (32 + 4), 4 * 4)
    assert work_of(ops[1:]) == Work({"f32": 3 * 32}, 4 * (32 + 4), 4 * 32)


@pytest.mark.parametrize(
    ("element", "result", "flop"),
    [
        ("f32", "f32", {"f32 products": 2 * 3 * 5 * 7}),
        ("f16", "f32", {"f16 products": 2 * 3 * 5 * 7}),
        ("i32", "i32", {}),
    ],
)
def test_a_contraction(operations, element, result, flop):
    body = f"""%z = arith.constant {"0" if result == "i32" else "0.0"} : {result}
    linalg.fill ins(%z : {result}) outs(%c : memref<3x5x{result}>)
    linalg.contract
      indexing_maps = [#left, #right, #product]
      ins(%a, %b : memref<3x7x{element}>, memref<7x5x{element}>) outs(%c : memref<3x5x{result}>)"""
    arguments = f"%a: memref<3x7x{element}>, %b: memref<7x5x{element}>, %c: memref<3x5x{result}>"
    ops = operations(body, arguments)
    size, read = (4 if result != "f16" else 2), (21 + 35) * (2 if element == "f16" else 4)
    assert work_of(ops[1:]) == Work(flop, read + 15 * size, 15 * size)
    assert work_of(ops) == Work(flop, read, 15 * size)


def test_a_size_that_is_not_known(operations):
    (op,) = operations(
        "%z = arith.constant 0.0 : f32\n linalg.fill ins(%z : f32) outs(%y : memref<?x4xf32>)", "%y: memref<?x4xf32>"
    )
    assert work_of([op]) is None
    assert accounted([op]) == op.location


def test_what_is_empty(operations):
    (op,) = operations(
        "%z = arith.constant 0.0 : f32\n linalg.fill ins(%z : f32) outs(%y : memref<0x4xf32>)", "%y: memref<0x4xf32>"
    )
    assert work_of([op]) == Work({}, 0, 0)


def test_a_location_tells_of_work(operations):
    (op,) = operations(
        "%z = arith.constant 0.0 : f32\n linalg.fill ins(%z : f32) outs(%y : memref<f32>)", "%y: memref<f32>"
    )
    place = accounted([op])
    assert work_at(place) == Work({}, 0, 4)
    assert plain(place) == op.location
    assert work_at(op.location) is None
    assert plain(op.location) == op.location
    again = worth(Work({"f32": 1}, 2, 3), place)
    assert work_at(again) == Work({"f32": 1}, 2, 3)
    assert plain(again) == op.location


def test_every_launch_tells_of_its_work():
    def f(x, n):
        scaled = cg.constant([[1.0, 2.0, 3.0, 4.0]]) * x
        return cg.softmax(scaled @ x.T), cg.argmax(x, axis=0), cg.sum(n), cg.broadcast_to(x, (5, 3, 4))

    module = emitted(prepare(f, cg.f32[3, 4], cg.i64[2000]))
    run(module, stages("cuda")[:6])
    launches = named(module.operation, "gpu.launch_func")
    assert launches
    assert [work_at(op.location) for op in launches if work_at(op.location) is None] == []
