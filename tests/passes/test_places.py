"""Memory planning: places are disjoint while buffers live, memory is reused, and results stay right."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import catgrad as cg
from catgrad.passes.places import ALIGNMENT, Buffer, place


@st.composite
def lives(draw):
    """Buffers in the order of their allocation."""
    starts = sorted(draw(st.lists(st.integers(0, 20), min_size=1, max_size=12)))
    return [Buffer(s, s + draw(st.integers(1, 10)), draw(st.integers(0, 300))) for s in starts]


@given(lives())
@settings(deadline=None, max_examples=200)
def test_buffers_alive_together_do_not_overlap(buffers):
    offsets = place(buffers)
    assert all(offset % ALIGNMENT == 0 for offset in offsets)
    for i, (a, p) in enumerate(zip(buffers, offsets, strict=True)):
        for b, q in zip(buffers[i + 1 :], offsets[i + 1 :], strict=True):
            if a.size and b.size and b.start < a.end:
                assert p + a.size <= q or q + b.size <= p


@given(st.integers(2, 20), st.integers(1, 300))
@settings(deadline=None, max_examples=50)
def test_a_chain_of_equal_buffers_needs_two_places(length, size):
    step = -(-size // ALIGNMENT) * ALIGNMENT
    assert set(place([Buffer(i, i + 2, size) for i in range(length)])) == {0, step}


@pytest.fixture(scope="module")
def chain():
    """A chain of matrix products, whose values cannot fuse."""

    def f(x, w):
        for _ in range(6):
            x = cg.tanh(x @ w)
        return x

    return cg.compile(f, cg.f32[32, 32], cg.f32[32, 32])


def test_one_workspace_serves_a_whole_function(chain):
    ir = chain.ir("kernels")
    assert "memref.alloc" not in ir
    assert "%c8192 = arith.constant 8192" in ir


def test_reused_memory_does_not_change_results(chain):
    rng = np.random.default_rng(0)
    x, w = (rng.standard_normal((32, 32)).astype(np.float32) / 6 for _ in range(2))
    expected = x
    for _ in range(6):
        expected = np.tanh(expected @ w)
    np.testing.assert_allclose(chain(x, w), expected, rtol=1e-4, atol=1e-7)
