"""Terms become modules and come back: the same diagram, types, names and places."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from mlir import ir
from optable import CASES, input_types, result_types
from programs import few, is_same, programs

import catgrad as cg
from catgrad.dialect import emit, lift, new_context
from catgrad.errors import CatgradError
from catgrad.hypergraph import OpenHypergraph, is_isomorphic
from catgrad.location import Location
from catgrad.ops import copy
from catgrad.passes.verify import Verify
from catgrad.term import Term, linkable
from catgrad.types import bf16, bool_, f16, f32, f64, i64


@pytest.fixture(scope="module")
def context():
    return new_context()


def _round_trip(term, context):
    """Emit a term, check the module by MLIR's verifier and ours, print and parse it, and lift it."""
    module = emit(term, context=context)
    assert module.operation.verify()
    with context:
        Verify().run(module.operation)
    text = str(module)
    with context:
        parsed = ir.Module.parse(text)
    assert str(parsed) == text
    lifted = lift(parsed)[linkable(term.name)]
    cg.check(lifted)
    return lifted


@pytest.mark.sampled(7, "op")
@pytest.mark.parametrize(("op", "dtype"), [case for case in CASES if case.values[0] is not copy])
def test_every_sample_of_every_operation(op, dtype, context):
    for sample in op.samples(dtype):
        source, target = input_types(sample), result_types(op, sample)
        graph = OpenHypergraph.singleton(op.operation(**sample.attributes), source, target)
        lifted = _round_trip(Term.flat(graph, op.name), context)
        assert is_isomorphic(lifted.graph, graph)


@settings(few, max_examples=10)
@given(f=programs())
def test_random_terms(f, context):
    term = cg.trace(f, *f.types)
    lifted = _round_trip(term, context)
    assert is_same(lifted, term)
    assert len(lifted.definitions) == len(term.definitions)


@settings(few, max_examples=5)
@given(f=programs())
def test_random_gradients(f, context):
    term = cg.trace(cg.vjp(f.scalar), *f.types, f64[()])
    assert is_same(_round_trip(term, context), term)


@pytest.mark.parametrize("dtype", [f16, bf16, f32, f64], ids=str)
def test_literals_keep_every_bit(dtype, context):
    values = np.array([0.0, -0.0, 1 / 3, np.inf, -np.inf, np.nan, np.finfo(np.float16).tiny]).astype(dtype.numpy)
    for array in (values, values[:1], values[0], values.reshape(7, 1), np.zeros((0, 3), dtype.numpy)):
        lifted = _round_trip(cg.trace(lambda a=array: cg.constant(a)), context)
        (step,) = lifted.steps
        found = step.operation.keywords["value"].array
        assert found.dtype == dtype.numpy
        np.testing.assert_array_equal(found.astype(np.float64), np.asarray(array, np.float64))
        np.testing.assert_array_equal(np.signbit(found.astype(np.float64)), np.signbit(np.asarray(array, np.float64)))


@pytest.mark.parametrize(
    "array",
    [
        np.array([True, False, True] * 5),
        np.array(True),
        np.zeros((2, 0), bool),
        np.array([2**31 - 1, -(2**31)], np.int32),
        np.array([2**63 - 1, -(2**63)], np.int64),
        np.full((3, 3), 7),
    ],
)
def test_literals_that_are_not_floats(array, context):
    lifted = _round_trip(cg.trace(lambda: cg.constant(array)), context)
    np.testing.assert_array_equal(lifted.steps[0].operation.keywords["value"].array, array)


@pytest.mark.parametrize(
    ("f", "types"),
    [
        (lambda: None, []),
        (lambda: cg.constant(1.0), []),
        (lambda x: x, [f32[3]]),
        (lambda x: (x, x), [f32[3]]),
        (lambda x, y: None, [f32[3], i64[()]]),
        (lambda x, y: y, [bool_[0, 3], f16[2]]),
        (lambda x: (cg.function(lambda x: (x, x))(x), cg.function(lambda: cg.ones((2,)))()), [f32[3]]),
    ],
)
def test_odd_boundaries(f, types, context):
    term = cg.trace(f, *types)
    lifted = _round_trip(term, context)
    assert is_same(lifted, term)
    assert (lifted.source_types, lifted.target_types) == (term.source_types, term.target_types)
    assert lifted.input_names == term.input_names


def test_symbols_are_the_first_arguments_and_keep_their_facts(context):
    b, s = cg.dim("B"), cg.dim("S", multiple_of=8, min=16, max=2048)
    layer = cg.function(lambda x: cg.sum(x, axis=1) / cg.nat_to_tensor(s // 8))
    term = cg.trace(lambda x, y: (layer(x), y.reshape(-1), cg.zeros((2 * b, s % 3))), f32[b, s], f32[b, 4])
    text = str(emit(term, context=context))
    head = next(line for line in text.splitlines() if "@lambda(" in line)
    assert '%arg0: index {catgrad.symbol = "B"}, %arg1: index {catgrad.' in head
    assert 'tensor<?x?xf32, ["B", "S"]>' in head
    assert 'tensor<?xf32, ["4*B"]>' in text
    assert "call @lambda_1(%arg0, %arg1, %arg2)" in text
    lifted = _round_trip(term, context)
    assert is_same(lifted, term)
    assert [(v.name, v.multiple_of, v.min, v.max) for v in lifted.symbols] == [("B", 1, 0, None), ("S", 8, 16, 2048)]


def test_definitions_become_private_functions_with_names_of_their_own(context):
    def outer(x):
        first = cg.function(lambda x: cg.exp(x))
        second = cg.function(lambda x: cg.sin(x))
        first.name = second.name = "outer"
        return first(second(first(x)))

    term = cg.trace(outer, f32[3])
    text = str(emit(term, context=context))
    names = [line.split("@")[1].split("(")[0] for line in text.splitlines() if "func.func" in line]
    assert sorted(names) == ["outer", "outer_1", "outer_2"]
    assert text.count("func.func private") == 2
    assert is_same(_round_trip(term, context), term)


@pytest.mark.parametrize("name", ['a"b', "a b\n", "é", "<lambda>", "%x", "", "a\\b", "f(x)", "@", "main"])
def test_names_of_any_kind(name, context):
    term = replace(cg.trace(cg.exp, f32[3]), name=name, input_names=(name,), _bound={})
    lifted = _round_trip(term, context)
    assert lifted.input_names == (name,)


def test_places_survive(context):
    def f(x):
        return cg.exp(cg.sin(x))

    term = cg.trace(f, f32[3])
    odd = Location('a "quoted"\\é.py', 7, 3)
    moved = replace(term, locations=(term.locations[0], odd), _bound={})
    module = emit(moved, context=context)
    text = module.operation.get_asm(enable_debug_info=True)
    with context:
        lifted = lift(ir.Module.parse(text))["f"]
    places = {s.operation.op.name: s.location for s in lifted.steps}
    given = {s.operation.op.name: s.location for s in moved.steps}
    for name, place in places.items():
        assert (place.file, place.line, place.column) == (given[name].file, given[name].line, given[name].column)


def test_several_terms_in_one_module(context):
    layer = cg.function(lambda x: cg.tanh(x))
    layer.name = "layer"

    def f(x):
        return layer(x)

    first = cg.trace(f, f32[3])
    module = emit(first, cg.vjp(first), context=context)
    assert sorted(lift(module)) == ["f", "f.vjp", "layer", "layer.fwd", "layer.rev"]


def test_terms_of_one_module_have_different_names():
    term = cg.trace(cg.exp, f32[3])
    with pytest.raises(CatgradError, match="terms need different names: exp, exp"):
        emit(term, replace(term, _bound={}))


def test_equal_terms_give_equal_text(context):
    first, second = (str(emit(cg.trace(lambda x: cg.softmax(x), f32[2, 3]), context=context)) for _ in range(2))
    assert first == second


def test_copies_are_uses(context):
    text = str(emit(cg.trace(lambda x: x * x, f32[3]), context=context))
    assert '"catgrad.multiply"(%arg0, %arg0)' in text
    assert "copy" not in text


def test_deep_models(context):
    layer = cg.function(lambda x: cg.tanh(x))

    def deep(x):
        for _ in range(200):
            x = layer(x)
        return x

    term = cg.trace(deep, f32[3])
    assert str(emit(term, context=context)).count("call @") == 200
    assert is_same(_round_trip(term, context), term)


def test_to_mlir_is_the_text():
    term = cg.trace(cg.exp, f32[3])
    assert term.to_mlir() == str(emit(term))
