import numpy as np
import pytest
from diagrams import families, few
from hypothesis import given
from hypothesis import strategies as st

from catgrad.hypergraph import HypergraphError, Segments


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


@few
@given(st.lists(st.lists(st.sampled_from([0, 1, 7, 2**62, -(2**63)]), max_size=40), max_size=8))
def test_group_tells_long_lists_of_large_integers_apart(rows):
    rows += [row[:-1] for row in rows]
    family = Segments.of(rows)
    codes, first = family.group()
    numbers = {tuple(row): i for i, row in reversed(list(enumerate(rows)))}
    assert first[codes].tolist() == [numbers[tuple(row)] for row in rows]
    assert codes[first].tolist() == list(range(len(first)))


def test_integers_join_labels():
    assert Segments.join(Segments.of([[1]]), Segments.of([["a"]])).lists() == [[1, "a"]]
    assert (Segments.of([[]]) + Segments.of([["a"]])).lists() == [[], ["a"]]


def test_numbers_of_elements_stay_in_range():
    with pytest.raises(HypergraphError, match="a set has between 0 and 2147483647 elements"):
        Segments.of([[7]]).shift(2**31 - 8)
    assert Segments.of([[7]]).shift(2**31 - 9).lists() == [[2**31 - 2]]
