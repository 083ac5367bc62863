"""Derivatives of operations where an operand is infinite or NaN."""

import numpy as np
import pytest

import catgrad as cg

INF, NAN = np.inf, np.nan


@pytest.mark.parametrize("dtype", [cg.f32, cg.f64], ids=str)
def test_second_derivative_of_erf(dtype):
    x = np.array([-INF, -1e4, -2.0, 0.0, 0.5, 30.0, INF], dtype.numpy)
    second = cg.grad(lambda x: cg.sum(cg.grad(lambda x: cg.sum(cg.erf(x)))(x)))
    bounded = np.clip(x.astype(np.float64), -40, 40)
    expected = -4 / np.sqrt(np.pi) * bounded * np.exp(-bounded * bounded)
    tolerance = 16 * np.finfo(dtype.numpy).eps
    np.testing.assert_allclose(cg.interpret(cg.trace(second, dtype[7]), x), expected, tolerance, tolerance)
    np.testing.assert_allclose(cg.compile(second, dtype[7])(x), expected, tolerance, tolerance)


@pytest.mark.parametrize("extremum", [cg.max, cg.min], ids=["max", "min"])
def test_nan_equals_no_element_of_its_row(extremum):
    x = np.array([[1, NAN, 3], [2, 2, 2], [INF, -INF, INF]], np.float32)
    gradient = cg.grad(lambda x: cg.sum(extremum(x, axis=1)))
    last = [0.5, 0, 0.5] if extremum is cg.max else [0, 1, 0]
    expected = np.array([[0, 0, 0], [1 / 3, 1 / 3, 1 / 3], last], np.float32)
    np.testing.assert_array_equal(cg.interpret(cg.trace(gradient, cg.f32[3, 3]), x), expected)
    np.testing.assert_array_equal(cg.compile(gradient, cg.f32[3, 3])(x), expected)


def test_the_gradient_of_logsumexp_stores_no_mask():
    gradient = cg.grad(lambda x: cg.sum(cg.logsumexp(x, axis=1)))
    assert "tensor<8x16xi8>" not in cg.compile(gradient, cg.f32[8, 16]).ir("fused")
