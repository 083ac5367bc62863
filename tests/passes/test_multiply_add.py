"""Fused multiply-add without the instruction: one rounding, as exact arithmetic says."""

from fractions import Fraction

import numpy as np
import pytest
from exact import FORMATS, nearest
from lowered import call
from mlir import ir

from catgrad.passes.pipelines import stages
from catgrad.passes.runner import run
from catgrad.runtime.engine import jit
from catgrad.target import target
from catgrad.types import f32, f64

OLD = "cpu:x86-64-v2"


def compiled(dtype):
    """A function of three arrays and a fourth to write into."""
    array = f"memref<?x{dtype}>"
    source = f"""
      #id = affine_map<(i) -> (i)>
      func.func @f(%n: index, %a: {array}, %b: {array}, %c: {array}, %out: {array}) {{
        linalg.generic {{indexing_maps = [#id, #id, #id, #id], iterator_types = ["parallel"]}}
          ins(%a, %b, %c : {array}, {array}, {array}) outs(%out : {array}) {{
        ^bb0(%x: {dtype}, %y: {dtype}, %z: {dtype}, %old: {dtype}):
          %r = math.fma %x, %y, %z : {dtype}
          linalg.yield %r : {dtype}
        }}
        return
      }}"""
    with ir.Context(), ir.Location.unknown():
        module = ir.Module.parse(source)
    run(module, stages(OLD)[-3:])
    return jit(module, "f", 2, processor=target(OLD))


def cancelling(dtype, rng, size):
    """Products, and what nearly cancels them."""
    digits, *_ = FORMATS[dtype]
    a, b = (rng.standard_normal(size) * 2.0 ** rng.integers(-30, 30, size) for _ in range(2))
    a, b = a.astype(dtype.numpy), b.astype(dtype.numpy)
    factor = (1 + rng.integers(-4, 5, size) * 2.0 ** (1 - digits)) * 2.0 ** rng.integers(-1, 2, size)
    return a, b, (-(a * b) * factor).astype(dtype.numpy)


def halfway(dtype, rng, size):
    """Products with one digit more than floats have, and what is too small for a sum to show."""
    digits, *_ = FORMATS[dtype]
    a, b = (2 * rng.integers(2 ** (digits // 2 - 1), 2 ** (digits // 2), size) + 1 for _ in range(2))
    c = rng.choice([-1, 0, 1], size) * 2.0 ** -rng.integers(digits, 2 * digits, size)
    return tuple(x.astype(dtype.numpy) for x in (a, b, c))


@pytest.mark.parametrize("dtype", [f32, f64], ids=str)
def test_one_rounding(dtype):
    rng = np.random.default_rng(0)
    parts = cancelling(dtype, rng, 2000), halfway(dtype, rng, 2000)
    a, b, c = (np.concatenate(each) for each in zip(*parts, strict=True))
    found = np.empty_like(a)
    native = compiled(dtype)
    call(native, len(a), a, b, c, found)
    exact = [Fraction(float(x)) * Fraction(float(y)) + Fraction(float(z)) for x, y, z in zip(a, b, c, strict=True)]
    np.testing.assert_array_equal(found, np.array([nearest(each, dtype) for each in exact], dtype.numpy))
    twice = (a.astype(np.float64) * b + c).astype(dtype.numpy)
    assert (found != twice).any()


@pytest.mark.parametrize("dtype", [f32, f64], ids=str)
def test_special_values(dtype):
    special = [0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan]
    a, b, c = (np.ascontiguousarray(x.ravel(), dtype.numpy) for x in np.meshgrid(special, special, special))
    found = np.empty_like(a)
    native = compiled(dtype)
    call(native, len(a), a, b, c, found)
    with np.errstate(invalid="ignore"):
        expected = a * b + c
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(np.signbit(found[found == found]), np.signbit(expected[found == found]))
