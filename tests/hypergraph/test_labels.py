import gc
import weakref

import numpy as np
import pytest
from diagrams import few
from hypothesis import given
from hypothesis import strategies as st

from catgrad.hypergraph import HypergraphError, intern, labels
from catgrad.hypergraph.labels import concatenate, first_difference, same

values = st.lists(st.sampled_from(["x", "y", 1, None, ("x", 1)]), max_size=6)


@few
@given(values)
def test_labels_are_a_vector(xs):
    array = labels(xs)
    assert array.tolist() == list(array) == [array[i] for i in range(len(xs))] == xs
    assert np.asarray(array).tolist() == xs
    assert array[::-1].tolist() == xs[::-1]
    assert array[np.array([x is None for x in xs], dtype=bool)].tolist() == [x for x in xs if x is None]
    assert labels(array) is array


@few
@given(values, values)
def test_concatenation_and_equality_are_those_of_lists(xs, ys):
    a, b = labels(xs), labels(ys)
    both = concatenate([a, b, a])
    assert both.tolist() == xs + ys + xs
    assert (a == b) == (xs == ys) == (first_difference(a, b) is None)
    assert both[: len(xs)] == both[len(xs) + len(ys) :] == a
    assert hash(both[: len(xs)]) == hash(a)


@few
@given(values)
def test_intern_numbers_labels_by_appearance(xs):
    codes, distinct = intern(labels(xs)[::-1])
    assert distinct == list(dict.fromkeys(xs[::-1]))
    assert [distinct[code] for code in codes] == xs[::-1]


@pytest.mark.parametrize("count", [256, 257, 65537])
def test_alphabets_of_any_width(count):
    a, b = labels(range(count)), labels(range(count - 1, 2 * count))
    assert a.tolist() == list(range(count))
    assert concatenate([a, b]).tolist() == [*range(count), *range(count - 1, 2 * count)]


def test_numpy_vectors_keep_the_kind_of_their_entries():
    assert labels(np.array([3, 1, 3])).tolist() == [3, 1, 3]
    assert concatenate([labels(np.array([1, 2])), labels(np.array(["a"]))]).tolist() == [1, 2, "a"]
    assert intern(np.array([7, 3, 7]))[1] == [7, 3]
    assert labels(np.array([None, "a"], dtype=object)).tolist() == [None, "a"]
    with pytest.raises(HypergraphError, match="shape"):
        labels(np.zeros((2, 2)))


def test_labels_are_compared_by_value():
    a, b = labels([("x", 1), "y"]), labels([tuple(["x", 1]), "z"])
    assert first_difference(a, a) is None
    assert first_difference(a, b) == 1
    assert first_difference(a[:1], b) == 1
    assert a[:1] == b[:1]
    assert a != ["x", "y"]
    assert same(labels([]), np.array([], dtype=int))
    assert same(np.array([1]), np.array([1]))
    assert not same(np.array([1]), labels(["1"]))


def test_a_part_does_not_keep_the_labels_of_the_whole_alive():
    class Large:
        pass

    many = labels([Large() for _ in range(100)])
    part, dropped = many[:2], weakref.ref(many[50])
    del many
    gc.collect()
    assert dropped() is None
    assert len(part) == 2
