"""Calls of compiled libraries: results, shapes, statuses, workspaces and threads, on every level that can run here."""

import ctypes
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

import catgrad as cg
from catgrad.export.folder import write
from catgrad.export.library import compile_library
from catgrad.export.status import Status
from catgrad.prepare import prepare
from catgrad.target import X86_LEVELS, target

B, K, N = map(cg.dim, "BKN")
RUNNABLE = [level for level in X86_LEVELS if not target(f"cpu:{level}").missing]


def normal(*shape, dtype=np.float32):
    return np.random.default_rng(0).standard_normal(shape).astype(dtype)


def chain(x, v, w):
    """Two products with a symbolic intermediate each, and a row reduction."""
    hidden = cg.tanh(x @ v)
    return cg.sum(cg.exp(hidden @ w - 1), axis=1)


CHAIN = chain, cg.f32[B, K], cg.f32[K, N], cg.f32[N, K]


@pytest.mark.parametrize("level", RUNNABLE)
def test_every_level_agrees_with_the_reference(build, level):
    made = build(f"cpu:{level}", chain=CHAIN)
    for b, k, n in ((1, 1, 1), (5, 70, 33), (0, 3, 4), (130, 20, 200)):
        x, v, w = normal(b, k), normal(k, n) / (k + 1), normal(n, k) / (n + 1)
        expected = np.exp(np.tanh(x.astype(np.float64) @ v) @ w - 1).sum(axis=1)
        np.testing.assert_allclose(made.chain(x, v, w), expected, rtol=2e-5)


@pytest.mark.sampled(4)
@pytest.mark.parametrize("level", RUNNABLE)
@pytest.mark.parametrize("dtype", [cg.f32, cg.f64])
def test_elementary_functions_are_accurate_on_every_level(build, level, dtype):
    functions = {name: getattr(np, name) for name in ("exp", "log", "tanh", "log1p", "expm1", "sin", "cos")}
    made = build(f"cpu:{level}", **{name: (getattr(cg, name), dtype[N]) for name in functions})
    x = np.geomspace(1e-6, 40, 1000).astype(dtype.numpy)
    for name, reference in functions.items():
        exact = reference(x.astype(np.longdouble))
        assert np.max(np.abs(getattr(made, name)(x) - exact) / np.spacing(exact.astype(dtype.numpy))) < 6, name


@pytest.mark.parametrize("level", RUNNABLE)
def test_loops_that_call_give_the_bits_of_the_executable(build, level):
    def sines(x):
        return reduce(lambda y, i: cg.sin(y) * (i / 30) + x, range(24), x)

    made, exe = build(f"cpu:{level}", sines=(sines, cg.f32[N])), cg.compile(sines, cg.f32[N], target=f"cpu:{level}")
    for size in (0, 1, 7, 100):
        x = normal(size)
        assert made.sines(x).tobytes() == exe(x).tobytes()


def test_inputs_of_every_dtype(build):
    types = (cg.bool_, cg.i32, cg.i64, cg.f16, cg.f32, cg.f64)
    made = build("cpu:x86-64-v3", same=(lambda *xs: tuple(cg.where(x == x, x, x) for x in xs), *(t[N] for t in types)))
    given = [np.arange(3).astype(type.numpy) for type in types]
    for x, y in zip(given, made.same(*given), strict=True):
        assert (x.dtype, x.tolist()) == (y.dtype, y.tolist())


def test_the_loader_needs_neither_catgrad_nor_mlir(digits):
    script = "import sys, digits; assert digits.predict; print(*sys.modules)"
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=digits, capture_output=True, text=True, check=True)
    roots = {name.partition(".")[0] for name in done.stdout.split()}
    assert "numpy" in roots
    assert not roots & {"catgrad", "mlir", "optree", "ml_dtypes"}


def test_training_through_the_loader_updates_the_state_in_place(digits, import_file):
    made = import_file(digits / "digits.py")
    rng = np.random.default_rng(0)
    names = json.loads((digits / "manifest.json").read_text())["functions"]["init"]["arrays"]
    arrays = [rng.standard_normal(each["shape"]).astype(np.float32) / 8 for each in names[:4]]
    keys = ("hidden.linear.bias", "hidden.linear.weight", "out.linear.bias", "out.linear.weight")
    state = made.init(dict(zip(keys, arrays, strict=True)))
    x, y = rng.standard_normal((32, 64)).astype(np.float32), np.arange(32, dtype=np.int32) % 10
    losses = []
    for _ in range(30):
        after, loss = made.step(state, x, y)
        losses.append(loss.item())
    assert after["parameters"]["out.linear.bias"] is state["parameters"]["out.linear.bias"]
    assert losses[-1] < losses[0] / 2


def test_a_learner_without_a_memory_trains_through_the_loader(tmp_path, import_file):
    learner = cg.learner(cg.nn.Linear(3, 2), loss=cg.nn.mse, optimizer=cg.optim.sgd(0.1))
    types = cg.f32[4, 3], cg.f32[4, 2]
    learner.export(tmp_path, *types, functions=("init", "step"), name="net", target="cpu:x86-64-v2")
    made, batch = import_file(tmp_path / "net.py"), (normal(4, 3), normal(4, 2))
    state = made.init(learner.init(0)["parameters"])
    assert state["optimizer"] == {}
    losses = [made.step(state, *batch)[1].item() for _ in range(9)]
    assert losses[-1] < losses[0] / 2


@dataclass
class Point:
    x: object
    y: object


class Pair(NamedTuple):
    x: object
    y: object


def test_what_a_loader_takes_and_gives_is_nested_as_for_the_executable(build):
    def nest(p, x, point):
        return {"x": x, "p": p, "none": None, "list": [], "dict": {}, "tuple": ((), [x + 1], (x,))}, Pair(x, point.x)

    made = build(nest=(nest, {"y": [cg.f32[2], None, {}, ()]}, cg.f32[2], Point(cg.f32[2], cg.f32[2])))
    x, p = normal(2), {"y": [normal(2), None, {}, ()]}
    expected = nest(p, x, Point(x, x))
    found = made.nest(p, x, {"x": x.copy(), "y": x.copy()})
    np.testing.assert_equal(found, (expected[0], tuple(expected[1])))
    with pytest.raises(TypeError, match=r"p\['y'\] must be a list, got a tuple"):
        made.nest({"y": tuple(p["y"])}, x, {"x": x, "y": x})
    with pytest.raises(TypeError, match=r"p\['y'\]\['1'\] must be None, got a dict"):
        made.nest({"y": [x, {}, {}, ()]}, x, {"x": x, "y": x})


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((normal(2, 3), normal(3, 4)), TypeError, "takes 3 arguments, got 2"),
        ((normal(2, 3), normal(3, 4), normal(5, 3)), ValueError, r"must have shape \(4, 3\), got \(5, 3\)"),
        ((np.ones((2, 3), int), normal(3, 4), normal(4, 3)), TypeError, "must be float32 with 2 axes"),
        ((np.full((2, 3), 1e300), normal(3, 4), normal(4, 3)), ValueError, r"x has 1e\+300, which is out of range"),
        ((np.ma.masked_array(normal(2, 3)), normal(3, 4), normal(4, 3)), TypeError, "x is masked"),
        (([["a"] * 3] * 2, normal(3, 4), normal(4, 3)), TypeError, "x must be float32 with 2 axes, got a list, which"),
        (
            ([[1.0], [2.0, 3.0]], normal(3, 4), normal(4, 3)),
            TypeError,
            "x must be float32 with 2 axes, got a list, which is no array: ",
        ),
        (
            (normal(2, 3), None, normal(4, 3)),
            TypeError,
            "v must be float32 with 2 axes, got None, which is no array of numbers",
        ),
        (
            (normal(2, 3), normal(3, 4), {"z": 1}),
            TypeError,
            "w must be float32 with 2 axes, got a dict, which is no array of numbers",
        ),
        (
            (normal(2, 3), normal(3, 4), "text"),
            TypeError,
            "w must be float32 with 2 axes, got a str, which is no array of numbers",
        ),
    ],
)
def test_the_loader_rejects_what_does_not_fit(chained, arguments, error, message):
    with pytest.raises(error, match=message):
        chained.chain(*arguments)


def test_the_loader_takes_arguments_by_name(chained):
    x, v, w = normal(2, 3), normal(3, 4), normal(4, 3)
    expected = chained.chain(x, v, w).tobytes()
    assert chained.chain(x, w=w, v=v).tobytes() == chained.chain(w=w, v=v, x=x).tobytes() == expected


@pytest.mark.parametrize("named", [{"z": 1}, {"w": 1, "z": 1}, {"w": 1, "x": 1}, {"v": 1}])
def test_the_loader_takes_no_other_names(chained, named):
    message = rf"chain takes \(x, v, w\), got 2 by position, and by keyword {', '.join(named)}"
    with pytest.raises(TypeError, match=message):
        chained.chain(normal(2, 3), normal(3, 4), **named)


def test_a_loader_that_has_met_many_shapes_knows_the_next(chained):
    for n in range(1, 300):
        assert chained.chain(np.zeros((n, 1), np.float32), normal(1, 2), normal(2, 1)).shape == (n,)
    with pytest.raises(TypeError, match=r"x must be float32 with 2 axes, got float32\(3,\)"):
        chained.chain(normal(3), normal(1, 2), normal(2, 1))


def test_what_is_updated_in_place_is_returned_as_the_same_object(tmp_path, import_file):
    program = prepare(lambda state, n: (state + state, n + n), cg.bf16[3], cg.i32[()], donate=(0, 1))
    write(tmp_path, compile_library("lib", {"update": program}, "cpu:x86-64-v2"))
    state = np.arange(3).astype(cg.bf16.numpy)
    updated, number = import_file(tmp_path / "lib.py").update(state, 7)
    assert updated is state
    assert state.astype(int).tolist() == [0, 2, 4]
    assert (type(number), number) == (np.ndarray, 14)
    with pytest.raises(TypeError, match="state must be uint16 with 1 axes, got a list, which is no array of numbers"):
        import_file(tmp_path / "lib.py").update(["a"] * 3, 7)


def test_the_loader_copies_what_is_only_read(build):
    made = build(shift=(lambda x, n: x + cg.cast(n, cg.f32), cg.f32[3], cg.i32[()]))
    expected = [2.0, 3.0, 4.0]
    for x, n in (
        (np.arange(3.0), np.int64(2)),
        ([0, 1, 2], 2),
        (np.arange(6, dtype=">f4")[::2] / 2, np.uint8(2)),
        (np.arange(3, dtype=np.float16)[::-1][::-1], np.array(2, ">i4")),
    ):
        assert made.shift(x, n).tolist() == expected
    for wrong in (2**40, np.int64(2**40)):
        with pytest.raises(ValueError, match="out of range"):
            made.shift([0, 1, 2], wrong)
    with pytest.raises(TypeError, match="must be int32"):
        made.shift([0, 1, 2], 1.5)


def test_nothing_has_no_greatest_element(build):
    made = build(greatest=(lambda x: cg.max(x, axis=1), cg.f32[B, N]))
    assert made.greatest(normal(0, 2)).shape == (0,)
    with pytest.raises(ValueError, match="a dimension is out of its range"):
        made.greatest(normal(2, 0))


@pytest.mark.parametrize(
    "facts", [{"max": 1}, {"min": 1, "max": 2}, {"min": 2, "max": 2}, {"min": 4, "multiple_of": 4}]
)
@pytest.mark.parametrize("shape", [lambda n: n, lambda n: 3 * n + 2])
def test_dimensions_with_few_values(build, facts, shape):
    n = cg.dim("n", **{"max": 8, **facts})
    made = build(double=(lambda x: x + x, cg.f32[shape(n)]))
    assert made.double(normal(shape(n.max))).shape == (shape(n.max),)
    with pytest.raises(ValueError, match=r"out of its range|must have shape"):
        made.double(normal(shape(n.max + 1)))


def test_what_fits_into_memory_is_in_range(build):
    made = build(product=(lambda x, y: x @ y, cg.f32[B, K], cg.f32[K, N]))
    x = np.ones((9_000_000, 1), np.float32)
    assert made.product(x, x[:2].T).shape == (9_000_000, 2)


def test_arrays_on_the_way_that_are_too_large(build):
    made = build(total=(lambda x, y: cg.sum(cg.tanh(x @ y)), cg.f32[B, K], cg.f32[K, N]))
    assert made.total(normal(5, 0), normal(0, 7)) == 0
    for rows, columns in ((1 << 40, 1 << 40), (1 << 24, 1 << 23), (1 << 46, 2)):
        with pytest.raises(ValueError, match="or makes an array too large"):
            made.total(normal(rows, 0), normal(0, columns))


class Raw:
    """The C functions of a library with one function, called as a C program may call them."""

    def __init__(self, folder, name):
        self.code = ctypes.CDLL(str(folder / "liblib.so"))
        self.function, self.workspace = self.code[f"lib_{name}"], self.code[f"lib_{name}_workspace"]
        self.workspace.restype = ctypes.c_size_t
        self.code.lib_status_text.restype = ctypes.c_char_p

    def size(self, *dimensions):
        return self.workspace(*map(ctypes.c_int64, dimensions))

    def __call__(self, dimensions, addresses, workspace, size):
        sizes = map(ctypes.c_int64, dimensions)
        return self.function(
            *sizes, *map(ctypes.c_void_p, addresses), ctypes.c_void_p(workspace), ctypes.c_size_t(size)
        )


@pytest.fixture(scope="module")
def chained(build):
    """The chain as a library."""
    return build(chain=CHAIN)


@pytest.fixture(scope="module")
def raw(chained):
    """The chain as a C function."""
    return Raw(Path(chained.__file__).parent, "chain")


@pytest.mark.parametrize("dimensions", [(1, 1, 1), (7, 65, 33), (200, 300, 17), (0, 5, 5)])
@pytest.mark.parametrize("misalignment", [0, 1, 40])
def test_a_call_stays_inside_its_workspace(raw, dimensions, misalignment):
    b, k, n = dimensions
    arrays = [normal(b, k), normal(k, n) / 9, normal(n, k) / 9, np.empty(b, np.float32)]
    size = raw.size(*dimensions)
    memory = np.full(size + 256, 0xA5, np.uint8)
    start = 64 + misalignment
    assert raw(dimensions, [x.ctypes.data for x in arrays], memory.ctypes.data + start, size) == Status.OK
    np.testing.assert_allclose(arrays[3], np.exp(np.tanh(arrays[0] @ arrays[1]) @ arrays[2] - 1).sum(1), rtol=1e-4)
    assert (memory[:start] == 0xA5).all()
    assert (memory[start + size :] == 0xA5).all()


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({}, Status.OK),
        ({"dimensions": (-1, 3, 4)}, Status.DIMENSION),
        ({"dimensions": (1 << 62, 3, 4)}, Status.DIMENSION),
        ({"array": 0}, Status.NULL),
        ({"array": 2}, Status.ALIGNMENT),
        ({"size": -1}, Status.WORKSPACE),
        ({"workspace": 0}, Status.WORKSPACE),
    ],
)
def test_every_mistake_has_its_status(raw, change, status):
    dimensions = change.get("dimensions", (2, 3, 4))
    arrays = [normal(2, 3), normal(3, 4), normal(4, 3), np.empty(2, np.float32)]
    room = np.empty(raw.size(2, 3, 4), np.uint8)
    addresses = [x.ctypes.data for x in arrays]
    if "array" in change:
        addresses[1] = change["array"] and addresses[1] + change["array"]
    given = raw(dimensions, addresses, change.get("workspace", room.ctypes.data), room.size + change.get("size", 0))
    assert given == status
    assert raw.code.lib_status_text(given).decode() == status.text


def test_the_workspace_of_impossible_dimensions_is_none(raw):
    assert raw.size(-1, 3, 4) == raw.size(1 << 62, 3, 4) == 0
    assert raw.code.lib_status_text(99) == b"unknown status"


def test_calls_overlap_in_threads(chained):
    x, v, w = normal(64, 40), normal(40, 50) / 9, normal(50, 40) / 9
    expected = chained.chain(x, v, w).tobytes()
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: chained.chain(x, v, w).tobytes(), range(200)))
    assert set(results) == {expected}


def test_a_library_in_use_can_be_replaced_but_not_mistaken(build, import_file):
    made = build(double=(lambda x: x + x, cg.f32[N]))
    path = Path(made.__file__)
    write(path.parent, compile_library("lib", {"double": prepare(lambda x: x, cg.f32[3, 3])}, "cpu:x86-64-v2"))
    assert made.double(np.ones(2, np.float32)).tolist() == [2, 2]
    with pytest.raises(ImportError, match="start a new process"):
        import_file(path)


class Residual(cg.Module):
    def __init__(self, width):
        self.linear = cg.nn.Linear(width, width)

    def forward(self, x):
        return x + cg.tanh(self.linear(x))


class Deep(cg.Module):
    def __init__(self, width, depth):
        self.layers = [Residual(width) for _ in range(depth)]

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


@pytest.mark.slow
def test_layers_that_share_code_work_behind_what_is_alive(build):
    learner = cg.learner(Deep(16, 12), loss=cg.nn.mse, optimizer=cg.optim.adam(1e-3))
    types = cg.f32[B, 16], cg.f32[B, 16]
    made, step = build("cpu", step=(learner.step, *types)), cg.compile(learner.step, *types)
    for b in (1, 33):
        one, other = learner.init(0), learner.init(0)
        for _ in range(3):
            batch = normal(b, 16), normal(b, 16) / 2
            (_, expected), (_, loss) = step(one, *batch), made.step(other, *batch)
            np.testing.assert_allclose(loss, expected, rtol=1e-5)
