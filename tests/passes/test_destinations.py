import numpy as np
import pytest
from lowered import AsItIs, call
from mlir import ir

import catgrad as cg
from catgrad.passes.base import DiagnosticError
from catgrad.passes.destinations import Destinations
from catgrad.passes.pipelines import stages
from catgrad.passes.runner import run
from catgrad.runtime.engine import jit

DOUBLE = """linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>],
    iterator_types = ["parallel"]} ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) {
    ^bb0(%a: f32, %o: f32): %s = arith.addf %a, %a : f32
      linalg.yield %s : f32 } -> tensor<4xf32>"""


def parse(text):
    context = ir.Context()
    context.allow_unregistered_dialects = True
    with context, ir.Location.unknown():
        return ir.Module.parse(text)


def pipeline():
    return stages(lowering=AsItIs())


def compiled(text):
    module = parse(text)
    run(module, pipeline())
    return jit(module, "f", opt_level=0)


def bufferized(text):
    """Return the module once it is on memrefs."""
    module = parse(text)
    run(module, pipeline()[:5])
    return str(module)


def array(*values):
    return np.array(values, np.float32)


def function(arguments, results, *body):
    """Return a function whose results are `results`: pairs of a value and its type."""
    values, kinds = ", ".join(v for v, _ in results), ", ".join(t for _, t in results)
    lines = "\n".join(body)
    return f"func.func @f({arguments}) -> ({kinds}) {{\n{lines}\nreturn {values} : {kinds}\n}}"


T = "tensor<4xf32>"
EMPTY = f"%e = tensor.empty() : {T}"


def test_results_become_arguments_after_the_inputs():
    text = function(f"%n: index, %x: {T}", [("%y", T)], EMPTY, f"%y = {DOUBLE}")
    module = parse(text)
    with module.context:
        Destinations().run(module.operation)
        assert module.operation.verify()
    (op,) = module.body.operations
    assert str(op.type) == "(index, memref<4xf32>, memref<4xf32>) -> ()"


def test_a_result_is_computed_where_it_belongs():
    text = function(f"%x: {T}", [("%y", T)], EMPTY, f"%y = {DOUBLE}")
    assert "memref.alloc" not in bufferized(text)
    assert "memref.copy" not in bufferized(text)
    x, y = array(1, 2, 3, 4), np.empty(4, np.float32)
    call(compiled(text), x, y)
    np.testing.assert_array_equal(y, 2 * x)


def test_a_donated_argument_is_updated_in_place():
    text = function(f"%x: {T} {{catgrad.donated = 0 : i64}}", [("%y", T)], EMPTY, f"%y = {DOUBLE}")
    assert "memref.alloc" not in bufferized(text)
    x = array(1, 2, 3, 4)
    call(compiled(text), x)
    np.testing.assert_array_equal(x, [2, 4, 6, 8])


def test_a_donated_argument_that_is_read_afterwards_is_not_overwritten_too_early():
    again = DOUBLE.replace("%a, %a", "%a, %o").replace("outs(%e", "outs(%y")
    results = [("%y", T), ("%z", T)]
    text = function(f"%x: {T} {{catgrad.donated = 0 : i64}}", results, EMPTY, f"%y = {DOUBLE}", f"%z = {again}")
    x, z = array(1, 2, 3, 4), np.empty(4, np.float32)
    call(compiled(text), x, z)
    np.testing.assert_array_equal(x, [2, 4, 6, 8])
    np.testing.assert_array_equal(z, [3, 6, 9, 12])


def test_a_donated_argument_is_returned_as_it_was():
    text = function(f"%x: {T} {{catgrad.donated = 1 : i64}}", [("%x", T), ("%y", T)], EMPTY, f"%y = {DOUBLE}")
    x, old = array(1, 2, 3, 4), np.empty(4, np.float32)
    call(compiled(text), x, old)
    np.testing.assert_array_equal(old, [1, 2, 3, 4])
    np.testing.assert_array_equal(x, [2, 4, 6, 8])


def test_donated_arguments_change_places():
    arguments = f"%x: {T} {{catgrad.donated = 1 : i64}}, %y: {T} {{catgrad.donated = 0 : i64}}"
    x, y = array(1, 2, 3, 4), array(5, 6, 7, 8)
    call(compiled(function(arguments, [("%x", T), ("%y", T)])), x, y)
    np.testing.assert_array_equal(x, [5, 6, 7, 8])
    np.testing.assert_array_equal(y, [1, 2, 3, 4])


def test_an_argument_donated_to_itself_needs_no_code():
    text = function(f"%x: {T} {{catgrad.donated = 0 : i64}}", [("%x", T)])
    assert "memref.copy" not in bufferized(text)


def test_a_result_that_is_an_argument_is_copied():
    x, y = array(1, 2, 3, 4), np.empty(4, np.float32)
    call(compiled(function(f"%x: {T}", [("%x", T)])), x, y)
    np.testing.assert_array_equal(y, x)


def test_a_result_is_returned_twice():
    text = function(f"%x: {T}", [("%y", T), ("%y", T)], EMPTY, f"%y = {DOUBLE}")
    x, y, z = array(1, 2, 3, 4), np.empty(4, np.float32), np.empty(4, np.float32)
    call(compiled(text), x, y, z)
    np.testing.assert_array_equal(y, 2 * x)
    np.testing.assert_array_equal(z, 2 * x)


def test_rank_zero_and_empty():
    text = function("%x: tensor<f32>, %n: tensor<0x3xf32>", [("%x", "tensor<f32>"), ("%n", "tensor<0x3xf32>")])
    x, y = np.array(3, np.float32), np.array(0, np.float32)
    call(compiled(text), x, np.empty((0, 3), np.float32), y, np.empty((0, 3), np.float32))
    assert y == 3


@pytest.mark.parametrize("size", [0, 1, 5])
def test_dynamic_extents(size):
    text = function("%n: index, %x: tensor<?xf32>", [("%y", "tensor<?xf32>")], "%e = tensor.empty(%n) : tensor<?xf32>")
    text = text.replace("return", f"%y = {DOUBLE.replace('<4x', '<?x')}\nreturn", 1)
    x, y = np.arange(size, dtype=np.float32), np.empty(size, np.float32)
    call(compiled(text), size, x, y)
    np.testing.assert_array_equal(y, 2 * x)


def test_private_functions_stay_on_tensors():
    module = parse(f"func.func private @g(%x: {T}) -> {T} {{ return %x : {T} }}")
    before = str(module)
    with module.context:
        Destinations().run(module.operation)
    assert str(module) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (f"%x: {T} {{catgrad.donated = 1 : i64}}", "argument 0 is donated to result 1, which is not free"),
        (
            f"%x: {T} {{catgrad.donated = 0 : i64}}, %y: {T} {{catgrad.donated = 0 : i64}}",
            "argument 1 is donated to result 0, which is not free",
        ),
        (f"%x: {T}, %y: tensor<2xf32> {{catgrad.donated = 0 : i64}}", "of another type"),
    ],
)
def test_impossible_donations_are_refused(arguments, message):
    module = parse(function(arguments, [("%x", T)]))
    with module.context, pytest.raises(DiagnosticError, match=message):
        Destinations().run(module.operation)


def test_a_definition_of_empty_arrays_returns_equal_results():
    @cg.function
    def layer(x, w):
        return cg.softmax(cg.softmax(x @ w))

    def loss(x, w, y):
        return cg.sum(layer(x, w) * layer(y, w))

    empty, w = np.zeros((0, 4), np.float32), np.ones((4, 4), np.float32)
    for gradient in cg.compile(cg.grad(loss, wrt=(0, 1)), *(cg.f32[x.shape] for x in (empty, w, empty)))(
        empty, w, empty
    ):
        assert not gradient.any()
