"""The interpreter: checked arguments, symbols read off the arrays, any array library."""

import array_api_strict
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from programs import few, programs

import catgrad as cg
from catgrad.errors import ArgumentError, CatgradError
from catgrad.types import f32, f64, i32

B, S = cg.dim("B"), cg.dim("S", multiple_of=4)


@few
@given(programs(), st.integers(0, 9))
def test_another_library_gives_the_same(f, seed):
    term, x = cg.trace(f, *f.types), f.arrays(seed)
    results = cg.interpret(term, *map(array_api_strict.asarray, x))
    for y, expected in zip(results, cg.interpret(term, *x), strict=True):
        assert isinstance(y, type(array_api_strict.ones(())))
        np.testing.assert_allclose(np.asarray(y), expected, rtol=1e-12, atol=1e-12)


@few
@given(programs(), st.integers(0, 9))
def test_interpreting_is_running(f, seed):
    """The term means what the Python function does on arrays."""
    x = f.arrays(seed)
    for y, expected in zip(cg.interpret(cg.trace(f, *f.types), *x), f(*x), strict=True):
        np.testing.assert_array_equal(y, expected)


def test_a_program_without_arguments_may_name_its_library():
    term = cg.trace(lambda: cg.ones((2,)))
    assert isinstance(cg.interpret(term), np.ndarray)
    assert isinstance(cg.interpret(term, xp=array_api_strict), type(array_api_strict.ones(())))


def test_symbols_are_read_off_the_arrays():
    term = cg.trace(lambda x, y: cg.nat_to_tensor(B * S, i32), f32[B], f32[2 * S])
    assert cg.interpret(term, np.zeros(3, np.float32), np.zeros(8, np.float32)) == 12


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ([np.zeros((2, 4))], r"expected f32\[B, S\], got f64\[2, 4\]"),
        ([np.zeros(4, np.float32)], r"expected f32\[B, S\], got f32\[4\]"),
        ([np.zeros((2, 6), np.float32)], "multiple of 4"),
        ([], r"<lambda> takes 1 argument \(x\), got 0"),
        ([np.zeros((2, 4), np.float32)] * 2, r"<lambda> takes 1 argument \(x\), got 2"),
        ([[np.zeros((2, 4), np.float32)]], r"x: expected f32\[B, S\], got a list"),
        (["text"], "expected"),
        ([1.0], "expected"),
    ],
)
def test_arguments_are_checked(arrays, message):
    with pytest.raises(CatgradError, match=message):
        cg.interpret(cg.trace(lambda x: x, f32[B, S]), *arrays)


def test_one_symbol_has_one_size():
    term = cg.trace(lambda x, y: x + y, f32[B], f32[B])
    with pytest.raises(ArgumentError, match=r"y axis 0: expected B \(B = 2 from x axis 0\), got 3"):
        cg.interpret(term, np.zeros(2, np.float32), np.zeros(3, np.float32))


def test_sizes_that_nothing_tells():
    with pytest.raises(CatgradError):
        cg.interpret(cg.trace(lambda: cg.ones((B,))))


def test_empty_and_rank_0_arrays():
    term = cg.trace(lambda x, y: (cg.sum(x, axis=0) * y, cg.exp(x)), f64[B, 3], f64[()])
    total, y = cg.interpret(term, np.zeros((0, 3)), np.float64(2))
    assert (total.tolist(), y.shape) == ([0.0] * 3, (0, 3))


def test_results_of_rank_0_are_arrays():
    total = cg.interpret(cg.trace(lambda x: cg.sum(x), f64[3]), np.ones(3))
    assert isinstance(total, np.ndarray)
    assert total.shape == ()


def test_arguments_are_not_changed():
    x = np.arange(3.0)
    cg.interpret(cg.trace(lambda x: (x, -x, cg.reshape(x, (3, 1))), f64[3]), x)
    assert x.tolist() == [0.0, 1.0, 2.0]


def test_definitions_at_symbolic_sizes_are_evaluated_at_each_size():
    layer = cg.function(lambda x: cg.mean(x, axis=0, keepdims=True) + x)
    term = cg.trace(lambda x: layer(layer(x)), f64[B, 2])
    for size in (1, 3):
        assert cg.interpret(term, np.ones((size, 2))).tolist() == [[4.0, 4.0]] * size


@cg.function
def extremes_and_sum(x):
    """Return what has no value where there is nothing beside what has, in more operations than are inlined."""
    y = x
    for _ in range(40):
        y = y * x
    return cg.argmax(y, axis=0), cg.max(y, axis=0), cg.sum(y, axis=0)


@pytest.mark.parametrize("run", ["interpreter", "cpu", pytest.param("cuda:emulate", marks=pytest.mark.slow)])
def test_what_nobody_uses_needs_no_value(run):
    plain = lambda x: (cg.max(x, axis=0), cg.sum(x, axis=0))[1]  # noqa: E731
    called = lambda x: extremes_and_sum(x)[2] + extremes_and_sum(2 * x)[2]  # noqa: E731
    term = cg.trace(lambda x: (plain(x), called(x), cg.grad(lambda x: cg.sum(called(x)))(x)), f32[B, 3])
    x = np.zeros((0, 3), np.float32)
    results = cg.interpret(term, x) if run == "interpreter" else cg.compile(term, target=run)(x)
    assert [np.asarray(y).tolist() for y in results[:2]] == [[0.0] * 3] * 2
    assert results[2].shape == (0, 3)


def test_what_somebody_uses_needs_one():
    term = cg.trace(lambda x: extremes_and_sum(x)[1] + extremes_and_sum(2 * x)[2], f32[B, 3])
    for run in (lambda x: cg.interpret(term, x), cg.compile(term)):
        with pytest.raises(CatgradError, match="nothing has no value"):
            run(np.zeros((0, 3), np.float32))


def test_what_is_kept_for_sizes_is_bounded():
    """A term, and the definitions that it calls, remember some of the sizes they were evaluated at."""
    inner = cg.function(lambda x: cg.exp(x) + 1)
    term = cg.trace(lambda x: inner(inner(x)), cg.f32[cg.dim("B")])
    (definition,) = term.definitions
    for size in range(200):
        x = np.full(size, -100, np.float32)
        np.testing.assert_allclose(cg.interpret(term, x), np.exp(1) + 1, rtol=1e-6)
        bound = term.substitute({"B": size})
        assert len(bound.definitions) == 1
    assert len(term._bound) <= 64
    assert len(definition.term._bound) <= 64
