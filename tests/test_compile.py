"""Compilation through the public door: definitions, donation, symbols, empties, stages and errors."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pytest

import catgrad as cg
from catgrad import nn, optim
from catgrad.errors import ArgumentError

B, N = cg.dim("B"), cg.dim("N")


def arrays(*shapes, dtype=np.float32, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape).astype(dtype) for shape in shapes]


def agree(f, types, inputs):
    """Compile a function, compare what it gives with what the reference gives, and return the executable."""
    term = cg.trace(f, *types)
    exe = cg.compile(term)
    for a, b in zip(cg.interpret(term, *inputs), exe(*inputs), strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-5, atol=1e-5)
    return exe


@cg.function
def twice(x, w):
    return cg.tanh(x @ w) @ w.T


@cg.function
def nested(x, w):
    return twice(twice(x, w), w), cg.sum(x, axis=0), x


@cg.function
def deep(x, w):
    a, s, y = nested(x, w)
    b, t, _ = nested(a, w)
    return nested(b + y, w)[0], s + t


@pytest.mark.sampled(2)
@pytest.mark.parametrize("rows", [B, 5], ids=["dynamic", "static"])
def test_definitions_that_call_definitions(rows):
    x, w = arrays((5, 8), (8, 8))
    exe = agree(deep, (cg.f32[rows, 8], cg.f32[8, 8]), (x, w))
    assert exe.ir("bufferized").count("func.func private @twice") == 1
    assert "memref.alloc" not in exe.ir("kernels")


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", ["sin", "cos", "pow", "memcpy", "memset", "memmove", "free", "main", "printf"])
def test_a_function_may_have_the_name_of_one_of_c(name):
    def inner(x):
        return cg.sin(x) + cg.cos(x), cg.pow(x, x), cg.zeros((300,)), x

    inner.__name__ = name
    shared = cg.function(inner)

    def outer(x):
        a, b, c, d = shared(x)
        return a, b, c + 1, shared(d)[0]

    outer.__name__ = name
    (x,) = arrays((300,))
    agree(outer, (cg.f64[300],), (abs(x.astype(np.float64)) + 0.5,))


@pytest.mark.parametrize(
    "name",
    ["f.g", "llvm.sin", "llvm.", "f.entry", "f.workspace", "größe", "a b", '"', "", "\ud800", "a\0b", "x" * 5000],
    ids=ascii,
)
def test_a_function_may_have_any_name(name):
    def f(x):
        return inner(x), inner(2 * x)

    def body(x):
        return x @ x

    f.__name__ = body.__name__ = name
    inner = cg.function(body)
    (x,) = arrays((2, 2))
    exe = cg.compile(f, cg.f32[2, 2])
    np.testing.assert_allclose(exe(x)[1], 4 * x @ x, rtol=1e-5)


def test_transformed_functions_are_compiled():
    x, dy = arrays((3,), (3,))
    result, (dx,) = cg.compile(cg.vjp(cg.exp), cg.f32[3], cg.f32[3])(x, dy)
    np.testing.assert_allclose(result, np.exp(x), rtol=1e-6)
    np.testing.assert_allclose(dx, np.exp(x) * dy, rtol=1e-6)


def test_text_that_is_no_unicode(tmp_path):
    scope = {}
    exec(compile("import catgrad as cg\ndef f(p): return cg.exp(p['\\ud800'])", "\udcff.py", "exec"), scope)
    exe = cg.compile(scope["f"], {"\ud800": cg.f32[1]})
    assert exe({"\ud800": np.zeros(1, np.float32)}).tolist() == [1.0]
    exe.save(tmp_path / "f.catgrad")


def test_more_axes_than_arrays_have():
    with pytest.raises(cg.TypeCheckError, match=r"a tensor has at most 64 axes, given 65\n.*test_compile.py"):
        cg.compile(lambda x: x.reshape((1,) * 65), cg.f32[1])
    exe = cg.compile(lambda x: x.reshape((1,) * 64), cg.f32[1])
    assert exe(np.ones(1, np.float32)).ndim == 64


@pytest.mark.parametrize("rows", [B, 5], ids=["dynamic", "static"])
def test_a_definition_with_results_of_one_type(rows):
    three = cg.function(lambda x, w: (cg.tanh(x @ w), (x @ w) * 2, x + (x @ w)))

    def f(x, w):
        a, b, c = three(x, w)
        return (a, b, c, *three(b, w))

    agree(f, (cg.f32[rows, 8], cg.f32[8, 8]), arrays((5, 8), (8, 8)))


def test_one_executable_serves_every_size():
    f = cg.compile(lambda x, y: cg.sum(x * y, axis=1), cg.f32[B, 7], cg.f32[B, 7])
    for rows in (0, 1, 2, 17, 64):
        x, y = arrays((rows, 7), (rows, 7), seed=rows)
        np.testing.assert_allclose(f(x, y), (x * y).sum(1), rtol=1e-5, atol=1e-6)


def test_bind_makes_sizes_static():
    exe = cg.compile(lambda x: x + 1, cg.f32[B, 2 * B], bind={"B": 3})
    assert exe.signature.inputs == (cg.f32[3, 6],)
    with pytest.raises(cg.CatgradError, match=r"bind: .* has the symbols \['B'\], given \['N'\]"):
        cg.compile(lambda x: x, cg.f32[B], bind={"N": 3})


@pytest.mark.parametrize("f", [cg.max, cg.function(cg.min), cg.argmax, cg.grad(lambda x: cg.sum(cg.softmax(x)))])
def test_nothing_has_no_greatest_element(f):
    """An empty extent is refused wherever it becomes known: by the type, by the size that is bound, by the array."""
    exe = cg.compile(f, cg.f32[2 * B])
    assert np.all(np.isfinite(exe(np.zeros(2, np.float32))))
    with pytest.raises(cg.ArgumentError, match=r"2\*B has to be at least 1 \(here B = 0\)"):
        exe(np.zeros(0, np.float32))
    with pytest.raises(cg.TypeCheckError, match="of nothing has no value"):
        cg.compile(f, cg.f32[2 * B], bind={"B": 0})
    with pytest.raises(cg.TypeCheckError, match="of nothing has no value"):
        cg.interpret(cg.trace(f, cg.f32[2 * B]), np.zeros(0, np.float32))
    cg.compile(f, cg.f32[cg.dim("N", min=1)])


@pytest.mark.parametrize("target", ["cpu", "cuda:emulate"])
def test_reshapes_to_several_unknown_extents(target):
    def f(x):
        return cg.reshape(cg.tanh(x), (N, 4, B)), cg.sum(cg.reshape(x, (2 * N, 2 * B)), axis=0)

    exe, term = cg.compile(f, cg.f32[B, 4, N], target=target), cg.trace(f, cg.f32[B, 4, N])
    for shape in ((2, 4, 3), (0, 4, 3), (5, 4, 1)):
        (x,) = arrays(shape)
        for found, expected in zip(exe(x), cg.interpret(term, x), strict=True):
            np.testing.assert_allclose(np.asarray(found), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"bind": {"B": "q"}}, "bind: expected an integer or a dimension, got 'q'"),
        ({"bind": {"B": 2.5}}, "bind: expected an integer or a dimension, got 2.5"),
        ({"bind": {"B": -1}}, "bind: B = -1 is not at least 0"),
        ({"bind": ["B"]}, r"bind: expected values by symbol, such as {'B': 128}, got \['B'\]"),
        ({"donate": "x"}, "donate: f takes 1 arguments, counted from 0; given 'x'"),
        ({"donate": True}, "given True"),
        ({"donate": (0, 1.5)}, r"given \(0, 1.5\)"),
        ({"target": "abacus"}, "unknown target 'abacus': expected one of cpu, cpu:x86-64-v2"),
    ],
)
def test_what_compile_does_not_take_is_shown_at_the_line_that_gives_it(given, message):
    def f(x):
        return x + 1

    with pytest.raises(cg.CatgradError, match=message) as caught:
        cg.compile(f, cg.f32[B], **given)
    assert "test_compile.py" in str(caught.value)


def test_a_symbol_that_no_input_has_is_refused():
    with pytest.raises(cg.CatgradError, match="no input has the symbolic dimension"):
        cg.compile(lambda: cg.zeros((B,)))
    with pytest.raises(cg.CatgradError, match=r"the size B cannot be determined from x axis 1: B\*B"):
        cg.compile(lambda x: x, cg.f32[3, B * B])


@pytest.mark.parametrize(
    "f",
    [lambda x: x, lambda x: (x, x), lambda x: (), lambda x: cg.constant([1.0, 2.0]), lambda x: {"a": x, "b": (x * 2,)}],
    ids=["identity", "twice", "nothing", "constant", "nested"],
)
def test_shapes_of_programs(f):
    (x,) = arrays((3,))
    expected, found = cg.interpret(cg.trace(f, cg.f32[3]), x), cg.compile(f, cg.f32[3])(x)
    assert str(expected) == str(found)


def test_no_arguments():
    np.testing.assert_array_equal(cg.compile(lambda: cg.arange(4))(), [0, 1, 2, 3])


def test_results_are_not_the_arguments():
    (x,) = arrays((3,))
    result = cg.compile(lambda x: x, cg.f32[3])(x)
    assert not np.shares_memory(result, x)


def test_donated_arguments_are_updated_in_place():
    exe = cg.compile(lambda s, g: (s + g, cg.sum(g)), cg.f32[4], cg.f32[4], donate=0)
    s, g = arrays((4,), (4,), seed=3)
    expected, total = s + g, g.sum()
    found, loss = exe(s, g)
    assert found is s
    np.testing.assert_allclose(found, expected)
    np.testing.assert_allclose(loss, total, rtol=1e-6)
    assert "memref.alloc" not in exe.ir("bufferized")


def test_a_donated_argument_is_not_overwritten_before_it_is_read():
    exe = cg.compile(lambda s, g: (s + g, cg.sum(s)), cg.f32[4], cg.f32[4], donate=0)
    s, g = arrays((4,), (4,))
    expected, total = s + g, s.sum()
    found, loss = exe(s, g)
    np.testing.assert_allclose(found, expected)
    np.testing.assert_allclose(loss, total, rtol=1e-6)


def test_donating_what_no_result_fits_is_refused():
    with pytest.raises(cg.CatgradError, match=r"no result of .* has the type f32\[4\] of x"):
        cg.compile(lambda x: cg.sum(x), cg.f32[4], donate=0)
    with pytest.raises(cg.CatgradError, match="takes 1 arguments, counted from 0; given 3"):
        cg.compile(lambda x: x, cg.f32[4], donate=3)


def test_a_step_allocates_nothing_for_its_parameters():
    model = nn.Linear(8, 4)
    learner = cg.learner(model, loss=nn.mse, optimizer=optim.adam(1e-2))
    step = cg.compile(learner.step, cg.f32[16, 8], cg.f32[16, 4])
    assert "memref.copy" not in step.ir("bufferized")
    state = learner.init(seed=0)
    places = {path: array.ctypes.data for path, array in state["parameters"].items()}
    x, y = arrays((16, 8), (16, 4))
    for _ in range(3):
        state, _ = step(state, x, y)
    assert {path: array.ctypes.data for path, array in state["parameters"].items()} == places


def test_stages_can_be_shown():
    exe = cg.compile(lambda x: cg.exp(x), cg.f32[64])
    assert exe.stages == cg.stages("cpu")
    assert "exp" in exe.ir("term")
    assert '"catgrad.exp"' in exe.ir("catgrad")
    assert "linalg.generic" in exe.ir("linalg")
    assert "llvm.func" in exe.ir("llvm")
    assert "define" in exe.ir("llvm-ir")
    assert "\nlambda.entry:" in exe.ir("asm")
    with pytest.raises(cg.CatgradError, match="has no stage 'nonsense': its stages are term, catgrad, linalg"):
        exe.ir("nonsense")


def test_an_unknown_target_is_refused():
    with pytest.raises(cg.CatgradError, match="target 'abacus'"):
        cg.compile(lambda x: x, cg.f32[3], target="abacus")


def test_gradients_of_functions_with_symbols():
    df = cg.compile(cg.grad(lambda x, w: cg.mean(cg.tanh(x @ w)), wrt=1), cg.f32[B, 4], cg.f32[4, 3])
    x, w = arrays((6, 4), (4, 3))
    expected = x.T @ (1 - np.tanh(x @ w) ** 2) / 18
    np.testing.assert_allclose(df(x, w), expected, rtol=1e-5, atol=1e-6)


def test_an_argmax_shares_what_others_read():
    """The greatest value, which nobody reads, is folded into all the same."""
    (x,) = arrays((4, 3))
    agree(lambda x: (x * 3 + cg.cast(cg.argmax(x * 2, axis=0), cg.f32),), (cg.f32[4, 3],), (x,))
    agree(lambda x: (x * cg.one_hot(cg.argmax(x * 2, axis=1), 3),), (cg.f32[4, 3],), (x,))
    agree(lambda x, b: (cg.exp(x) * 3, cg.argmax(x * b, axis=1)), (cg.f32[4, 3], cg.f32[3]), (x, x[0]))


def test_a_definition_may_be_called_like_a_kernel():
    def kernel_0(x, w):
        return cg.tanh(x @ w)

    shared = cg.function(kernel_0)
    x, w = arrays((5, 8), (8, 8))
    agree(lambda x, w: (shared(shared(x, w), w) @ w @ w @ w,), (cg.f32[5, 8], cg.f32[8, 8]), (x, w))


def test_a_definition_of_narrow_floats_has_a_reference():
    shared = cg.function(lambda x: x + 1)
    agree(lambda x: (shared(x) * 2,), (cg.f16[3],), (np.ones(3, np.float16),))


# Arguments and results without arrays.


class Nothing(NamedTuple):
    at_all: object = None


@dataclass
class Empty:
    inside: object = None


WITHOUT = (None, {}, [], (), {"a": None, "b": [(), {}]}, Nothing(), Empty({"c": None}))


@pytest.mark.parametrize("nested", [*WITHOUT, WITHOUT], ids=repr)
def test_arguments_and_results_without_arrays(nested):
    term = cg.trace(lambda nothing: nothing, nested)
    exe = cg.compile(term)
    for found in (cg.interpret(term, nested), cg.function(lambda nothing: nothing)(nested), exe(nested)):
        assert type(found) is type(nested)
        assert found == nested
    with pytest.raises(ArgumentError, match=r"lambda: _ (is a tuple, not|has 1 element, not)"):
        exe((1.0,))


@pytest.mark.parametrize("target", ["cpu", "cuda:emulate"])
def test_arguments_and_results_besides_those_without_arrays(target):
    exe = cg.compile(lambda nothing, x: (x + 1, nothing), WITHOUT, cg.f32[2], target=target)
    found, nothing = exe(WITHOUT, np.ones(2, np.float32))
    assert np.asarray(found).tolist() == [2, 2]
    assert nothing == WITHOUT
    assert cg.compile(lambda x: None, cg.f32[2], target=target)(np.ones(2, np.float32)) is None


def test_derivatives_with_arguments_without_arrays():
    x = np.ones(2, np.float32)
    f = lambda nothing, x: cg.sum(x * x)  # noqa: E731
    assert cg.compile(cg.grad(f, wrt=1), {}, cg.f32[2])({}, x).tolist() == [2, 2]
    results, (none, dx) = cg.compile(cg.vjp(f), None, cg.f32[2], cg.f32[()])(None, x, 1.0)
    assert (results, none, dx.tolist()) == (2, None, [2, 2])


# Conversions of arguments, of which tests/runtime/test_arguments.py has all.


@pytest.mark.parametrize("target", ["cpu", "cuda:emulate"])
def test_arguments_are_copied_when_they_must_be(target):
    step = lambda state, x, y: (state + cg.sum(x) + cg.cast(cg.sum(y), cg.f32), x)  # noqa: E731
    types = cg.f32[()], cg.f32[B, 3], cg.i32[N]
    exe, strict = (cg.compile(step, *types, target=target, strict=flag) for flag in (False, True))
    x, y = np.arange(6, dtype=np.float32).reshape(2, 3), np.array([1, 2], np.int32)
    expected = [18, x.tolist()]
    fits = (np.float32(0), x, y)
    for given in (
        (0.0, x.astype(float), y.astype(np.int64)),
        (np.float64(0), np.repeat(x, 2, axis=0)[::2], [1, 2]),
        (0, x[::-1][::-1], y.astype(">i2")),
        (0, x.tolist(), y[::-1]),
        (np.zeros((), ">f8"), np.asfortranarray(x).astype(">f4"), np.array([9, 1, 9, 2], np.uint8)[1::2]),
    ):
        assert [np.asarray(r).tolist() for r in exe(*given)] == expected
        with pytest.raises(ArgumentError, match="must be"):
            strict(*given)
    for run in (exe, strict):
        assert [np.asarray(r).tolist() for r in run(*fits)] == expected
        for place, wrong in ((1, x.astype(int)), (2, x[0]), (1, np.ma.masked_array(x)), (1, x.astype(object))):
            with pytest.raises(ArgumentError, match="pass "):
                run(*fits[:place], wrong, *fits[place + 1 :])
    with pytest.raises(ArgumentError, match=r"y must be i32\[N\], but y\[1\] is 4294967296, out of range"):
        exe(0.0, x, np.array([1, 2**32]))
