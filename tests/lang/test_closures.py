"""Closures: functions that use values of the functions around them mean the same eagerly, traced and compiled."""

import copy
import functools
import pickle
import sys

import numpy as np
import pytest
from objects import Capturing

import catgrad as cg
from catgrad.errors import CatgradError
from catgrad.types import bool_, f64, i64

X, V = np.array([1.0, 2.0, 3.0]), np.array([0.5, -1.0, 2.0])
K, M = np.array([2, -1, 3]), np.array([True, False, True])
TYPES = (f64[3], f64[3], i64[3], bool_[3])
ARRAYS = (X, V, K, M)


def _of_grad(x, v, k, m):
    return cg.grad(lambda z: cg.sum(z * z * v))(x)


def _several_deep(x, v, k, m):
    def outer(a):
        inner = cg.grad(lambda b: cg.sum(b * b * a * a * v * x))
        return cg.sum(inner(a) * v)

    return cg.grad(outer)(x)


def _of_vjp(x, v, k, m):
    result, (dz, dw) = cg.vjp(lambda z, w: z * w * v)(x, v, 2 * x)
    return result + dz - dw


def _of_value_and_grad(x, v, k, m):
    value, (dw, dz) = cg.value_and_grad(lambda z, w: cg.sum(z * cg.tanh(w) * v), wrt=(-1, 0))(x, v)
    return value * dw + dz


def _of_integers_and_bools(x, v, k, m):
    inner = cg.function(lambda z: cg.where(m, z, -z) * cg.cast(k, f64) + cg.cast(m, f64))
    return inner(x) + cg.grad(lambda z: cg.sum(inner(z) * v))(x)


def _called_twice(x, v, k, m):
    total = x
    for each in (v, 2 * v, x):
        total = total + cg.function(lambda z, each=each: z * each)(total)
    return total


def _rebound(x, v, k, m):
    w = v
    inner = cg.function(lambda z: z * w)
    first = inner(x)
    w = x
    return first + inner(x)


def _number_rebound(x, v, k, m):
    n = 2
    inner = cg.function(lambda z: z * n + v)
    first = inner(x)
    n = 3
    return first - inner(x)


def _list_and_array_changed(x, v, k, m):
    numbers, array = [1.0, v], np.ones(1)
    inner = cg.function(lambda z: z * numbers[0] + numbers[1] * array)
    results = [inner(x)]
    numbers[0] = 2.0
    results.append(inner(x))
    numbers[1] = x
    results.append(inner(x))
    array[0] = 7.0
    results.append(inner(x))
    return results[0] - results[1] * results[2] + results[3]


def _returned_as_it_is(x, v, k, m):
    a, b = cg.function(lambda z: (v, z))(x)
    return a - 3 * b


def _through_a_function_that_captures(x, v, k, m):
    scale = cg.function(lambda z: z * v)
    return cg.grad(lambda z: cg.sum(scale(scale(z)) * x))(x)


def _gradient_of_a_gradient_in_what_is_captured(x, v, k, m):
    def outer(w):
        return cg.sum(cg.grad(lambda z: cg.sum(z * z * w * w))(x) * v)

    return cg.grad(outer)(v)


def _sizes(x, v, k, m):
    n = x.shape[0]
    inner = cg.function(lambda z: cg.sum(cg.broadcast_to(z, (n, n)) * v, axis=0) / cg.nat_to_tensor(n, f64))
    return inner(x) + cg.grad(lambda z: cg.sum(inner(z)))(x)


def _of_a_module(x, v, k, m):
    class Scale(cg.Module):
        def forward(self, z):
            return z * v

    return Scale()(x) + cg.grad(lambda z: cg.sum(Scale()(z) * z))(x)


def _of_a_bound_module(x, v, k, m):
    layer = cg.nn.Linear(3, 3, dtype=f64).bind({"weight": v.reshape(3, 1) * x, "bias": x})
    return cg.grad(lambda z: cg.sum(layer(z) * z))(v)


PROGRAMS = {
    _of_grad: lambda x, v, k, m: 2 * x * v,
    _several_deep: lambda x, v, k, m: 6 * x * x * v * v * x,
    _of_vjp: lambda x, v, k, m: x * v * v + 2 * x * v * v - 2 * x * x * v,
    _of_value_and_grad: lambda x, v, k, m: (
        cg.sum(x * cg.tanh(v) * v) * x * v * (1 - cg.square(cg.tanh(v))) + cg.tanh(v) * v
    ),
    _of_integers_and_bools: lambda x, v, k, m: (
        (x + v) * cg.where(m, cg.cast(k, f64), -cg.cast(k, f64)) + cg.cast(m, f64)
    ),
    _called_twice: lambda x, v, k, m: x * (1 + v) * (1 + 2 * v) * (1 + x),
    _rebound: lambda x, v, k, m: x * v + x * x,
    _number_rebound: lambda x, v, k, m: -x,
    _list_and_array_changed: lambda x, v, k, m: (x + v) - (2 * x + v) * (3 * x) + 2 * x + x * 7.0,
    _returned_as_it_is: lambda x, v, k, m: v - 3 * x,
    _through_a_function_that_captures: lambda x, v, k, m: v * v * x,
    _gradient_of_a_gradient_in_what_is_captured: lambda x, v, k, m: 4 * x * v * v,
    _sizes: lambda x, v, k, m: x * v + v,
    _of_a_module: lambda x, v, k, m: x * v + 2 * x * v,
    _of_a_bound_module: lambda x, v, k, m: v * cg.sum(x * v) + cg.sum(v * v) * x + x,
}
"""Programs with closures, and what they are without."""
every = pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)


@every
def test_closures_are_what_they_are_written_out(program):
    expected = np.asarray(PROGRAMS[program](*ARRAYS))
    np.testing.assert_allclose(program(*ARRAYS), expected, rtol=1e-12)
    term = cg.trace(program, *TYPES)
    cg.check(term)
    assert len(term.source_types) == 4
    np.testing.assert_allclose(cg.interpret(term, *ARRAYS), expected, rtol=1e-12)


@every
def test_gradients_flow_to_what_is_captured(program):
    weights = np.array([1.0, -2.0, 0.5])

    def loss(f):
        return lambda *arguments: cg.sum(f(*arguments) * weights)

    expected = cg.grad(loss(PROGRAMS[program]), wrt=(0, 1))(*ARRAYS)
    found = cg.grad(loss(program), wrt=(0, 1))(*ARRAYS)
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("target", ["cpu", pytest.param("cuda:emulate", marks=pytest.mark.slow)])
def test_compiled_closures(target):
    programs = [f for f in PROGRAMS if f is not _of_a_bound_module]
    types = [type.dtype["B"] for type in TYPES]
    exe = cg.compile(lambda *arguments: [f(*arguments) for f in programs], *types, target=target)
    for found, program in zip(exe(*ARRAYS), programs, strict=True):
        np.testing.assert_allclose(np.asarray(found), PROGRAMS[program](*ARRAYS), rtol=1e-12)


def test_a_definition_has_what_it_captures_as_its_last_argument():
    term = cg.trace(_of_grad, *TYPES)
    (definition,) = term.definitions
    assert definition.term.type == "(f64[3], (f64[3])) -> f64[3]"
    assert definition.term.input_names == ("z", "captured[0]")
    assert definition.term.captured == ()


def test_one_definition_for_all_that_is_captured():
    def f(x, v):
        for w in (v, x, v + x):
            x = cg.function(lambda z, w=w: cg.tanh(z * w))(x)
        return x

    def g(x, v):
        w = v
        scale = cg.function(lambda z: cg.tanh(z * w))
        for each in (v, x, v + x):
            w = each
            x = scale(x)
        return x

    for program in (f, g):
        assert len(cg.trace(program, f64[3], f64[3]).definitions) == 1


def test_values_captured_twice_and_two_values_are_told_apart():
    def f(x, v):
        pair = [x, x]
        inner = cg.function(lambda z: z + pair[0] * 2 + pair[1])
        first = inner(x)
        pair[1] = v
        return first, inner(x)

    first, second = cg.interpret(cg.trace(f, f64[3], f64[3]), X, V)
    assert (first.tolist(), second.tolist()) == ((4 * X).tolist(), (3 * X + V).tolist())


def test_fresh_functions_in_a_loop_are_told_apart_by_what_they_capture():
    def f(x):
        for n in (1, 1.0, True, 2, -0.0, 0.0, "a"):
            x = x + cg.function(lambda z, n=n: z * (len(n) if isinstance(n, str) else n))(x)
        return x

    np.testing.assert_allclose(cg.interpret(cg.trace(f, f64[3]), X), f(X), rtol=1e-12)


def test_recursion_ends_by_what_is_captured():
    def f(x):
        depth = 3

        def again(z):
            nonlocal depth
            depth -= 1
            return z * 2 if depth < 0 else recursive(z) * 2

        recursive = cg.function(again)
        return recursive(x)

    assert cg.interpret(cg.trace(f, f64[3]), X).tolist() == (16 * X).tolist()


@pytest.mark.parametrize("where", [cg.trace, cg.compile])
def test_programs_of_their_own_capture_nothing(where):
    with pytest.raises(CatgradError, match="belongs to another function being traced: pass it in as an argument"):
        cg.trace(lambda x: where(lambda y: x * y, f64[3]), f64[3])


def test_an_error_inside_does_not_make_the_function_recursive():
    inner = cg.function(lambda z: z.reshape(7))

    def f(x):
        for _ in range(2):
            with pytest.raises(CatgradError, match="reshape"):
                inner(x)
        return x

    cg.trace(f, f64[3])


def test_modules_that_capture_are_traced_once(monkeypatch):
    traced = []

    def counting(run, name, *rest):
        traced.append(name)
        return trace_function(run, name, *rest)

    trace_function = sys.modules[cg.Module.__module__].trace_function
    monkeypatch.setattr(sys.modules[cg.Module.__module__], "trace_function", counting)

    def f(x, v):
        layers = [Capturing(lambda z, k=k: z * v + k) for k in (1.0, 1.0, 2.0, 1.0)]
        for layer in layers:
            x = layer(x)
        v = x
        return layers[0](x)

    term = cg.trace(f, f64[3], f64[3])
    assert traced == ["Capturing"] * 2
    assert [d.term.input_names for d in term.definitions] == [("x", "captured[0]")] * 2
    expected = X
    for k in (1, 1, 2, 1):
        expected = expected * V + k
    np.testing.assert_allclose(cg.interpret(term, X, V), expected * expected + 1, rtol=1e-12)


def test_a_function_that_captures_what_a_module_is_bound_to():
    def f(x, v):
        results = []
        for w in (v, 2 * v, np.array([7.0, 8.0, 9.0]), np.ones(3)):
            layer = cg.nn.Linear(3, 3, dtype=f64).bind({"weight": np.eye(3), "bias": w})
            layer.use = lambda z, w=w: z + w
            results.append(Capturing(lambda z, layer=layer: layer(z) + layer.use(z))(x))
        return results

    found = cg.interpret(cg.trace(f, f64[3], f64[3]), X, V)
    for each, w in zip(found, (V, 2 * V, np.array([7.0, 8.0, 9.0]), np.ones(3)), strict=True):
        np.testing.assert_allclose(each, 2 * (X + w))


def test_a_shared_value_is_not_a_setting_that_looks_like_it():
    class Two(cg.Module):
        def __init__(self, first, second):
            self.first, self.second = first, second

        def forward(self, x):
            return x * self.first + self.second

    def f(x, v):
        return [Two(v, second)(x) for second in (v, 0, 1, x)]

    found = cg.interpret(cg.trace(f, f64[3], f64[3]), X, V)
    for each, second in zip(found, (V, 0, 1, X), strict=True):
        np.testing.assert_allclose(each, X * V + second)


def test_terms_with_captured_values_are_saved():
    term = cg.trace(lambda *arguments: [f(*arguments) for f in PROGRAMS], *TYPES)
    for again in (pickle.loads(pickle.dumps(term)), copy.deepcopy(term)):
        assert str(again) == str(term)
        np.testing.assert_equal(cg.interpret(again, *ARRAYS), cg.interpret(term, *ARRAYS))


def _chain(depth):
    f = cg.function(lambda z: z * 2)
    for _ in range(depth):
        f = cg.function(lambda z, f=f: f(z) + 1)
    return f


def _inside(depth, x):
    return x * 2 if depth == 0 else cg.function(lambda z: _inside(depth - 1, z) + 1)(x)


def test_definitions_nested_deeply():
    term = cg.trace(_chain(60), f64["B"])
    for each in (term, pickle.loads(pickle.dumps(term)), copy.deepcopy(term)):
        assert cg.interpret(each, X).tolist() == (2 * X + 60).tolist()
    assert cg.grad(lambda x: cg.sum(_chain(60)(x)))(X).tolist() == [2.0] * 3
    for program in (_chain(500), functools.partial(_inside, 500)):
        with pytest.raises(CatgradError, match="definitions are nested more deeply than Python's stack"):
            cg.trace(program, f64[3])
