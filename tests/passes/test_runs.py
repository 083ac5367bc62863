"""Runs: which operations on buffers one kernel can do row by row, and which buffers that leaves without memory."""

import pytest
from mlir import ir

from catgrad.passes.kernels.walk import named
from catgrad.passes.runs import find_runs

KEEP, ROW, COLUMN, TURNED = "(i, j)", "(i)", "(j)", "(j, i)"


def generic(source, target, source_map=KEEP, target_map=KEEP, folded="", kinds=("?x8", "?x8"), axes="ij"):
    """Return the text of an operation of one input; `folded` names the iteration's folded axes."""
    maps = ", ".join(f"affine_map<({', '.join(axes)}) -> {map}>" for map in (source_map, target_map))
    iterators = ", ".join('"reduction"' if axis in folded else '"parallel"' for axis in axes)
    operands = [f"%{name} : memref<{kind}xf32>" for name, kind in zip((source, target), kinds, strict=True)]
    return f"""linalg.generic {{indexing_maps = [{maps}], iterator_types = [{iterators}]}}
      ins({operands[0]}) outs({operands[1]}) {{
    ^bb0(%a: f32, %o: f32):
      %r = arith.addf %a, {"%o" if folded else "%a"} : f32
      linalg.yield %r : f32
    }}"""


def runs(*steps, is_wanted=lambda run: True):
    """Return for each run how many operations, row extents, inner extents and private buffers it has."""
    text = f"""
    func.func private @other(%x: memref<?x8xf32>)
    func.func @f(%n: index, %x: memref<?x8xf32>, %y: memref<?x8xf32>, %v: memref<?xf32>,
        %s: memref<8x8xf32>, %t: memref<8x8xf32>,
        %p: memref<6x8xf32>, %q: memref<6x8xf32>) {{
      %e = memref.alloc(%n) : memref<?x8xf32>
      %m = memref.alloc(%n) : memref<?xf32>
      %k = memref.expand_shape %m [[0, 1]] output_shape [%n, 1] : memref<?xf32> into memref<?x1xf32>
      %c = memref.alloc() : memref<8xf32>
      {" ".join(steps)}
      return
    }}"""
    with ir.Context(), ir.Location.unknown():
        module = ir.Module.parse(text)
        (function,) = [f for f in named(module.operation, "func.func") if f.regions[0].blocks]
        found = find_runs(function.regions[0].blocks[0], is_wanted)
        assert module.operation.verify()
        return [(len(run.steps), run.extents(run.rows), run.extents(run.inner), len(run.private())) for run in found]


FOLD = generic("x", "m", target_map=ROW, folded="j", kinds=("?x8", "?"))
USE = generic("k", "e", source_map="(i, 0)", kinds=("?x1", "?x8"))
OUT = generic("e", "y")
VECTOR = {"source_map": ROW, "target_map": ROW, "kinds": ("?", "?"), "axes": "i"}
SQUARE = {"kinds": ("8x8", "8x8")}


def test_a_fold_and_its_use_are_a_run_and_what_is_between_needs_no_memory():
    assert runs(FOLD, USE, OUT) == [(3, [-1], [8], 2)]


def test_what_is_used_elsewhere_is_not_private():
    assert runs(FOLD, USE, OUT, generic("m", "v", **VECTOR)) == [(4, [-1], [8], 2)]
    call = "func.call @other(%e) : (memref<?x8xf32>) -> ()"
    assert runs(FOLD, USE, call) == [(2, [-1], [8], 1)]


def test_elementwise_operations_have_rows_of_one_element():
    assert runs(generic("x", "e"), OUT) == [(2, [-1, 8], [], 1)]


def test_columns_are_rows_too():
    fold = generic("p", "c", target_map=COLUMN, folded="i", kinds=("6x8", "8"))
    use = generic("c", "q", source_map=COLUMN, kinds=("8", "6x8"))
    assert runs(fold, use) == [(2, [8], [6], 1)]


def test_axes_may_have_another_order():
    assert runs(FOLD, generic("k", "e", "(j, 0)", "(j, i)", kinds=("?x1", "?x8"))) == [(2, [-1], [8], 2)]


@pytest.mark.parametrize(
    "steps",
    [
        (generic("s", "t", **SQUARE), generic("t", "s", source_map=TURNED, **SQUARE)),
        (generic("x", "e"), generic("e", "y", source_map="(i, 0)")),
        (FOLD, generic("x", "c", target_map=COLUMN, folded="i", kinds=("?x8", "8"))),
    ],
    ids=["transposed", "one column", "rows and columns"],
)
def test_what_belongs_to_several_rows_is_not_one_run(steps):
    assert [run[0] for run in runs(*steps)] == [1, 1]


def test_a_path_that_leaves_a_run_divides_it():
    call = "func.call @other(%e) : (memref<?x8xf32>) -> ()"
    assert [run[0] for run in runs(generic("x", "e"), call, OUT)] == [1, 1]


def test_others_between_are_moved_away():
    other = generic("v", "m", **VECTOR)
    assert [run[0] for run in runs(generic("x", "e"), other, OUT)] in ([1, 2], [2, 1])


def test_a_buffer_that_is_updated_in_place_is_one_buffer():
    assert runs(FOLD, generic("k", "x", source_map="(i, 0)", kinds=("?x1", "?x8"))) == [(2, [-1], [8], 1)]
    assert runs(generic("x", "x", source_map="(i, 0)"), OUT)[0][0] == 1


def test_what_may_alias_is_kept_apart():
    choice = """%is = arith.cmpi eq, %n, %n : index
      %z = arith.select %is, %e, %y : memref<?x8xf32>"""
    assert [run[0] for run in runs(choice, generic("x", "z"), generic("z", "y"))] == [1, 1]


def test_who_asks_decides():
    assert [run[0] for run in runs(FOLD, USE, OUT, is_wanted=lambda run: len(run.steps) < 3)] == [2, 1]
