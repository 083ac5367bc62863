"""Addresses, alignment, overlap and the layout of frames."""

import ctypes

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catgrad.runtime.buffers import ALIGNMENT, Frame, Workspaces, address, aligned_empty, overlap


@pytest.mark.parametrize("dtype", [np.bool_, np.int32, np.float64, ml_dtypes.bfloat16])
def test_address_is_that_of_the_data(dtype, tmp_path):
    x = np.zeros((5, 3), dtype)
    read_only = x.copy()
    read_only.flags.writeable = False
    mapped = np.memmap(tmp_path / "x", dtype, "w+", shape=(3,))
    for array in (x, x[1:], x.T, x[0:0], x[2, 1, ...], read_only, mapped, np.ones((), dtype)):
        assert address(array) == array.ctypes.data


@pytest.mark.parametrize("shape", [(), (0,), (1,), (3, 5), (1000,)])
@pytest.mark.parametrize("dtype", [np.bool_, np.float32, ml_dtypes.bfloat16])
def test_aligned_empty(shape, dtype):
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    x = aligned_empty(shape, np.dtype(dtype), size)
    assert (x.shape, x.dtype, x.nbytes) == (shape, dtype, size)
    assert x.flags.carray
    assert x.ctypes.data % ALIGNMENT == 0
    x[...] = 1


def test_frame_is_what_code_reads():
    frame = Frame((7,), ((2, 3), ()))
    frame.fill((0x1000, 0x2000))
    assert list((ctypes.c_uint64 * 5).from_address(frame.address)) == [7, 0x1000, 2, 3, 0x2000]


def test_a_workspace_serves_one_call_at_a_time():
    workspaces = Workspaces(aligned_empty)
    first, second = workspaces.borrow(100), workspaces.borrow(100)
    assert not np.shares_memory(first, second)
    workspaces.give_back(first)
    assert workspaces.borrow(50) is first
    workspaces.give_back(first)
    larger = workspaces.borrow(101)
    assert larger.size == 101
    assert address(larger) % ALIGNMENT == 0


def test_frame_wants_every_address():
    with pytest.raises(ValueError, match="zip"):
        Frame((), ((2,), (2,))).fill((0x1000,))


@settings(deadline=None, max_examples=200)
@given(st.lists(st.tuples(st.integers(1, 20), st.integers(0, 6), st.booleans()), max_size=6))
def test_overlap_is_what_its_definition_says(blocks):
    bytes_of = [set(range(start, start + size)) for start, size, _ in blocks]
    clashes = [
        {i, j}
        for i in range(len(blocks))
        for j in range(i)
        if bytes_of[i] & bytes_of[j] and (blocks[i][2] or blocks[j][2])
    ]
    written = [i for i, (_, _, is_written) in enumerate(blocks) if is_written]
    found = overlap([start for start, _, _ in blocks], [size for _, size, _ in blocks], written)
    assert (set(found) in clashes) if found else not clashes
