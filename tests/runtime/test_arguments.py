"""Argument checking: arguments that an executable refuses, and the messages."""

import ml_dtypes
import numpy as np
import pytest

from catgrad.dims import dim
from catgrad.errors import ArgumentError
from catgrad.types import bf16, bool_, f16, f32, i32, i64

ONES = np.ones((4, 3), np.float32)


def misaligned():
    return np.zeros(4 * 3 * 4 + 1, np.uint8)[1:].view(np.float32).reshape(4, 3)


class Strange:
    """What fails when it is made an array."""

    def __array__(self, *_, **__):
        raise ZeroDivisionError


COPIED = [
    (ONES.astype("f8"), r"f: a must be f32\[4, 3\], but got float64 of shape \(4, 3\): pass a.astype\('float32'\)"),
    (ONES.astype("f2"), r"but got float16"),
    (ONES.astype("g"), r"but got (float|longdouble)"),
    (ONES.astype(">f4"), r"got >f4 of shape \(4, 3\): pass a.astype\('float32'\)"),
    (ONES.astype(ml_dtypes.bfloat16), r"got bfloat16 of shape \(4, 3\)"),
    (np.ones((3, 4), np.float32).T, r"the array is not C-contiguous: pass np.ascontiguousarray\(a\)"),
    (np.ones((8, 3), np.float32)[::2], r"the array is not C-contiguous"),
    (ONES[::-1, ::-1], r"the array is not C-contiguous"),
    (np.broadcast_to(np.float32(1), (4, 3)), r"the array is not C-contiguous"),
    (misaligned(), r"the array is not aligned: pass a.copy\(\)"),
    (ONES.tolist(), r"but got a list: pass np.asarray\(a, dtype='float32'\)"),
    (np.ones((4, 3), int).tolist(), r"but got a list"),
    (tuple(map(tuple, ONES)), r"but got a tuple"),
    (list(ONES), r"but got a list"),
]


@pytest.mark.parametrize(("value", "message"), COPIED)
def test_what_is_only_read_is_copied_if_need_be(add, strict, value, message):
    expected = np.asarray(value).astype(np.float32) + 1
    np.testing.assert_array_equal(add(value, ONES)[0], expected, strict=True)
    with pytest.raises(ArgumentError, match=message):
        strict(add)(value, ONES)


@pytest.mark.parametrize(("value", "message"), COPIED)
def test_what_is_written_is_never_copied(add, add_in_place, value, message):
    before = np.array(value)
    with pytest.raises(ArgumentError, match=message):
        add_in_place(value, ONES)
    with pytest.raises(ArgumentError, match=r"out\[0\] must be"):
        add(ONES, ONES, out=(value,))
    np.testing.assert_array_equal(value, before)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (ONES[:3], r"f: a axis 0: expected 4, got 3"),
        (ONES[0], r"f: a must be f32\[4, 3\], but the array has 1 axes: shape \(3,\)"),
        (ONES.astype(int), r"but got int64 of shape \(4, 3\): pass a.astype\('float32'\)"),
        (ONES.astype(bool), r"but got bool"),
        (ONES.astype(complex), r"but got complex128 of shape \(4, 3\): pass an array of float32\n"),
        (ONES.astype(object), r"but got object of shape \(4, 3\): pass a.astype\('float32'\)"),
        (ONES.astype(str), r"but got <U32 of shape \(4, 3\): pass an array of float32\n"),
        (memoryview(ONES), r"but got a memoryview: pass np.asarray\(a, dtype='float32'\)\n"),
        (np.ma.masked_array(ONES, ONES > 0), r"but it is masked, and the mask would be lost: pass a.filled\(value\)"),
        ([np.ma.masked_array(row) for row in ONES], r"but it is masked"),
        (ONES.astype(float) * 1e300, r"but a\[0, 0\] is 1e\+300, out of range: compile"),
        ([[True] * 3] * 4, r"but got bool of shape \(4, 3\): pass np.asarray\(a, dtype='float32'\)"),
        ([[1.0], [1.0, 2.0]], r"but got a list that is no array"),
        ([["x"]], r"but got <U1"),
        (None, r"but got None: pass an array of float32\n"),
        (1.0, r"but got a float: pass an array of float32\n"),
        ("x", r"but got a str: pass an array of float32\n"),
        ({"a": ONES}, r"but got a dict: pass an array of float32\n"),
        ({1.0}, r"but got a set: pass an array of float32\n"),
        (Strange(), r"but got a .*Strange: pass an array of float32\n"),
        ([[None] * 3] * 4, r"but got object of shape \(4, 3\): pass an array of float32\n"),
        ([[1, "a", 3]] * 4, r"but got <U21 of shape \(4, 3\): pass an array of float32\n"),
        (range(3), r"but got a range: pass an array of float32\n"),
        (np.float32(1), r"the array has 0 axes: shape \(\)"),
    ],
)
def test_an_array_that_does_not_fit(add, strict, value, message):
    with pytest.raises(ArgumentError, match=message):
        add(value, ONES)
    with pytest.raises(ArgumentError):
        strict(add)(value, ONES)


@pytest.mark.parametrize("given", [np.int8, np.uint8, np.int16, np.uint32, np.int64, np.uint64, ">i4", ">i8"])
def test_integers_that_fit(build, elementwise, given):
    f = build(elementwise("%r = arith.addi %x0, %x1 : i32", "i32"), (i32[4],) * 2, (i32[4],))
    limits = np.iinfo(np.int32)
    known = np.iinfo(np.dtype(given))
    values = [max(limits.min, known.min), 0, 1, min(limits.max, known.max)]
    zeros = np.zeros(4, np.int32)
    np.testing.assert_array_equal(f(np.array(values, given), zeros)[0], np.array(values, np.int32), strict=True)
    for beyond in (limits.min - 1, limits.max + 1):
        if known.min <= beyond <= known.max:
            with pytest.raises(ArgumentError, match=rf"b must be i32\[4\], but b\[2\] is {beyond}, out of range"):
                f(zeros, np.array([1, 2, beyond, beyond], given))
    with pytest.raises(ArgumentError, match=r"b\[1\] is 4294967296, out of range"):
        f(zeros, [0, 2**32, 0, 0])


def test_floats_of_another_width(build, elementwise):
    f = build(elementwise("%r = arith.negf %x0 : f16", "f16", inputs=1), (f16[4],), (f16[4],))
    values = [65504.0, -np.inf, 1 / 3, 1e-8]
    np.testing.assert_array_equal(f(np.array(values))[0], -np.array(values, np.float16), strict=True)
    assert np.isnan(f([np.nan, 0.0, 1, 2])[0][0])
    with pytest.raises(ArgumentError, match=r"a must be f16\[4\], but a\[3\] is 65520.0, out of range"):
        f(np.array([0, 1, 2, 65520], np.float32))
    narrow = build(elementwise("%r = arith.negf %x0 : bf16", "bf16", inputs=1), (bf16[4],), (bf16[4],))
    assert narrow(np.array([1, 2, 3, np.inf]))[0].astype(float).tolist() == [-1, -2, -3, -np.inf]
    with pytest.raises(ArgumentError, match=r"a\[1\] is 1e\+39, out of range"):
        narrow([0, 1e39, 0, 0])


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([0, 2**63], r"a\[1\] is 9223372036854775808, out of range: pass one that fits"),
        ([-1, 2**63], r"a\[1\] is 9223372036854775808, out of range"),
        ((2**100, 0), r"a\[0\] is 1267650600228229401496703205376, out of range"),
        ([0.5, 2**63], r"got float64 of shape \(2,\): pass np.asarray"),
        ([True, False], r"got bool of shape"),
    ],
)
def test_integers_in_lists_that_are_too_large(build, value, message):
    f = build("func.func @f(%n: index, %a: memref<?xi64>) { return }", (i64[dim("n")],), (), symbols=(dim("n"),))
    with pytest.raises(ArgumentError, match=message):
        f(value)


def test_a_list_without_elements_is_of_any_dtype(build):
    f = build("func.func @f(%n: index, %a: memref<?xi32>) { return }", (i32[dim("n")],), (), symbols=(dim("n"),))
    assert f([]) == ()
    with pytest.raises(ArgumentError, match="got float64"):
        f(np.zeros(0))


@pytest.mark.parametrize(
    ("dtype", "element", "value", "message"),
    [
        (i32, "i32", 1.5, r"f: a must be i32\[\], but got a float: pass int\(a\)"),
        (i32, "i32", True, r"got a bool: pass int\(a\)"),
        (i32, "i32", 2**40, r"a is 1099511627776, out of range"),
        (i32, "i32", np.int64(2**40), r"a is 1099511627776, out of range"),
        (i32, "i32", np.float32(1), r"got float32 of shape \(\)"),
        (f16, "f16", 1e10, r"a is 10000000000.0, out of range"),
        (bf16, "bf16", 1e39, r"a is 1e\+39, out of range"),
        (f32, "f32", 10**400, r"a is an integer of 1329 bits, out of range"),
        (f32, "f32", np.int32(1), r"got int32 of shape \(\): pass a.astype\('float32'\)"),
        (f32, "f32", True, r"got a bool: pass float\(a\)"),
        (f32, "f32", 1j, r"got a complex"),
        (bool_, "i8", 1, r"got an int: pass bool\(a\)"),
    ],
)
def test_a_number_that_does_not_fit(build, dtype, element, value, message):
    source = f"func.func @f(%a: memref<{element}>) {{ return }}"
    with pytest.raises(ArgumentError, match=message):
        build(source, (dtype[()],), ())(value)


def test_numbers_of_another_width(build, elementwise, strict):
    f = build(elementwise("%r = arith.addf %x0, %x1 : f32", "f32", ""), (f32[()],) * 2, (f32[()],))
    for value in (np.float64(1), np.float16(1), np.ones((), ">f8")):
        assert f(value, 2.0) == (3,)
        with pytest.raises(ArgumentError, match=r"a must be f32\[\], but got"):
            strict(f)(value, 2.0)
    assert strict(f)(1, 2.0) == (3,)


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
    strided = ones(4, 6)[:, ::2]
    assert (add(Foreign(strided), Foreign(ones(4, 3, dtype="float64")))[0] == 2).all()
    with pytest.raises(ArgumentError, match="not C-contiguous"):
        add_in_place(Foreign(strided), ones(4, 3))


def test_foreign_arrays_are_checked(add, ones):
    with pytest.raises(ArgumentError, match=r"a must be f32\[4, 3\], but got int64 of shape \(4, 3\)"):
        add(Foreign(ones(4, 3, dtype="int64")), ones(4, 3))
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
