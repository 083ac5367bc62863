"""The operation table as test cases."""

import numpy as np
import pytest

from catgrad.ops import OPS, Op, Sample, call
from catgrad.types import DType, TensorType, bf16

OPERATIONS = [op for op in OPS.values() if op is not call]

CASES = [pytest.param(op, dtype, id=f"{op.name}-{dtype.name}") for op in OPERATIONS for dtype in op.dtypes]
"""Every operation with every dtype that it has; a call has whatever its definition has."""


def input_types(sample: Sample) -> list[TensorType]:
    return [TensorType.of(x) for x in sample.inputs]


def result_types(op: Op, sample: Sample) -> tuple[TensorType, ...]:
    return op.operation(**sample.attributes).typing(*input_types(sample))


def evaluate(op: Op, sample: Sample) -> tuple[np.ndarray, ...]:
    return op.evaluate(np, *sample.inputs, **sample.attributes)


def assert_same(actual, expected) -> None:
    """Compare arrays of one dtype bit for bit, but for the bits of NaN."""
    assert actual.dtype == expected.dtype
    np.testing.assert_array_equal(
        *(np.asarray(x, np.float64 if x.dtype == bf16.numpy else None) for x in (actual, expected))
    )


def assert_close(actual, expected, dtype: DType, ulps: int = 4) -> None:
    """Compare arrays of one dtype up to some units in the last place; infinities and NaN must be in the same places."""
    assert actual.dtype == expected.dtype
    assert actual.shape == expected.shape
    if not dtype.is_float:
        np.testing.assert_array_equal(actual, expected)
        return
    epsilon = {"f16": 2.0**-10, "bf16": 2.0**-7, "f32": 2.0**-23, "f64": 2.0**-52}[dtype.name]
    a, b = (np.asarray(x, np.float64) for x in (actual, expected))
    np.testing.assert_allclose(a, b, rtol=ulps * epsilon, atol=ulps * epsilon)
