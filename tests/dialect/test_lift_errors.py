"""Errors of lifting: IR that is not a term is refused, at the location of the operation to blame."""

import pytest
from mlir import ir

from catgrad.dialect import lift, new_context
from catgrad.dialect.lift import LiftError
from catgrad.types import f32

RETURNED = "return %0 : tensor<3xf32>"


@pytest.fixture(scope="module")
def context():
    return new_context()


def _function(body, arguments="%x: tensor<3xf32>", result="tensor<3xf32>", name="f"):
    return f"func.func @{name}({arguments}) -> {result} {{\n{body}\n}}\n"


def _op(name, attributes="", operand="tensor<3xf32>", result="tensor<3xf32>"):
    return f'%0 = "catgrad.{name}"(%x) {{{attributes}}} : ({operand}) -> {result}\nreturn %0 : {result}'


def _constant(value, result="tensor<3xf32>"):
    body = f'%0 = "catgrad.constant"() {{value = {value}}} : () -> {result}\nreturn %0 : {result}'
    return _function(body, "", result)


CASES = {
    "foreign operation": (_function(f"%0 = arith.addf %x, %x : tensor<3xf32>\n{RETURNED}"), "arith.addf is not an op"),
    "recursion": (_function(f"%0 = call @f(%x) : (tensor<3xf32>) -> tensor<3xf32>\n{RETURNED}"), "f calls itself"),
    "declaration": ("\n\nfunc.func private @f(tensor<3xf32>) -> tensor<3xf32>", "f has 0 blocks"),
    "branches": (
        _function("cf.br ^a(%x : tensor<3xf32>)\n^a(%y: tensor<3xf32>):\nreturn %y : tensor<3xf32>"),
        "f has 2 blocks",
    ),
    "scalar argument": (_function("return %x : f32", "%x: f32", "f32"), "expected a ranked tensor, got f32"),
    "unranked": (
        _function("return %x : tensor<*xf32>", "%x: tensor<*xf32>", "tensor<*xf32>"),
        "expected a ranked tensor",
    ),
    "element type": (_function("return %x : tensor<3xi8>", "%x: tensor<3xi8>", "tensor<3xi8>"), "element type"),
    "extent without a name": (
        _function("return %x : tensor<?xf32>", "%x: tensor<?xf32>", "tensor<?xf32>"),
        "needs a name",
    ),
    "result type": (_function(_op("exp", result="tensor<4xf32>"), result="tensor<4xf32>"), "exp gives f32.3. here"),
    "typing rule": (
        _function(_op("exp", "", "tensor<3xi32>", "tensor<3xi32>"), "%x: tensor<3xi32>", "tensor<3xi32>"),
        "exp is defined for",
    ),
    "axes": (
        _function(_op("sum", "axes = array<i64: 7>", result="tensor<f32>"), result="tensor<f32>"),
        "increasing axes",
    ),
    "kind of attribute": (
        _function(_op("sum", "axes = array<i32: 0>", result="tensor<f32>"), result="tensor<f32>"),
        "axes is not of the kind ints",
    ),
    "literal of another shape": (_constant("dense<1.0> : tensor<2xf32>"), "elements of the type"),
    "literal of another dtype": (_constant("dense<1> : tensor<3xi32>"), "elements of the type"),
    "literal that does not fit in memory": (
        _constant("dense<1.0> : tensor<1000000x1000000x10xf32>", "tensor<1000000x1000000x10xf32>"),
        "value is not of the kind array",
    ),
    "name of a symbol": (
        _function("return %x : tensor<3xf32>", '%B: index {catgrad.symbol = "B +"}, %x: tensor<3xf32>'),
        "name of ASCII letters",
    ),
    "facts of a symbol": (
        _function(
            "return %x : tensor<3xf32>", '%B: index {catgrad.symbol = "B", catgrad.min = "a"}, %x: tensor<3xf32>'
        ),
        "describes no symbol",
    ),
    "symbol after another argument": (
        _function("return %x : tensor<3xf32>", '%x: tensor<3xf32>, %B: index {catgrad.symbol = "B"}'),
        "needs one index argument",
    ),
    "symbol as a result": (_function("return %B : index", '%B: index {catgrad.symbol = "B"}', "index"), "no tensor"),
    "name of an argument": (
        _function("return %x : tensor<3xf32>", "%x: tensor<3xf32> {catgrad.name = 3}"),
        "StringAttr",
    ),
    "another symbol passed": (
        _function("return %x : tensor<3xf32>", '%B: index {catgrad.symbol = "B"}, %x: tensor<3xf32>', name="g")
        + _function(
            f"%0 = call @g(%S, %x) : (index, tensor<3xf32>) -> tensor<3xf32>\n{RETURNED}",
            '%S: index {catgrad.symbol = "S"}, %x: tensor<3xf32>',
        ),
        "@g takes the symbol B",
    ),
    "extent": (
        _function(
            '%0 = "catgrad.nat_to_tensor"() {value = "B +"} : () -> tensor<f32>\nreturn %0 : tensor<f32>',
            "",
            "tensor<f32>",
        ),
        "is not a dimension",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_refused(case, context):
    text, message = CASES[case]
    with context:
        module = ir.Module.parse(text)
        with pytest.raises(LiftError, match=message) as caught:
            lift(module)
        line = caught.value.op.location.start_line
    assert 1 <= line <= len(text.splitlines())


def test_the_error_is_at_the_operation(context):
    first = '%y = "catgrad.sin"(%x) : (tensor<3xf32>) -> tensor<3xf32>'
    text = _function(f"{first}\n%0 = arith.addf %x, %x : tensor<3xf32>\n{RETURNED}")
    with context:
        module = ir.Module.parse(text)
        with pytest.raises(LiftError) as caught:
            lift(module)
        assert caught.value.op.location.start_line == 3


def test_symbols_that_nothing_uses_may_be_passed(context):
    callee = _function("return %x : tensor<3xf32>", '%B: index {catgrad.symbol = "B"}, %x: tensor<3xf32>', name="g")
    call = f"%0 = call @g(%B, %x) : (index, tensor<3xf32>) -> tensor<3xf32>\n{RETURNED}"
    caller = _function(call, '%B: index {catgrad.symbol = "B"}, %x: tensor<3xf32>')
    with context:
        terms = lift(ir.Module.parse(callee + caller))
    assert terms["f"].source_types == terms["g"].source_types == (f32[3],)


def test_an_empty_module_has_no_terms(context):
    with context:
        assert lift(ir.Module.parse("")) == {}
