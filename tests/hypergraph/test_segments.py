import numpy as np
import pytest
from diagrams import families, few
from hypothesis import given
from hypothesis import strategies as st

from catgrad.hypergraph import HypergraphError, Segments
from catgrad.hypergraph.labels import concatenate, first_difference, intern, labels, same


@st.composite
def with_indexes(draw):
    family = draw(families())
    bound = len(family) - 1
    return family, draw(st.lists(st.integers(0, bound), max_size=6)) if len(family) else []


@few
@given(with_indexes())
def test_map_indexes_gathers_lists(case):
    family, chosen = case
    assert family.map_indexes(np.array(chosen, dtype=int)).lists() == [family.lists()[i] for i in chosen]


@few
@given(families(), families(length=st.just(5)))
def test_flatmap_substitutes_lists(outer, inner):
    expected = [[x for v in row for x in inner.lists()[v]] for row in outer.lists()]
    assert outer.flatmap(inner).lists() == expected


@few
@given(families(length=st.just(3)), families(length=st.just(3)))
def test_split_inverts_join(a, b):
    joined = Segments.join(a, b)
    assert joined.lists() == [x + y for x, y in zip(a.lists(), b.lists(), strict=True)]
    assert joined.split(a.sizes) == (a, b)


@few
@given(families())
def test_converse_is_an_involution_up_to_order(family):
    back = family.converse(5).converse(len(family))
    assert back == family.sort()


@few
@given(families(values=st.integers(0, 1)))
def test_group_numbers_equal_lists(family):
    codes, first = family.group()
    rows = family.lists()
    assert [rows[i] for i in first[codes]] == rows
    assert len(first) == len({tuple(row) for row in rows})


def test_sizes_must_fit():
    with pytest.raises(HypergraphError, match="sizes sum to 2"):
        Segments(np.array([2]), np.array([1]))
    with pytest.raises(HypergraphError, match="negative"):
        Segments(np.array([-1, 1]), np.array([]))
    with pytest.raises(HypergraphError, match="cannot join families of 0, 1"):
        Segments.join(Segments.of([]), Segments.of([[]]))
    with pytest.raises(HypergraphError, match="cut"):
        Segments.of([[1]]).split(np.array([2]))


def test_labels_of_different_kinds_stay_what_they_are():
    assert concatenate([np.array([1, 2]), np.array(["a"])]).tolist() == [1, 2, "a"]
    assert concatenate([np.array(["a"]), np.array(["bcd"])]).tolist() == ["a", "bcd"]
    assert concatenate([labels([]), np.array([1])]).dtype.kind == "i"


def test_labels_are_compared_by_value():
    a, b = labels([("x", 1), "y"]), labels([tuple(["x", 1]), "z"])
    assert first_difference(a, a) is None
    assert first_difference(a, b) == 1
    assert first_difference(a[:1], b) == 1
    assert same(a[:1], b[:1])
    assert same(labels([]), np.array([], dtype=int))


def test_intern_groups_equal_objects_in_order_of_appearance():
    codes, distinct = intern(labels([("b",), ("a",), tuple(["b"]), ("a",)]))
    assert codes.tolist() == [0, 1, 0, 1]
    assert distinct == [("b",), ("a",)]
    assert intern(np.array([7, 3, 7]))[1] == [7, 3]
