"""Tandem repeats in words, against an exhaustive search."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catgrad.words import Repeat, repeats


@given(st.text("ab", max_size=40), st.integers(1, 4), st.integers(2, 4))
def test_repeats_are_there_disjoint_and_cannot_go_on(word, longest, least):
    found = list(repeats(word, longest, least))
    for repeat in found:
        first, *others = (word[positions.start : positions.stop] for positions in repeat.ranges)
        assert set(others) == {first}
        assert repeat.period <= longest
        assert repeat.count >= least
        assert word[repeat.stop : repeat.stop + repeat.period] != first
    assert all(before.stop <= after.start for before, after in pairwise(found))


@given(st.text("ab", max_size=30), st.integers(1, 4), st.integers(2, 4))
def test_no_repeat_is_missed(word, longest, least):
    covered = {position for repeat in repeats(word, longest, least) for each in repeat.ranges for position in each}
    for start in set(range(len(word))) - covered:
        for period in range(1, longest + 1):
            stretch = word[start : start + period * least]
            if set(range(start, start + period * least)).isdisjoint(covered):
                assert stretch != stretch[:period] * least


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("", []),
        ("abc", []),
        ("aaaa", [Repeat(0, 1, 4)]),
        ("xabababx", [Repeat(1, 2, 3)]),
        ("aaabcbcbc", [Repeat(0, 1, 3), Repeat(3, 2, 3)]),
        ("ababababab", [Repeat(0, 2, 5)]),
    ],
)
def test_examples(word, expected):
    assert list(repeats(word, longest=4, least=3)) == expected


def test_a_long_word_takes_no_square_of_its_length():
    (found,) = repeats([0, 1, 2] * 100_000, longest=64)
    assert found == Repeat(0, 3, 100_000)
