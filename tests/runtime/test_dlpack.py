"""Importing arrays of other libraries."""

import ml_dtypes
import numpy as np
import pytest

from catgrad.runtime.dlpack import from_dlpack


@pytest.mark.parametrize("dtype", ["bool", "int32", "int64", "float16", "float32", "float64"])
def test_numpy_dtypes_are_viewed(dtype):
    x = np.arange(6).reshape(2, 3).astype(dtype)
    view = from_dlpack(x)
    np.testing.assert_array_equal(view, x, strict=True)
    assert np.shares_memory(view, x)


@pytest.mark.parametrize("versioned", [True, False])
@pytest.mark.parametrize("shape", [(6,), (2, 3), (0,), ()])
def test_bfloat16_is_viewed(bfloat16_producer, shape, versioned):
    x = np.full(shape, 1.5, ml_dtypes.bfloat16)
    view = from_dlpack(bfloat16_producer(x, versioned=versioned))
    np.testing.assert_array_equal(view, x, strict=True)
    assert view.ctypes.data == x.ctypes.data


def test_read_only_bfloat16_stays_read_only(bfloat16_producer):
    x = np.ones(3, ml_dtypes.bfloat16)
    x.flags.writeable = False
    assert not from_dlpack(bfloat16_producer(x)).flags.writeable


def test_errors_of_the_producer_are_kept():
    with pytest.raises(AttributeError, match="__dlpack__"):
        from_dlpack(object())
    with pytest.raises(BufferError, match="dtypes"):
        from_dlpack(np.array(["text"]))


def test_dtypes_nobody_knows(bfloat16_producer):
    with pytest.raises(RuntimeError, match="Unsupported dtype"):
        from_dlpack(bfloat16_producer(np.ones(3, ml_dtypes.bfloat16), code=5))
