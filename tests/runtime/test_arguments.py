"""What arguments an executable refuses, and what it says."""

import ml_dtypes
import numpy as np
import pytest

from catgrad.dims import dim
from catgrad.errors import ArgumentError
from catgrad.types import bf16, bool_, f16, f32, i32

ONES = np.ones((4, 3), np.float32)


def misaligned():
    return np.zeros(4 * 3 * 4 + 1, np.uint8)[1:].view(np.float32).reshape(4, 3)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (ONES.astype("f8"), r"f: a must be f32\[4, 3\], but got float64 of shape \(4, 3\): pass a.astype\('float32'\)"),
        (ONES.astype(">f4"), r"got >f4 of shape \(4, 3\): pass a.astype\('float32'\)"),
        (ONES.astype(ml_dtypes.bfloat16), r"got bfloat16 of shape \(4, 3\)"),
        (ONES[:3], r"f: a axis 0: expected 4, got 3"),
        (ONES[0], r"f: a must be f32\[4, 3\], but the array has 1 axes: shape \(3,\)"),
        (np.ones((3, 4), np.float32).T, r"the array is not C-contiguous: pass np.ascontiguousarray\(a\)"),
        (np.ones((8, 3), np.float32)[::2], r"the array is not C-contiguous"),
        (misaligned(), r"the array is not aligned: pass a.copy\(\)"),
        (ONES.tolist(), r"but got a list: pass np.asarray\(a, dtype='float32'\)"),
        (None, r"but got a NoneType"),
        (1.0, r"but got a float"),
        ("x", r"but got a str"),
        (np.float32(1), r"the array has 0 axes: shape \(\)"),
    ],
)
def test_an_array_that_does_not_fit(add, value, message):
    with pytest.raises(ArgumentError, match=message):
        add(value, ONES)


@pytest.mark.parametrize(
    ("dtype", "element", "value", "message"),
    [
        (i32, "i32", 1.5, r"f: a must be i32\[\], but got a float: pass int\(a\)"),
        (i32, "i32", True, r"got a bool: pass int\(a\)"),
        (i32, "i32", 2**40, r"the int is out of range"),
        (f16, "f16", 1e10, r"the float is out of range"),
        (bf16, "bf16", 1e39, r"the float is out of range"),
        (f32, "f32", 10**400, r"the int is out of range"),
        (f32, "f32", np.float64(1), r"got float64 of shape \(\): pass a.astype\('float32'\)"),
        (f32, "f32", True, r"got a bool: pass float\(a\)"),
        (f32, "f32", 1j, r"got a complex"),
        (bool_, "i8", 1, r"got an int: pass bool\(a\)"),
    ],
)
def test_a_number_that_does_not_fit(build, dtype, element, value, message):
    source = f"func.func @f(%a: memref<{element}>) {{ return }}"
    with pytest.raises(ArgumentError, match=message):
        build(source, (dtype[()],), ())(value)


def test_infinity_is_in_range(build, elementwise):
    f = build(elementwise("%r = arith.negf %x0 : f16", "f16", "", inputs=1), (f16[()],), (f16[()],))
    assert f(float("inf")) == (-np.inf,)


def test_sizes_that_disagree(build):
    B = dim("B")
    source = """
      func.func @f(%B: index, %a: memref<?xf32>, %b: memref<?xf32>) { return }"""
    f = build(source, (f32[B], f32[B]), (), symbols=(B,))
    with pytest.raises(ArgumentError, match=r"f: b axis 0: expected B \(B = 3 from a axis 0\), got 4"):
        f(np.zeros(3, np.float32), np.zeros(4, np.float32))


def test_facts_of_symbols_are_checked(build):
    S = dim("S", multiple_of=4)
    source = "func.func @f(%S: index, %a: memref<?xf32>) { return }"
    f = build(source, (f32[S],), (), symbols=(S,))
    assert f(np.zeros(8, np.float32)) == ()
    with pytest.raises(ArgumentError, match="multiple of 4"):
        f(np.zeros(6, np.float32))


# What is written.


def test_a_read_only_array_cannot_be_donated(add_in_place, ones):
    a = ones(4, 3)
    a.flags.writeable = False
    with pytest.raises(ArgumentError, match=r"a must be f32\[4, 3\], but the array is read-only .*: pass a.copy\(\)"):
        add_in_place(a, ones(4, 3))


def test_a_donated_array_overlaps_no_other(add_in_place):
    block = np.zeros((6, 3), np.float32)
    a = block[:4]
    for b in (a, block[2:]):
        with pytest.raises(ArgumentError, match=r"f: a and b share memory, and one is written: pass a copy of one"):
            add_in_place(a, b)
    assert (block == 0).all()


def test_neighbours_do_not_overlap(add_in_place):
    block = np.ones((8, 3), np.float32)
    assert add_in_place(block[4:], block[:4])[0][0, 0] == 2


def test_one_array_cannot_be_donated_twice(build, ones):
    source = "func.func @f(%a: memref<4xf32>, %b: memref<4xf32>) { return }"
    f = build(source, (f32[4],) * 2, (f32[4],) * 2, donated=((0, 1), (1, 0)))
    a, b = ones(4), ones(4)
    x, y = f(a, b)
    assert x is b
    assert y is a
    with pytest.raises(ArgumentError, match=r"a and b share memory"):
        f(a, a)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (ONES.astype("f8"), r"f: out\[0\] must be f32\[4, 3\], but got float64 of shape \(4, 3\)"),
        (
            ONES[:3],
            r"out\[0\] must be f32\[4, 3\], but the array has shape \(3, 3\): pass one of shape \(4, 3\), or None",
        ),
        (np.ones((3, 4), np.float32).T, r"is not C-contiguous"),
        (ONES.tolist(), r"out\[0\] must be f32\[4, 3\], but got a list: pass an array to write into, or None"),
        (1.0, r"got a float: pass an array to write into"),
    ],
)
def test_an_out_that_does_not_fit(add, ones, target, message):
    with pytest.raises(ArgumentError, match=message):
        add(ones(4, 3), ones(4, 3), out=(target,))


def test_out_overlaps_no_other(add, ones):
    a = ones(4, 3)
    with pytest.raises(ArgumentError, match=r"b and out\[0\] share memory"):
        add(ones(4, 3), a, out=(a,))


def test_a_read_only_out(add, ones):
    out = ones(4, 3)
    out.flags.writeable = False
    with pytest.raises(ArgumentError, match=r"out\[0\] .* read-only"):
        add(ones(4, 3), ones(4, 3), out=(out,))


# Arrays of other libraries.


class Foreign:
    """An array of another library, which speaks DLPack."""

    def __init__(self, array, device=(1, 0)):
        self.array = array
        self.device = device

    def __dlpack__(self, **options):
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.device


def test_foreign_arrays_are_read_and_written_in_place(add, add_in_place, ones):
    a, out = Foreign(ones(4, 3)), Foreign(ones(4, 3))
    assert (add(a, ones(4, 3))[0] == 2).all()
    assert add(a, ones(4, 3), out=(out,))[0] is out
    assert (out.array == 2).all()
    assert add_in_place(a, ones(4, 3))[0] is a
    assert (a.array == 2).all()


def test_foreign_arrays_are_checked(add, ones):
    with pytest.raises(ArgumentError, match=r"a must be f32\[4, 3\], but got float64 of shape \(4, 3\)"):
        add(Foreign(ones(4, 3, dtype="float64")), ones(4, 3))
    a = ones(4, 3)
    with pytest.raises(ArgumentError, match=r"a and out\[0\] share memory"):
        add(Foreign(a), ones(4, 3), out=(a,))


def test_foreign_arrays_that_cannot_be_read(add, ones):
    class Elsewhere(Foreign):
        def __dlpack__(self, **options):
            raise BufferError("the array is on a device")

    with pytest.raises(
        ArgumentError, match=r"a must be .*Elsewhere cannot be read in place \(the array is on a device\)"
    ):
        add(Elsewhere(ones(4, 3)), ones(4, 3))


def test_bfloat16_of_another_library(build, elementwise, bfloat16_producer):
    f = build(elementwise("%r = arith.negf %x0 : bf16", "bf16", inputs=1), (bf16[4],), (bf16[4],))
    x = np.arange(4).astype(ml_dtypes.bfloat16)
    np.testing.assert_array_equal(f(bfloat16_producer(x))[0], -x)
