import numpy as np
import pytest
from lowered import call
from mlir import ir

from catgrad.passes.kernels.reduction import ReductionKernels
from catgrad.passes.machine import Machine
from catgrad.passes.pipelines import stages
from catgrad.passes.runner import run
from catgrad.runtime.engine import jit

WHOLE, TURNED = "affine_map<(d0, d1) -> (d0, d1)>", "affine_map<(d0, d1) -> (d1, d0)>"
ROW, COLUMN = "affine_map<(d0, d1) -> (d0)>", "affine_map<(d0, d1) -> (d1)>"


def reduction(body, x="4x75", out="4", maps=(WHOLE, ROW), iterators=("parallel", "reduction"), dtype="f32"):
    kinds = ", ".join(f'"{kind}"' for kind in iterators)
    return f"""func.func @f(%x: memref<{x}x{dtype}>, %y: memref<{out}x{dtype}>) {{
      %two = arith.constant 2.0 : {dtype}
      linalg.generic {{indexing_maps = [{", ".join(maps)}], iterator_types = [{kinds}]}}
        ins(%x : memref<{x}x{dtype}>) outs(%y : memref<{out}x{dtype}>) {{
      ^bb0(%a: {dtype}, %o: {dtype}):
        {body}
        linalg.yield %r : {dtype}
      }}
      return
    }}"""


SUM = "%r = arith.addf %a, %o fastmath<reassoc> : f32"
SQUARES = "%s = arith.mulf %a, %a : f32 %t = arith.mulf %s, %two : f32 %r = arith.addf %o, %t fastmath<reassoc> : f32"
MAX = "%r = arith.maximumf %a, %o : f32"
MIN = "%r = arith.minimumf %o, %a : f32"


def parse(text):
    with ir.Context(), ir.Location.unknown():
        return ir.Module.parse(text)


def compiled(text, machine="x86-64-v4"):
    """Return what calls the function."""
    module = parse(text)
    run(module, stages(machine=Machine.named(machine))[-3:])
    return jit(module, "f", opt_level=0)


def after_the_pass(text):
    module = parse(text)
    with module.context:
        ReductionKernels(Machine.named("x86-64-v4")).run(module.operation)
        assert module.operation.verify()
    return str(module)


@pytest.mark.sampled(7, "body")
@pytest.mark.parametrize("width", [0, 1, 7, 16, 64, 75, 200])
@pytest.mark.parametrize("dynamic", [False, True])
@pytest.mark.parametrize(
    ("body", "meaning"),
    [
        (SUM, lambda x, y: y + x.sum(1)),
        (SQUARES, lambda x, y: y + (2 * x * x).sum(1)),
        (MAX, lambda x, y: np.maximum(y, x.max(1, initial=-np.inf))),
        (MIN, lambda x, y: np.minimum(y, x.min(1, initial=np.inf))),
    ],
    ids=["sum", "squares", "max", "min"],
)
def test_row_reductions(width, dynamic, body, meaning):
    text = reduction(body, x=f"?x{'?' if dynamic else width}", out="?")
    assert "linalg" not in after_the_pass(text)
    rng = np.random.default_rng(width)
    x, y = rng.integers(-9, 9, (3, width)).astype(np.float32), rng.integers(-9, 9, 3).astype(np.float32)
    expected = meaning(x, y)
    call(compiled(text, "x86-64-v3"), x, y)
    np.testing.assert_array_equal(y, expected)


@pytest.mark.parametrize("place", [0, 63, 64, 74])
@pytest.mark.parametrize("body", [MAX, MIN])
def test_a_nan_anywhere_wins(place, body):
    x, y = np.zeros((4, 75), np.float32), np.zeros(4, np.float32)
    x[2, place] = np.nan
    call(compiled(reduction(body)), x, y)
    assert np.isnan(y).tolist() == [False, False, True, False]


def test_the_same_sum_twice_is_the_same_number():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((4, 75)).astype(np.float32)
    native, sums = compiled(reduction(SUM)), np.zeros((2, 4), np.float32)
    for y in sums:
        call(native, x, y)
    np.testing.assert_array_equal(sums[0], sums[1])
    np.testing.assert_allclose(sums[0], x.sum(1), rtol=1e-5)


@pytest.mark.parametrize("axis", [0, 1])
def test_products_of_many_terms(axis):
    body = "%r = arith.mulf %a, %o fastmath<reassoc> : f32"
    kinds = ("reduction", "parallel") if axis == 0 else ("parallel", "reduction")
    x = np.tile(np.array([2, 4, 0.125], np.float32), 3000)
    x, shape = (x[:, None], "9000x1") if axis == 0 else (x[None], "1x9000")
    maps = (WHOLE, COLUMN if axis == 0 else ROW)
    y = np.array([3], np.float32)
    call(
        compiled(reduction(body, x=shape, out="1", maps=maps, iterators=kinds), "x86-64-v3"), np.ascontiguousarray(x), y
    )
    assert y.tolist() == [3]


def test_all_axes_are_folded():
    maps = (WHOLE, "affine_map<(d0, d1) -> ()>")
    text = reduction(SUM, maps=maps, iterators=("reduction", "reduction")).replace("memref<4xf32>", "memref<f32>")
    x, y = np.ones((4, 75), np.float32), np.array(1, np.float32)
    call(compiled(text), x, y)
    assert y == 301


def test_rows_that_lie_across_are_read_as_they_lie():
    text = reduction(SUM, x="75x4", maps=(TURNED, ROW))
    changed = after_the_pass(text)
    assert "linalg" not in changed
    assert "memref<64x4xf32>" in changed
    x, y = np.arange(300, dtype=np.float32).reshape(75, 4), np.ones(4, np.float32)
    call(compiled(text), x, y)
    np.testing.assert_array_equal(y, 1 + np.arange(300).reshape(75, 4).sum(0))


def test_columns_are_sums_of_rows():
    text = reduction(SUM, x="75x4", maps=(WHOLE, COLUMN), iterators=("reduction", "parallel"))
    assert "linalg" not in after_the_pass(text)
    x, y = np.arange(300, dtype=np.float32).reshape(75, 4), np.ones(4, np.float32)
    call(compiled(text), x, y)
    np.testing.assert_array_equal(y, 1 + np.arange(300).reshape(75, 4).sum(0))


def test_terms_that_no_vector_has_are_stored_first():
    body = "%i = linalg.index 1 : index %n = arith.index_cast %i : index to i32 %e = arith.sitofp %n : i32 to f32"
    text = reduction(f"{body} %t = arith.mulf %e, %a : f32 %r = arith.addf %t, %o fastmath<reassoc> : f32")
    assert "linalg.generic" not in after_the_pass(text)
    x, y = np.ones((4, 75), np.float32), np.zeros(4, np.float32)
    call(compiled(text), x, y)
    np.testing.assert_array_equal(y, [75 * 74 / 2] * 4)


def test_a_constant_operand_is_read_once_a_row():
    text = f"""func.func @f(%x: memref<3x40xf32>, %m: memref<3xf32>, %y: memref<3xf32>) {{
      linalg.generic {{indexing_maps = [{WHOLE}, {ROW}, {ROW}], iterator_types = ["parallel", "reduction"]}}
        ins(%x, %m : memref<3x40xf32>, memref<3xf32>) outs(%y : memref<3xf32>) {{
      ^bb0(%a: f32, %b: f32, %o: f32):
        %big = arith.cmpf ogt, %a, %b : f32
        %s = arith.select %big, %a, %b : f32
        %r = arith.addf %s, %o fastmath<reassoc> : f32
        linalg.yield %r : f32
      }}
      return
    }}"""
    rng = np.random.default_rng(3)
    x, m, y = (rng.integers(-9, 9, shape).astype(np.float32) for shape in ((3, 40), 3, 3))
    expected = y + np.maximum(x, m[:, None]).sum(1)
    call(compiled(text), x, m, y)
    np.testing.assert_array_equal(y, expected)


@pytest.mark.parametrize(
    "text",
    [
        reduction("%r = arith.addf %a, %o : f32"),
        reduction("%r = arith.subf %o, %a : f32"),
        reduction("%e = arith.mulf %a, %o : f32 %r = arith.addf %e, %o fastmath<reassoc> : f32"),
        reduction(SUM, iterators=("parallel", "parallel"), maps=(WHOLE, WHOLE), out="4x75"),
    ],
    ids=["ordered", "subtraction", "uses the result", "no reduction"],
)
def test_what_does_not_fit_is_left(text):
    assert after_the_pass(text) == str(parse(text))
