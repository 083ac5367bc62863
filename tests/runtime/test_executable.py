"""Calling executables: what comes out, where it is written, and that calls do not disturb each other."""

import ctypes
import gc
import threading
import time
import tracemalloc

import ml_dtypes
import numpy as np
import optree
import pytest

import catgrad as cg
from catgrad.dims import dim
from catgrad.errors import ArgumentError, CatgradError
from catgrad.runtime import Executable, Signature
from catgrad.runtime.buffers import address
from catgrad.types import bf16, bool_, f16, f32, f64, i32, i64

BODIES = {
    "bool": (bool_, "i8", "%r = arith.xori %x0, %x1 : i8", lambda a, b: a ^ b),
    "i32": (i32, "i32", "%r = arith.muli %x0, %x1 : i32", lambda a, b: a * b),
    "i64": (i64, "i64", "%r = arith.subi %x0, %x1 : i64", lambda a, b: a - b),
    "f16": (f16, "f16", "%r = arith.negf %x0 : f16", lambda a, b: -a),
    "bf16": (bf16, "bf16", "%r = arith.negf %x0 : bf16", lambda a, b: -a),
    "f32": (f32, "f32", "%r = arith.addf %x0, %x1 : f32", lambda a, b: a + b),
    "f64": (f64, "f64", "%r = arith.mulf %x0, %x1 : f64", lambda a, b: a * b),
}


@pytest.mark.parametrize("shape", [(4, 3), (1,), (0, 3), (2, 0), ()], ids=str)
@pytest.mark.parametrize("name", BODIES)
def test_every_dtype_and_rank(build, elementwise, name, shape):
    dtype, element, body, expected = BODIES[name]
    f = build(elementwise(body, element, "".join(f"{n}x" for n in shape)), (dtype[shape],) * 2, (dtype[shape],))
    values = np.arange(1, 2 * np.prod(shape, dtype=int) + 1).reshape(2, *shape) % 5
    a, b = (each.astype(dtype.numpy) for each in values)
    (result,) = f(a, b)
    assert type(result) is np.ndarray
    assert result.dtype == dtype.numpy
    np.testing.assert_array_equal(result, expected(a, b), strict=True)


def test_results_are_fresh_and_aligned(add, ones):
    first, second = add(ones(4, 3), ones(4, 3)), add(ones(4, 3), ones(4, 3))
    assert not np.shares_memory(first[0], second[0])
    assert all(result.ctypes.data % 64 == 0 and result.flags.carray for (result,) in (first, second))


@pytest.mark.parametrize("batch", [1, 5, 0, 1000])
def test_one_compilation_for_every_size(double, ones, batch):
    np.testing.assert_array_equal(double(ones(batch, 3))[0], 2 * ones(batch, 3), strict=True)


def test_many_sizes_do_not_take_memory_for_ever(double, ones):
    for batch in [*range(600), 3]:
        (result,) = double(ones(batch, 3))
        assert result.shape == (batch, 3)
        assert (result == 2).all()
    assert len(double._plans) <= 256


def test_symbols_come_in_the_order_of_the_signature(build):
    n, m = dim("n"), dim("m")
    source = """
      func.func @f(%m: index, %n: index, %a: memref<?x?xf32>, %out: memref<i64>) {
        %ten = arith.constant 10 : index
        %tens = arith.muli %m, %ten : index
        %sum = arith.addi %tens, %n : index
        %value = arith.index_cast %sum : index to i64
        memref.store %value, %out[] : memref<i64>
        return
      }"""
    f = build(source, (f32[n, 2 * m],), (i64[()],), symbols=(m, n))
    assert f(np.zeros((3, 8), np.float32)) == (43,)
    with pytest.raises(ArgumentError, match=r"f: a axis 1: expected 2\*m, got 5"):
        f(np.zeros((3, 5), np.float32))


def test_results_whose_extents_are_computed(build):
    n = dim("n")
    source = """
      func.func @f(%n: index, %a: memref<?xf32>, %out: memref<?xf32>) {
        %one = arith.constant 1.0 : f32
        linalg.fill ins(%one : f32) outs(%out : memref<?xf32>)
        return
      }"""
    f = build(source, (f32[n],), (f32[2 * n - 2],), symbols=(n,))
    np.testing.assert_array_equal(f(np.zeros(4, np.float32))[0], np.ones(6, np.float32), strict=True)
    with pytest.raises(ArgumentError, match="negative"):
        f(np.zeros(0, np.float32))


def test_no_arguments(build):
    source = """
      func.func @f(%out: memref<f32>) {
        %c = arith.constant 2.5 : f32
        memref.store %c, %out[] : memref<f32>
        return
      }"""
    assert build(source, (), (f32[()],), output_tree=optree.tree_structure(0))() == 2.5


def test_numbers_for_rank_0(build, elementwise):
    f = build(elementwise("%r = arith.addf %x0, %x1 : f32", "f32", ""), (f32[()],) * 2, (f32[()],))
    for a in (1, 1.0, np.float32(1), np.ones((), np.float32)):
        assert f(a, 2) == (3,)


def test_the_same_array_may_be_read_twice(add, ones):
    a = ones(4, 3)
    assert (add(a, a)[0] == 2).all()


def test_read_only_and_subclass_arrays_are_read(add, ones, tmp_path):
    a = ones(4, 3)
    a.flags.writeable = False
    b = np.memmap(tmp_path / "b", np.float32, "w+", shape=(4, 3))
    assert (add(a, b)[0] == 1).all()


# Donation and out.


def test_a_donated_argument_is_updated_in_place(add_in_place, ones):
    a, b = ones(4, 3), ones(4, 3)
    (result,) = add_in_place(a, b)
    assert result is a
    assert (a == 2).all()
    assert (b == 1).all()


def test_a_donated_array_of_a_subclass_is_returned_itself(add_in_place, ones, tmp_path):
    a = np.memmap(tmp_path / "a", np.float32, "w+", shape=(4, 3))
    assert add_in_place(a, ones(4, 3))[0] is a
    assert (a == 1).all()


def test_a_donated_number_becomes_an_array(build, elementwise):
    source = elementwise("%r = arith.addf %x0, %x1 : f32", "f32", "", in_place=True)
    f = build(source, (f32[()],) * 2, (f32[()],), donated=((0, 0),))
    for number in (1.0, np.float32(1)):
        (result,) = f(number, 2.0)
        assert type(result) is np.ndarray
        assert result == 3
        assert number == 1


def test_out_is_written_and_returned(add, ones):
    out = ones(4, 3)
    (result,) = add(ones(4, 3), ones(4, 3), out=(out,))
    assert result is out
    assert (out == 2).all()


def test_none_in_out_is_a_new_array(add, ones):
    assert (add(ones(4, 3), ones(4, 3), out=(None,))[0] == 2).all()


def test_out_of_a_donated_result_is_the_argument_or_none(add_in_place, ones):
    a, b = ones(4, 3), ones(4, 3)
    for target in (None, a):
        assert add_in_place(a, b, out=(target,))[0] is a
    assert (a == 3).all()
    with pytest.raises(ArgumentError, match=r"out\[0\] must be f32\[4, 3\], but it is written into the donated a"):
        add_in_place(a, b, out=(ones(4, 3),))
    assert (a == 3).all()


# Nested arguments and results.


@pytest.fixture
def step(build):
    """f({"count": i32[], "w": (f32[2], f32[2])}, x: f32[2]) = ({"w0": f32[2], "count": i32[]}, f32[2]), count donated.

    It counts calls and copies w[0] and w[1].
    """
    source = """
      func.func @f(%count: memref<i32>, %w0: memref<2xf32>, %w1: memref<2xf32>, %x: memref<2xf32>,
                   %out0: memref<2xf32>, %out1: memref<2xf32>) {
        %one = arith.constant 1 : i32
        %n = memref.load %count[] : memref<i32>
        %next = arith.addi %n, %one : i32
        memref.store %next, %count[] : memref<i32>
        memref.copy %w0, %out0 : memref<2xf32> to memref<2xf32>
        memref.copy %w1, %out1 : memref<2xf32> to memref<2xf32>
        return
      }"""
    v = f32[2]
    return build(
        source,
        (i32[()], v, v, v),
        (i32[()], v, v),
        donated=((0, 0),),
        names=("state['count']", "state['w'][0]", "state['w'][1]", "x"),
        input_tree=optree.tree_structure(({"count": 0, "w": (0, 0)}, 0)),
        output_tree=optree.tree_structure(({"count": 0, "w0": 0}, 0)),
    )


def test_nested_arguments_and_results(step):
    w = np.array([1, 2], np.float32), np.array([3, 4], np.float32)
    state = {"w": w, "count": np.array(7, np.int32)}
    updated, last = step(state, w[0])
    assert updated["count"] is state["count"]
    assert state["count"] == 8
    np.testing.assert_array_equal(updated["w0"], w[0])
    np.testing.assert_array_equal(last, w[1])
    out = {"count": None, "w0": np.zeros(2, np.float32)}, None
    updated, last = step(state, w[0], out=out)
    assert updated["w0"] is out[0]["w0"]
    np.testing.assert_array_equal(updated["w0"], w[0])


def test_other_structures_are_rejected(step):
    x = np.zeros(2, np.float32)
    count = np.array(0, np.int32)
    with pytest.raises(ArgumentError, match=r"f takes 2 arguments \(state, x\), got 1"):
        step({"count": count, "w": (x, x)})
    with pytest.raises(ArgumentError, match=r"f: state has no 'w', but 'v'\n"):
        step({"count": count, "v": (x, x)}, x)
    with pytest.raises(ArgumentError, match=r"f: state\['w'\] is an array, not a tuple of 2 elements\n"):
        step({"count": count, "w": x}, x)
    with pytest.raises(ArgumentError, match=r"f: out is a list, not a tuple of 2 elements\n"):
        step({"count": count, "w": (x, x)}, x, out=[])
    with pytest.raises(ArgumentError, match=r"f: out has 1 element, not 2\n"):
        step({"count": count, "w": (x, x)}, x, out=(None,))
    with pytest.raises(ArgumentError, match=r"f: state\['w'\]\[1\] must be f32\[2\], but got a dict"):
        step({"count": count, "w": (x, {"x": x})}, x)
    assert count == 0


# What an executable tells about itself.


def test_repr(step, double):
    assert repr(double) == "<Executable f: (a: f32[B, 3]) -> (f32[B, 3]), cpu>"
    assert repr(step) == (
        "<Executable f: (state: {'count': i32[], 'w': (f32[2], f32[2])}, x: f32[2])"
        " -> ({'count': i32[], 'w0': f32[2]}, f32[2]), cpu>"
    )


class Inert:
    """Code that does nothing."""

    def entry(self, address):
        return None

    def measure(self, address):
        return 0


def test_ir_of_stages():
    f = cg.compile(lambda x: x, f32[2])
    assert f.stages == cg.stages()
    assert "add" not in f.ir("term")
    assert "ret" in f.ir("asm")
    assert set(f.compile_seconds) == {*cg.stages(), "native"} - {"llvm-ir", "asm"}
    with pytest.raises(CatgradError, match=r"lambda has no stage 'gpu': its stages are term, catgrad, "):
        f.ir("gpu")


def test_code_without_a_source(tmp_path):
    f = Executable(Signature("f", (), (), ()), Inert(), target="toy")
    assert repr(f) == "<Executable f: () -> (), toy>"
    for use in (lambda: f.stages, lambda: f.ir("term"), lambda: f.save(tmp_path / "f"), lambda: f.export(tmp_path)):
        with pytest.raises(CatgradError, match="f is code alone"):
            use()


def test_no_native_code_runs_after_an_error():
    class Forbidden(Inert):
        def entry(self, address):
            raise AssertionError

    f = Executable(Signature("f", (), (f32[2],), (f32[2],), input_names=("x",)), Forbidden())
    with pytest.raises(AssertionError):
        f(np.zeros(2, np.float32))
    with pytest.raises(ArgumentError):
        f(np.zeros(3, np.float32))
    with pytest.raises(ArgumentError):
        f(np.zeros(2, np.float32), out=(np.zeros(3, np.float32),))


# Threads and memory.


def test_threads_share_an_executable(double):
    failures = []

    def work(seed):
        for i in range(500):
            x = np.full((1 + (seed + i) % 7, 3), seed * 1000 + i, np.float32)
            (result,) = double(x)
            if not np.array_equal(result, 2 * x):
                failures.append((seed, i))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_overlapping_calls_have_frames_of_their_own():
    def address_in(frame):
        return ctypes.c_uint64.from_address(frame).value

    class Nested(Inert):
        """Code that calls its executable again, twice, in the middle of the outermost call."""

        def entry(self, frame):
            seen.append(address_in(frame))
            for inner in [arrays.pop()] * 2 if arrays else ():
                f(inner)
            seen.append(address_in(frame))

    f = Executable(Signature("f", (), (f32[2],), (), input_names=("x",)), Nested())
    outer, inner = np.zeros(2, np.float32), np.zeros(2, np.float32)
    for _ in range(2):
        arrays, seen = [inner], []
        f(outer)
        assert seen == [address(outer), *[address(inner)] * 4, address(outer)]


def test_calls_may_be_nested_in_the_conversion_of_an_argument(add, ones):
    inner = []

    class Foreign:
        def __dlpack__(self, **options):
            inner.append(add(ones(4, 3), ones(4, 3))[0])
            return ones(4, 3).__dlpack__(**options)

        def __dlpack_device__(self):
            return (1, 0)

    assert (add(Foreign(), 3 * ones(4, 3))[0] == 4).all()
    assert (inner[0] == 2).all()


def test_the_gil_is_released(build):
    """Native code waits, for a bounded time, for what another Python thread writes."""
    source = """
      func.func @f(%flag: memref<1xi32>, %seen: memref<i32>) {
        %place = arith.constant 0 : index
        %zero = arith.constant 0 : i32
        %first = arith.constant 0 : i64
        %step = arith.constant 1 : i64
        %last = arith.constant 2000000000 : i64
        %end:2 = scf.while (%i = %first, %value = %zero) : (i64, i32) -> (i64, i32) {
          %more = arith.cmpi slt, %i, %last : i64
          %unset = arith.cmpi eq, %value, %zero : i32
          %go = arith.andi %more, %unset : i1
          scf.condition(%go) %i, %value : i64, i32
        } do {
        ^bb0(%i: i64, %value: i32):
          %next = arith.addi %i, %step : i64
          %read = memref.atomic_rmw ori %zero, %flag[%place] : (i32, memref<1xi32>) -> i32
          scf.yield %next, %read : i64, i32
        }
        memref.store %end#1, %seen[] : memref<i32>
        return
      }"""
    f = build(source, (i32[1],), (i32[()],))
    flag = np.zeros(1, np.int32)
    results = []
    thread = threading.Thread(target=lambda: results.append(f(flag)))
    thread.start()
    time.sleep(0.01)
    flag[0] = 1
    thread.join()
    assert results == [(1,)]


def test_calls_do_not_leak(double, add_in_place, ones):
    a, b = ones(4, 3), ones(4, 3)

    def call(times):
        for _ in range(times):
            double(b)
            add_in_place(a, b)
            with pytest.raises(ArgumentError):
                double(a[:, :2])

    call(100)
    tracemalloc.start()
    call(10)
    before, _ = tracemalloc.get_traced_memory()
    call(1000)
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < 10_000


def test_bfloat16_arrays_keep_their_dtype(build, elementwise):
    f = build(elementwise("%r = arith.negf %x0 : bf16", "bf16", inputs=1), (bf16[4],), (bf16[4],))
    assert f(np.ones(4, ml_dtypes.bfloat16))[0].dtype == ml_dtypes.bfloat16


def test_an_array_on_the_way_that_is_too_large(ones):
    rows, inner, columns = dim("B"), dim("K"), dim("N")
    total = cg.compile(lambda x, y: cg.sum(cg.tanh(x @ y)), f32[rows, inner], f32[inner, columns])
    with pytest.raises(ArgumentError, match=r"f32\[B, N\] would have 1208925819614629174706176 elements, more than"):
        total(np.empty((1 << 40, 0), np.float32), np.empty((0, 1 << 40), np.float32))
    assert total(ones(5, 0), ones(0, 4)) == 0
