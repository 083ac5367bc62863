import copy
import gc
import pickle

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import catgrad as cg
from catgrad import types
from catgrad.dims import dim, minimum
from catgrad.errors import CatgradError, TypeCheckError
from catgrad.types import TensorType, as_array, bf16, bool_, dtype, dtypes, f16, f32, f64, i32, i64, parse_type

B, S = dim("B"), dim("S", multiple_of=64, max=2048)

extents = st.integers(0, 9) | st.sampled_from([B, S, 2 * B + 1, S // 64, minimum(B, 128), B % 7])
tensor_types = st.builds(TensorType, st.sampled_from(dtypes), st.lists(extents, max_size=4))
laws = settings(deadline=None, max_examples=100)


@laws
@given(tensor_types)
def test_text_is_read_back(type_):
    assert parse_type(str(type_), type_.symbols) is type_


@laws
@given(tensor_types)
def test_repr_evaluates_to_the_type(type_):
    functions = {"floordiv": lambda a, b: a // b, "min": minimum}
    assert eval(repr(type_), vars(types) | functions | {"B": B, "S": S}) is type_


@laws
@given(tensor_types, tensor_types)
def test_equal_types_are_one_object(x, y):
    assert (x == y) == (x is y) == ((x.dtype, x.shape) == (y.dtype, y.shape))


@laws
@given(tensor_types, st.integers(0, 9), st.integers(0, 32))
def test_substitution_makes_types_static(type_, batch, chunks):
    env = {"B": batch, "S": 64 * chunks}
    static = type_.substitute(env)
    assert static.is_static
    assert static.size == np.prod(static.shape, dtype=int)
    assert static.dtype is type_.dtype
    assert static.rank == type_.rank


@laws
@given(tensor_types)
def test_copies_are_the_same_object(type_):
    assert copy.deepcopy(type_) is pickle.loads(pickle.dumps(type_)) is type_


def test_shapes():
    assert f32[B, 784].shape == f32["B", 784].shape == f32[("B", np.int64(784))].shape == (B, 784)
    assert f32[3].shape == (3,)
    assert f32[()].shape == ()
    assert f32[B + B] is f32[2 * B]
    assert f32[3] != i32[3]
    assert f32[3] != (f32, (3,))


def test_text():
    assert str(f32[B, 784]) == repr(f32[B, 784]) == "f32[B, 784]"
    assert (str(f32[()]), repr(f32[()])) == ("f32[]", "f32[()]")
    assert (str(bool_[3]), repr(bool_[3])) == ("bool[3]", "bool_[3]")


def test_properties():
    type_ = bf16[S, 3, B]
    assert (type_.rank, type_.size, type_.symbols, type_.is_static) == (3, 3 * B * S, (S, B), False)
    assert f32[()].size == 1
    assert f32[2, 3].is_static


def test_types_that_are_no_longer_used_are_forgotten():
    before = len(TensorType._interned)
    kept = [f32[dim(f"forgotten{i}")] for i in range(10)]
    assert len(TensorType._interned) == before + len(kept)
    del kept
    gc.collect()
    assert len(TensorType._interned) <= before


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((-1,), "the extent of an axis is negative: -1"),
        ((B, -B - 1), "negative: -B - 1"),
        ((1.5,), "expected an integer or a dimension, got 1.5"),
        ((True,), "got True"),
        ((None,), "got None"),
        (("B +",), r"'B \+' is not a dimension"),
        ((2**63,), "does not fit in 64 bits"),
    ],
)
def test_impossible_extents(shape, message):
    with pytest.raises(TypeCheckError, match=message):
        f32[shape]


def test_a_name_with_two_sets_of_facts_is_an_error():
    with pytest.raises(CatgradError, match="B is used with two sets of facts"):
        f32[B, dim("B", max=3)]


@pytest.mark.parametrize(
    "text", ["f32", "f33[2]", "f32[2", "f32[B +]", "f32[-1]", "[2]", "f32[2][3]", "f32[2,,3]", "", "i8[3]"]
)
def test_parse_type_rejects(text):
    with pytest.raises(TypeCheckError):
        parse_type(text)


def test_parse_type_shows_the_text():
    with pytest.raises(TypeCheckError, match=r"in the type 'f32\[B \+\]': 'B \+' is not a dimension"):
        parse_type("f32[B +]")


@pytest.mark.parametrize(
    ("each", "numpy", "kind", "bits", "accumulator"),
    [
        (bool_, np.bool_, "bool", 8, bool_),
        (i32, np.int32, "int", 32, i32),
        (i64, np.int64, "int", 64, i64),
        (f16, np.float16, "float", 16, f32),
        (bf16, ml_dtypes.bfloat16, "float", 16, f32),
        (f32, np.float32, "float", 32, f32),
        (f64, np.float64, "float", 64, f64),
    ],
)
def test_dtypes(each, numpy, kind, bits, accumulator):
    assert each in dtypes
    assert each.numpy == np.dtype(numpy)
    assert each.numpy.itemsize * 8 == each.bits == bits
    assert (each.is_bool, each.is_integer, each.is_float) == (kind == "bool", kind == "int", kind == "float")
    assert each.kind == kind
    assert each.accumulator is accumulator
    assert dtype(each) is dtype(each.name) is dtype(numpy) is dtype(each.numpy) is each
    assert copy.deepcopy(each) is pickle.loads(pickle.dumps(each)) is each


def test_python_numbers_have_default_dtypes():
    assert (dtype(bool), dtype(int), dtype(float)) == (bool_, i32, f32)
    assert (TensorType.of(True), TensorType.of(3), TensorType.of(3.0)) == (bool_[()], i32[()], f32[()])


@pytest.mark.parametrize("unknown", ["f8", "i8", "float32x", None, np.int16, np.dtype(">f4"), complex, [], np.zeros(2)])
def test_unknown_dtypes(unknown):
    with pytest.raises(TypeCheckError, match="expected one of the dtypes bool, i32, i64, f16, bf16, f32, f64, got"):
        dtype(unknown)


def test_the_type_of_an_array():
    assert TensorType.of(np.zeros((2, 0), ml_dtypes.bfloat16)) is bf16[2, 0]
    assert TensorType.of(np.float64(3)) is f64[()]
    assert TensorType.of(np.True_) is bool_[()]
    with pytest.raises(TypeCheckError, match="expected an array or a number, got tuple"):
        TensorType.of((1,))
    with pytest.raises(TypeCheckError, match="int16"):
        TensorType.of(np.zeros(2, np.int16))


@pytest.mark.parametrize("shape", [(2**33, 2**33), (2**46 + 1,), (0, 2**40, 2**40), ("B", 2**40, 2**40)])
def test_a_tensor_that_no_memory_holds_is_no_type(shape):
    with pytest.raises(TypeCheckError, match="has more than 70368744177664 elements"):
        f32[shape]
    assert f32[2**46, "B"].rank == 2


@pytest.mark.parametrize("each", dtypes, ids=str)
def test_dtypes_are_those_of_numpy(each):
    known = each.numpy
    for same in (known, known.type, known.name, each.name, np.dtype(known.type), copy.deepcopy(each)):
        assert each == same
        assert same == each
        assert not each != same
    assert hash(each) == hash(known)
    assert {known: 1}[each] == {each: 1}[known] == 1
    assert np.dtype(each) is known
    assert np.zeros(2, each).dtype == known
    assert np.zeros(2, known).astype(each).dtype == each
    others = (
        None,
        3,
        "x",
        float,
        np.complex64,
        np.dtype("c8"),
        known.newbyteorder(),
        *(d for d in dtypes if d is not each),
    )
    for other in others:
        if other != known or other is float:
            assert each != other
            assert other != each


def test_dtypes_of_numpy_are_taken_everywhere():
    for half in (np.float16, np.dtype("f2"), "float16", "f16", f16):
        assert TensorType(half, (3,)) is f16[3]
        assert cg.zeros(3, half).dtype == f16
        assert cg.nn.Linear(2, 3, dtype=half).parameters()["bias"].type is f16[3]
        term = cg.trace(lambda x, half=half: (x.astype(half), cg.cast(x, half), cg.one_hot(x, 3, half)), i32[2])
        assert [type.dtype == half for type in term.target_types] == [True] * 3
    assert np.issubdtype(f32, np.floating)
    assert np.finfo(f32).bits == 32


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, i32[()]),
        (True, bool_[()]),
        ([1, 2], i32[2]),
        ([1, 2.0], f32[2]),
        ([[True], [False]], bool_[2, 1]),
        ([], f32[0]),
        ([np.float64(1), 2], f64[2]),
        ([np.zeros(3, np.int64)] * 2, i64[2, 3]),
        (np.zeros(3, ">f8"), f64[3]),
    ],
    ids=str,
)
def test_what_stands_for_an_array(value, expected):
    found = as_array(value)
    assert TensorType.of(found) is TensorType.of(value) is expected
    np.testing.assert_array_equal(found, np.asarray(value))


@pytest.mark.parametrize(
    "value",
    ["x", None, [None], ["x"], [[1], [1, 2]], [2**40], [(1, 2)], {}, [1j], np.ma.masked_array([1.0]), [np.ma.masked]],
)
def test_what_stands_for_no_array(value):
    for function in (as_array, cg.exp):
        with pytest.raises(TypeCheckError):
            function(value)
