"""Large constants: their bytes reach native code, whatever the element type."""

import numpy as np
import pytest

import catgrad as cg
from catgrad.types import dtypes, f32


@pytest.mark.parametrize("dtype", dtypes, ids=str)
def test_large_constants_are_what_they_are(dtype):
    large = np.random.default_rng(0).integers(0, 100, (64, 129)).astype(dtype.numpy)
    exe = cg.compile(lambda x: (cg.constant(large), cg.constant(large.T[3:5]), x + 1), f32[3])
    whole, part, _ = exe(np.zeros(3, np.float32))
    np.testing.assert_array_equal(whole, large)
    np.testing.assert_array_equal(part, large.T[3:5])


def test_large_constants_are_strings():
    large = np.arange(2048, dtype=np.float32)
    exe = cg.compile(lambda x: x * cg.constant(large), f32[2048])
    assert r'("\00\00\00\00\00\00\80?\00\00\00@' in exe.ir("llvm")
    np.testing.assert_array_equal(exe(large), large * large)
