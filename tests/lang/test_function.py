"""Functions: definitions and their sharing, declared results, eager calls."""

import functools

import numpy as np
import pytest

import catgrad as cg
from catgrad.errors import CatgradError, TypeCheckError
from catgrad.types import f32, f64, i32

X = np.arange(3.0)


def _names(term):
    return [d.name for d in term.definitions]


def test_equal_code_at_equal_types_is_one_definition():
    layer = cg.function(lambda x: cg.tanh(x))
    assert len(cg.trace(lambda x: layer(layer(layer(x))), f32[3]).definitions) == 1


def test_other_types_make_another_definition():
    layer = cg.function(lambda x: cg.tanh(x))
    term = cg.trace(lambda x, y: (layer(x), layer(y), layer(x)), f32[3], f32[4])
    assert len(term.definitions) == 2


def test_another_nesting_makes_another_definition():
    total = cg.function(lambda x: cg.sum(x if not isinstance(x, tuple) else x[0]))
    term = cg.trace(lambda x: total(x) + total((x,)), f32[3])
    assert len(term.definitions) == 2


def test_two_decorations_of_one_function_are_the_same_code():
    def body(x):
        return cg.tanh(x)

    first, second = cg.function(body), cg.function(body)
    assert len(cg.trace(lambda x: first(second(x)), f32[3]).definitions) == 1


def test_functions_that_are_written_twice_are_two_definitions():
    first, second = (cg.function(lambda x, k=k: x * k) for k in (2, 3))
    term = cg.trace(lambda x: first(second(x)), f64[3])
    assert len(term.definitions) == 2
    assert cg.interpret(term, X).tolist() == (6 * X).tolist()


def test_definitions_are_listed_callees_first():
    inner = cg.function(lambda x: cg.exp(x))
    inner.name = "inner"

    @cg.function
    def outer(x):
        return inner(x) + inner(x)

    assert _names(cg.trace(lambda x: outer(inner(x)), f32[3])) == ["inner", "outer"]


def test_definitions_at_symbolic_types_are_bound_together():
    b = cg.dim("B")
    layer = cg.function(lambda x: cg.mean(x, axis=0, keepdims=True) + x)
    term = cg.trace(lambda x: layer(layer(x)), f64[b, 2])
    bound = term.substitute({"B": 3})
    assert len(bound.definitions) == 1
    assert bound.definitions[0].term.source_types == (f64[3, 2],)
    assert term.substitute({"B": 3}) is bound
    assert term.substitute({"C": 3}) is term
    x = np.arange(6.0).reshape(3, 2)
    once = x.mean(0, keepdims=True) + x
    np.testing.assert_allclose(cg.interpret(term, x), once.mean(0, keepdims=True) + once)


def test_nested_arguments_and_results_of_definitions():
    swap = cg.function(lambda pair: {"first": pair[1], "second": (pair[0], None)})
    term = cg.trace(lambda x, y: swap((x, y)), f64[3], f64[()])
    result = cg.interpret(term, X, np.float64(5))
    assert result["first"] == 5.0
    assert result["second"][0].tolist() == X.tolist()


def test_definitions_take_numbers_and_arrays():
    scale = cg.function(lambda x, k: x * k)
    term = cg.trace(lambda x: scale(x, 2.0) + scale(x, np.ones(3, np.float32)), f32[3])
    assert [d.term.source_types[1] for d in term.definitions] == [f32[()], f32[3]]
    assert cg.interpret(term, X.astype(np.float32)).tolist() == [0.0, 3.0, 6.0]


def test_a_definition_without_arguments_or_results():
    constant = cg.function(lambda: cg.ones((3,)))
    nothing = cg.function(lambda x: None)
    term = cg.trace(lambda x: (constant() + constant(), nothing(x)), f32[3])
    assert cg.interpret(term, X.astype(np.float32))[0].tolist() == [2.0] * 3


def test_a_function_that_calls_itself():
    def forever(x):
        return again(x)

    again = cg.function(forever)
    with pytest.raises(CatgradError, match=r"forever calls itself with arguments of the same types(.|\n)*return again"):
        cg.trace(again, f32[3])


def test_recursion_on_smaller_types_ends():
    @cg.function
    def halves(x):
        return x if x.shape[0] == 1 else halves(cg.sum(x.reshape(2, -1), axis=0))

    term = cg.trace(halves, f64[8])
    assert len(term.definitions) == 3
    assert cg.interpret(term, np.ones(8)).tolist() == [8.0]


def test_calling_evaluates_at_once():
    f = cg.function(lambda p, k: {"y": p["x"] * k})
    assert f({"x": X.astype(np.float32)}, 2.0)["y"].dtype == np.float32
    assert cg.function(lambda x: x)(1.0).dtype == np.float32
    assert cg.function(lambda x: x)(1).dtype == np.int32
    assert cg.function(lambda x: x)(np.float64(1)).dtype == np.float64
    with pytest.raises(TypeCheckError, match="expected an array, or numbers"):
        cg.function(lambda x: x)("text")


def test_terms_are_functions_at_their_types():
    term = cg.trace(lambda x: x + 1, f32[3])
    assert cg.trace(term, f32[3]) is term
    with pytest.raises(TypeCheckError, match=r"has the type \(f32\[3\]\) -> f32\[3\]"):
        cg.trace(term, f32[4])


def test_callables_of_every_kind():
    class Scale:
        def __init__(self, k):
            self.k = k

        def __call__(self, x):
            return x * self.k

        def method(self, x):
            return x * self.k

    scale = Scale(3.0)
    for f in (scale, scale.method, functools.partial(lambda k, x: x * k, 3.0), cg.function(scale)):
        assert cg.interpret(cg.trace(f, f32[()]), np.float32(2)) == 6.0
    assert cg.trace(cg.exp, f32[3]).input_names == ("x",)
    assert cg.trace(cg.where, cg.bool_[3], f32[3], f32[3]).input_names == ("condition", "x", "y")


def test_the_declared_result_is_checked():
    def right(x) -> f32[3]:
        return x + 1

    def wrong(x) -> f32[4]:
        return x + 1

    @cg.function
    def several(x) -> (f32[3], i32[()]):
        return x, cg.argmax(x)

    assert cg.trace(right, f32[3]).target_types == (f32[3],)
    assert cg.trace(several, f32[3]).target_types == (f32[3], i32[()])
    with pytest.raises(TypeCheckError, match=r"wrong declares the result f32\[4\], inferred is f32\[3\]") as caught:
        cg.trace(wrong, f32[3])
    assert caught.value.location.line == wrong.__code__.co_firstlineno
    *_, line, caret = str(caught.value).splitlines()
    assert line.strip() == "def wrong(x) -> f32[4]:"
    assert caret.index("^") == line.index("def")


def test_the_definition_is_shown_below_its_decorators():
    @cg.function
    def wrong(x) -> f32[4]:
        return x

    with pytest.raises(TypeCheckError, match=r"\n    def wrong\(x\) -> f32\[4\]:\n    \^"):
        cg.trace(wrong, f32[3])


def test_declared_results_may_be_symbolic():
    b = cg.dim("B")

    def doubled(x) -> f32[2 * b]:
        return x.reshape(-1)

    assert cg.trace(doubled, f32[b, 2]).type == "(f32[B, 2]) -> f32[2*B]"
    with pytest.raises(TypeCheckError, match=r"declares the result f32\[2\*B\], inferred is f32\[3\*B\]"):
        cg.trace(doubled, f32[b, 3])


def test_postponed_annotations_are_evaluated():
    def right(x) -> "cg.f32[3]":
        return x

    def wrong(x) -> "cg.f32[4]":
        return x

    def unknown(x) -> "somewhere.Else":  # noqa: F821
        return x

    assert cg.trace(right, f32[3]).type == cg.trace(unknown, f32[3]).type
    with pytest.raises(TypeCheckError, match="declares the result"):
        cg.trace(wrong, f32[3])


def test_annotations_that_are_no_types_say_nothing():
    def f(x: int) -> np.ndarray:
        return x

    def g(x: int) -> None:
        return x

    assert cg.trace(f, f32[3]).type == cg.trace(g, f32[3]).type


def test_declared_results_of_modules():
    class Wrong(cg.Module):
        def forward(self, x) -> f32[4]:
            return x

    with pytest.raises(TypeCheckError, match=r"Wrong declares the result f32\[4\]"):
        cg.trace(Wrong(), f32[3])
