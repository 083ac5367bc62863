"""Conversions between element types round once: they agree with exact arithmetic, everywhere."""

from functools import cache

import numpy as np
import pytest
from exact import FORMATS, nearest

import catgrad as cg
from catgrad.rounding import rounded
from catgrad.types import bf16, f16, f32, f64, i32, i64

NEAR = (0, 2**-12, 2**-24, 2**-40, -(2**-25), -(2**-52))
TARGETS = (f16, bf16, f32)
SOURCES = (i32, i64, f16, bf16, f32, f64)


def integers(dtype, rng):
    """Integers with more digits than floats have, halfway between two of them, and next to that."""
    found = [0, 1, 2, 3, 65519, 65520, np.iinfo(dtype.numpy).max]
    for digits, length in ((d, n) for d in (8, 11, 24, 53) for n in range(d + 1, dtype.bits - 1)):
        head = 2 * int(rng.integers(1 << digits - 1, 1 << digits)) + 1
        found += [(head << length >> digits + 1) + near for near in (-1, 0, 1)]
    return np.array([*found, *(-n for n in found)], dtype.numpy)


def floats(dtype, rng):
    """Floats halfway between those of fewer digits, and next to that: around the least, 1 and the greatest of them."""
    found = [0.0, 5e-324, 1e-300, 1e300, 65519.99999999, 65520.0]
    for digits, least, greatest in (FORMATS[target] for target in TARGETS):
        for exponent in (*range(least - digits - 1, least + 2), -1, 0, 1, *range(greatest - 1, greatest + 2)):
            heads = [0, 2, 2**digits - 2, *rng.integers(0, 2**digits, 2)]
            halves = [np.ldexp(2.0**digits + head + odd, exponent - digits) for head in heads for odd in (0, 1)]
            found += [half * (1 + near) for half in halves for near in NEAR]
    with np.errstate(over="ignore", under="ignore"):
        values = np.array(found).astype(dtype.numpy)
    values = np.unique(values[np.isfinite(values.astype(np.float64))])
    return np.concatenate([values, -values])


@cache
def samples(source):
    """Numbers of a dtype, and what they are in those of fewer digits."""
    rng = np.random.default_rng(source.bits)
    numbers = (integers if source.is_integer else floats)(source, rng)
    given = [int(x) if source.is_integer else float(x) for x in numbers]
    return numbers, {t: np.array([nearest(x, t) for x in given]) for t in TARGETS if t is not source}


def check(found, expected):
    for result, (target, numbers) in zip(found, expected.items(), strict=True):
        assert np.asarray(result).dtype == target.numpy
        np.testing.assert_array_equal(np.asarray(result).astype(np.float64), numbers, err_msg=str(target))


@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_the_reference_rounds_once(source):
    numbers, expected = samples(source)
    check([cg.cast(numbers, target) for target in expected], expected)
    check([rounded(numbers, target) for target in expected], expected)


@pytest.mark.sampled(2, "target")
@pytest.mark.parametrize("source", SOURCES, ids=str)
@pytest.mark.parametrize("target", ["cpu", "cuda:emulate"])
def test_compiled_code_rounds_once(source, target):
    numbers, expected = samples(source)
    compiled = cg.compile(lambda x: [cg.cast(x, t) for t in expected], source[numbers.shape], target=target)
    check(compiled(numbers), expected)


@pytest.mark.parametrize("source", [i32, i64], ids=str)
@pytest.mark.parametrize("target", ["cpu", "cuda:emulate"])
def test_chains_of_conversions_round_at_each_step(source, target):
    """As they are written, although rounding once is what MLIR would make of a chain."""
    numbers, _ = samples(source)
    chains = [(wide, narrow) for wide in (f32, f64) for narrow in (f16, bf16, f32) if narrow is not wide]

    def program(x):
        return [cg.cast(1.0 * cg.cast(x, wide), narrow) for wide, narrow in chains]

    found = cg.compile(program, source[numbers.shape], target=target)(numbers)
    for result, (wide, narrow) in zip(found, chains, strict=True):
        expected = rounded(rounded(numbers, wide), narrow)
        np.testing.assert_array_equal(np.asarray(result), expected, err_msg=f"{wide}, {narrow}")


def test_constants_round_once():
    number = 1 + 2.0**-8 + 2.0**-40
    assert cg.constant(number, bf16).item() == cg.constant(np.float64(number), bf16).item() == 1 + 2.0**-7


@pytest.mark.parametrize("target", [f16, bf16], ids=str)
@pytest.mark.parametrize("source", [f16, bf16, f32, f64], ids=str)
def test_special_values_stay(source, target):
    special = np.array([np.nan, -np.nan, np.inf, -np.inf, 0.0, -0.0]).astype(source.numpy)
    for found in (cg.cast(special, target), cg.compile(lambda x: cg.cast(x, target), source[6])(special)):
        wide = np.asarray(found).astype(np.float64)
        np.testing.assert_array_equal(wide, special.astype(np.float64))
        np.testing.assert_array_equal(np.signbit(wide[2:]), np.signbit(special[2:]))
