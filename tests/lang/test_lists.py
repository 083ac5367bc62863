"""Lists: an array where nothing says otherwise, a structure where types or traced values do; and what is no type."""

import numpy as np
import pytest

import catgrad as cg
from catgrad import nn
from catgrad.errors import ArgumentError, CatgradError, TypeCheckError
from catgrad.parameters import to_safetensors
from catgrad.types import f32, f64, i32

L, M = [1.0, 2.0, 3.0], [[1.0, 2.0], [3.0, 4.0]]
X = np.arange(3, dtype=np.float32)


def _loss(w, x):
    return cg.sum(w * x)


def _double(x):
    return x + x


class Numbers(list):
    """A list with its own way to be read."""

    def __iter__(self):
        raise AssertionError

    __getitem__ = __len__ = __iter__


AT_ONCE = [
    (lambda v, m: cg.exp(v), lambda v, m: np.exp(v)),
    (lambda v, m: cg.add(v, v), lambda v, m: v + v),
    (lambda v, m: cg.add(v, X), lambda v, m: v + X),
    (lambda v, m: cg.sum(m, axis=[0]), lambda v, m: m.sum(0)),
    (lambda v, m: cg.mean(m), lambda v, m: m.mean()),
    (lambda v, m: cg.matmul(m, m), lambda v, m: m @ m),
    (lambda v, m: cg.where([True, False, True], v, 0.0), lambda v, m: np.where([1, 0, 1], v, 0)),
    (lambda v, m: cg.reshape(m, [4]), lambda v, m: m.ravel()),
    (lambda v, m: cg.broadcast_to(v, (2, 3)), lambda v, m: np.broadcast_to(v, (2, 3))),
    (lambda v, m: cg.argmax(v), lambda v, m: 2),
    (lambda v, m: cg.softmax(v), lambda v, m: np.exp(v) / np.exp(v).sum()),
    (lambda v, m: cg.one_hot([1, 0], 2), lambda v, m: [[0, 1], [1, 0]]),
    (lambda v, m: cg.function(_double)(v), lambda v, m: 2 * v),
    (lambda v, m: cg.grad(_loss)(v, v), lambda v, m: v),
    (lambda v, m: cg.vjp(_double)(v, v)[1][0], lambda v, m: 2 * v),
    (lambda v, m: nn.Linear(2, 2).apply({"weight": M, "bias": [0, 0]}, m), lambda v, m: m @ m.T),
    (lambda v, m: cg.function(_double)([np.array(each) for each in v]), lambda v, m: 2 * v),
    (lambda v, m: cg.function(_double)([np.float32(v[0]), *v[1:]]), lambda v, m: 2 * v),
    (lambda v, m: cg.function(_double)(Numbers(v)), lambda v, m: 2 * v),
    (lambda v, m: cg.constant([np.float64(v[0]), *v[1:]]), lambda v, m: v),
    (lambda v, m: cg.contract("i,ij->j", v[:2], m), lambda v, m: v[:2] @ m),
    (lambda v, m: nn.mse(v, v), lambda v, m: 0),
    (lambda v, m: nn.softmax_cross_entropy(m, [0, 1]), lambda v, m: (np.log1p(np.e) + np.log1p(1 / np.e)) / 2),
    (lambda v, m: nn.Linear(2, 2).bind({"weight": M, "bias": [0, 0]})(m), lambda v, m: m @ m.T),
]


@pytest.mark.parametrize("case", range(len(AT_ONCE)))
def test_lists_are_arrays(case):
    use, expected = AT_ONCE[case]
    wanted = expected(np.asarray(L), np.asarray(M))
    np.testing.assert_allclose(use(L, M), wanted, rtol=1e-6)
    traced = cg.interpret(cg.trace(lambda x: use(L, M), f32[1]), X[:1])
    np.testing.assert_allclose(traced, wanted, rtol=1e-6)


def test_lists_take_the_dtype_of_what_they_meet():
    for dtype in (f64, f32, cg.f16):
        term = cg.trace(lambda x: (x + L, [1, 2, 3] * x, cg.maximum(x, L), x > [0, 1, 2]), dtype[3])
        assert [str(type.dtype) for type in term.target_types] == [str(dtype)] * 3 + ["bool"]
    with pytest.raises(CatgradError, match="has no place in a tensor of i32"):
        cg.trace(lambda x: x + L, i32[3])
    with pytest.raises(CatgradError, match="lists of one length"):
        cg.sum([[1.0], [1.0, 2.0]])


BESIDE = [
    lambda x, numbers: cg.multiply(x, numbers),
    lambda x, numbers: cg.multiply(numbers, x),
    lambda x, numbers: cg.where(cg.greater(x, 1), x, numbers),
    lambda x, numbers: cg.matmul(numbers, x),
    lambda x, numbers: cg.matmul(x, numbers),
    lambda x, numbers: cg.contract("i,j->ij", x, numbers),
    lambda x, numbers: cg.clip(x, numbers, numbers),
    lambda x, numbers: nn.mse(x, numbers),
    lambda x, numbers: nn.softmax_cross_entropy(x, numbers),
]
IN_LISTS = [L, [np.float64(1), 2, np.float32(3)], [np.array(1.0), 2.0, 3.0], Numbers(L)]


@pytest.mark.parametrize("dtype", [f64, f32, cg.f16], ids=str)
@pytest.mark.parametrize("f", BESIDE)
def test_numbers_in_lists_take_the_dtype_of_the_tensor_beside_them(f, dtype):
    x = np.arange(3).astype(dtype.numpy)
    expected = f(x, np.asarray(L, dtype.numpy))
    assert expected.dtype == dtype.numpy
    term = cg.trace(lambda x: [f(x, numbers) for numbers in IN_LISTS], dtype[3])
    for found in (*(f(x, numbers) for numbers in IN_LISTS), *cg.interpret(term, x), *cg.compile(term)(x)):
        assert found.dtype == dtype.numpy
        np.testing.assert_allclose(found, expected, rtol=1e-2 if dtype is cg.f16 else 1e-6)


def test_operators_take_lists():
    term = cg.trace(lambda x: (L @ x, x @ L, L * x, x - L), f64[3])
    x = np.arange(3.0)
    for found in (cg.interpret(term, x), cg.compile(term)(x)):
        assert [each.tolist() for each in found] == [8, 8, [0, 2, 6], [-1, -1, -1]]


@pytest.mark.parametrize("given", IN_LISTS[1:], ids=["scalars", "rank 0", "a class of its own"])
def test_an_argument_of_numbers_of_any_kind(given):
    term = cg.trace(_double, f32[3])
    for run in (lambda x: cg.interpret(term, x), cg.compile(term), cg.function(_double)):
        np.testing.assert_array_equal(run(given), [2, 4, 6])


def test_a_list_of_rows_is_an_array_where_one_is_expected():
    term = cg.trace(lambda x: x + x, f32[2, 3])
    for run in (lambda x: cg.interpret(term, x), cg.compile(term)):
        assert run([X, 2 * X]).tolist() == [(2 * X).tolist(), (4 * X).tolist()]
        with pytest.raises(ArgumentError):
            run([[X, X]])


def test_types_say_what_a_list_is():
    array = cg.trace(_double, f32[3])
    structure = cg.trace(lambda x: x[0] + x[1] + x[2], [f32[()]] * 3)
    for run in (cg.interpret, lambda term, *arguments: cg.compile(term)(*arguments)):
        assert run(array, L).tolist() == [2, 4, 6]
        assert run(structure, L) == 6
        with pytest.raises(ArgumentError):
            run(structure, np.asarray(L, np.float32))
        with pytest.raises(ArgumentError):
            run(array, ["a", "b", "c"])


def test_lists_of_arrays_and_of_results_are_structures():
    assert cg.function(lambda x: x[0] - x[1])([X, 2 * X]).tolist() == (-X).tolist()
    found = cg.function(lambda x: [x, 1.0, [2.0, 3.0]])(X)
    assert [np.asarray(each).tolist() for each in (found[0], found[1], *found[2])] == [X.tolist(), 1.0, 2.0, 3.0]
    assert cg.function(lambda x: x)([]) == []
    assert cg.trace(lambda x: x[0] + x[1], [X, X]).source_types == (f32[3], f32[3])


def test_an_example_stands_for_its_type():
    assert cg.trace(lambda x: x, L).source_types == (f32[3],)
    assert cg.trace(lambda x: x, [[1, 2], [3, 4]]).source_types == (i32[2, 2],)
    assert cg.trace(lambda x: x, {"a": 1.0, "b": np.zeros(2)}).source_types == (f32[()], f64[2])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((4, 3), r"expected a type, got \(4, 3\): write cg.f32\[4, 3\] for an array of that shape"),
        ([4, 3], r"got \[4, 3\]: write cg.f32\[4, 3\]"),
        (4, r"got 4: write cg.f32\[4\]"),
        (np.zeros((4, 3)).shape, r"write cg.f32\[4, 3\]"),
        ((cg.dim("B"), 3), r"write cg.f32\[B, 3\]"),
        ({"x": (4, 3)}, r"got \(4, 3\)"),
        (cg.f32, r"expected the type of an argument, such as cg.f32\[3, 4\], or an array, got f32: cg.f32\[\(\)\] is"),
        (np.float32, "expected the type of an argument"),
        ("f32[3]", "expected the type of an argument"),
        (np.ma.masked_array(X), "would lose its mask"),
        (np.zeros(3, object), "expected one of the dtypes"),
    ],
    ids=str,
)
def test_what_is_no_type(given, message):
    for use in (cg.trace, cg.compile):
        with pytest.raises(TypeCheckError, match=message):
            use(lambda x: x, given)


def test_masked_arrays_are_refused():
    masked = np.ma.masked_array(X, [0, 1, 0])
    term = cg.trace(_double, f32[3])
    for use in (
        lambda: cg.exp(masked),
        lambda: cg.constant(masked),
        lambda: cg.constant([masked]),
        lambda: cg.constant([masked], cg.f16),
        lambda: cg.constant([1.0, np.ma.masked]),
        lambda: cg.constant(np.ma.masked),
        lambda: cg.cast([masked[1], 1.0], f32),
        lambda: cg.sum([masked]),
        lambda: cg.add(X, [1.0, np.ma.masked, 2.0]),
        lambda: cg.trace(lambda x: x * [masked], f32[3]),
        lambda: cg.full((2,), np.ma.masked),
        lambda: cg.function(_double)([1.0, np.ma.masked]),
        lambda: cg.function(_double)([masked, masked]),
        lambda: cg.interpret(term, [1.0, 2.0, np.ma.masked]),
        lambda: cg.compile(term)([1.0, 2.0, np.ma.masked]),
        lambda: nn.Linear(3, 1, initializer=lambda generator, shape: np.ma.masked_array(np.ones(shape))).init(),
        lambda: nn.Linear(3, 1, bias=False).bind({"weight": [masked]}),
        lambda: cg.function(_double)(masked),
        lambda: cg.grad(_loss)(masked, X),
        lambda: cg.trace(lambda x: x + masked, f32[3]),
        lambda: cg.trace(lambda x: masked + x, f32[3]),
        lambda: cg.interpret(term, masked),
        lambda: cg.compile(term)(masked),
        lambda: to_safetensors({"x": masked}),
        lambda: nn.Linear(3, 1).apply({"weight": np.ma.masked_array([X]), "bias": X[:1]}, X),
    ):
        with pytest.raises(CatgradError, match="mask"):
            use()
