"""The two-operand contraction, and the matrix product written with it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from programs import few

import catgrad as cg
from catgrad import ops
from catgrad.errors import TypeCheckError
from catgrad.types import bf16, bool_, f16, f32, f64, i32, i64


@st.composite
def _specs(draw):
    """Any spec without repeated indices: batch, kept, summed in both, and summed in one operand alone."""
    indices = draw(st.lists(st.sampled_from("abcdef"), unique=True, max_size=5))
    where = [draw(st.sampled_from(["x", "y", "xy"])) for _ in indices]
    sides = ["".join(i for i, w in zip(indices, where, strict=True) if side in w) for side in "xy"]
    first, second = ("".join(draw(st.permutations(list(side)))) for side in sides)
    out = "".join(draw(st.permutations(draw(st.lists(st.sampled_from(indices), unique=True)) if indices else [])))
    return first, second, out, {i: draw(st.integers(0, 3)) for i in indices}


@few
@given(_specs(), st.integers(0, 99))
def test_contraction_is_einsum(spec, seed):
    first, second, out, extent = spec
    rng = np.random.default_rng(seed)
    x, y = (rng.normal(size=[extent[i] for i in side]) for side in (first, second))
    text = f"{first},{second}->{out}"
    result = ops.contract(text, x, y)
    assert result.shape == tuple(extent[i] for i in out)
    np.testing.assert_allclose(result, np.einsum(text, x, y), rtol=1e-12, atol=1e-12)


NO_SPECS = [
    "",
    "->",
    "ij",
    "ij->",
    "ij,jk",
    "ij->ij->ij",
    "i,j,k->i",
    "i1,j->i",
    "é,i->i",
    "i.j->",
    "...i,i->...",
    3,
    None,
]
NO_INDICES = ["ii,i->", "i,jj->", "i,j->ii", "i,j->k"]


@pytest.mark.parametrize("spec", [*NO_SPECS, *NO_INDICES])
def test_what_is_no_spec(spec):
    with pytest.raises(TypeCheckError, match="contract"):
        ops.contract(spec, np.ones(2), np.ones(2))


def test_spaces_do_not_matter():
    assert ops.parse_spec(" i k , k j -> i j ") == ("ik", "kj", "ij")
    term = cg.trace(lambda x: ops.contract("i k, k j -> i j", x, x), f32[2, 2])
    assert "ik,kj->ij" in str(term)


def test_an_index_has_one_extent():
    with pytest.raises(TypeCheckError, match=r"index k is 3 in .* and 4 in"):
        ops.contract("ik,kj->ij", np.ones((2, 3)), np.ones((4, 2)))
    with pytest.raises(TypeCheckError, match="names 2 and 1 axes"):
        ops.contract("ik,k->i", np.ones(3), np.ones(3))


PLAIN = [((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 4)), ((2, 3), (3, 4)), ((0, 3), (3, 4)), ((2, 0), (0, 4))]
STACKED = [((5, 2, 3), (5, 3, 4)), ((5, 2, 3), (3, 4)), ((2, 3), (5, 3, 4)), ((3,), (5, 3, 4)), ((5, 2, 3), (3,))]
BROADCAST = [((5, 1, 2, 3), (6, 3, 4)), ((1, 2, 3), (5, 3, 4)), ((2, 1, 2, 3), (2, 5, 3, 4))]


@pytest.mark.parametrize(("first", "second"), [*PLAIN, *STACKED, *BROADCAST])
def test_matmul_follows_the_array_api(first, second):
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=first), rng.normal(size=second)
    result = ops.matmul(x, y)
    assert result.shape == np.matmul(x, y).shape
    np.testing.assert_allclose(result, np.matmul(x, y), rtol=1e-12, atol=1e-12)


def test_matmul_of_stacks_of_many_axes():
    x = np.random.default_rng(3).normal(size=(1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 3))
    np.testing.assert_allclose(ops.matmul(x, x.swapaxes(-1, -2)), x @ x.swapaxes(-1, -2), atol=1e-12)


def test_matmul_that_cannot_be():
    for x, y in (
        (np.ones(()), np.ones(3)),
        (np.ones((2, 3)), np.ones((2, 3))),
        (np.ones((2, 2, 3)), np.ones((3, 3, 4))),
    ):
        with pytest.raises(TypeCheckError):
            ops.matmul(x, y)
    with pytest.raises(TypeCheckError, match="rank 1 or more"):
        ops.matmul(np.ones((2, 3)), 2.0)


def test_one_dtype_that_is_a_number():
    with pytest.raises(TypeCheckError, match=r"one dtype.*cg\.cast"):
        ops.matmul(np.ones((2, 2)), np.ones((2, 2), np.float32))
    with pytest.raises(TypeCheckError, match="is defined for"):
        ops.matmul(np.ones((2, 2), bool), np.ones((2, 2), bool))
    for dtype in (i32, i64, f16, bf16, f32, f64):
        assert ops.matmul(np.ones((2, 2), dtype.numpy), np.ones((2, 2), dtype.numpy)).dtype == dtype.numpy
    assert bool_ not in ops.contract.dtypes


@pytest.mark.parametrize("spec", ["ij,i->", "i,->", "i,j->j", "ij,->", "ij,ij->", "ij,jk->ik"])
def test_long_sums_keep_their_digits(spec):
    """Also over an index that one operand has alone."""
    extents = {"i": 2, "j": 200_000, "k": 1} if "j" in spec.partition(",")[0] else {"i": 400_000, "j": 3}
    x, y = (np.full([extents[index] for index in part], 0.1, np.float32) for part in spec.partition("->")[0].split(","))
    expected = np.einsum(spec, x.astype(np.float64), y.astype(np.float64))
    np.testing.assert_allclose(ops.contract(spec, x, y), expected, rtol=1e-7)
