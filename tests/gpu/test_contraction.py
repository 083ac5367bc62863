"""Contractions on a device: they agree with the reference in all layouts, sizes and dtypes, and assemble."""

import re
from itertools import product

import ml_dtypes
import numpy as np
import pytest
from mlir import ir

import catgrad as cg
from catgrad.passes.gpu import tiles
from catgrad.passes.gpu.fragments import Fragments
from catgrad.passes.gpu.machine import GpuMachine
from catgrad.passes.gpu.squares import Squares
from catgrad.passes.gpu.tiles import Extents, fragments, squares
from catgrad.prepare import prepare
from catgrad.runtime.gpu import assembly
from catgrad.source import Source
from catgrad.types import TensorType

MACHINES = [GpuMachine.named(name) for name in GpuMachine.names()]
DTYPES = {cg.f16: np.float16, cg.bf16: ml_dtypes.bfloat16, cg.f32: np.float32, cg.f64: np.float64, cg.i32: np.int32}
TRANSPOSES = ["ik,kj->ij", "ik,jk->ij", "ki,kj->ij", "ki,jk->ij", "ik,kj->ji"]
ODD, EVEN = (17, 33, 65), (24, 36, 42)
USAGE = re.compile(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads")


def shape(indices, extents):
    return tuple(extents[index] for index in indices)


def sample(spec, extents, dtype):
    """Return operands whose products and sums are exact."""
    generator = np.random.default_rng(0)
    sides = spec.partition("->")[0].split(",")
    return [generator.integers(-2, 3, shape(side, extents)).astype(DTYPES[dtype]) for side in sides]


def check(cases, dtype, types=None, target="cuda:emulate"):
    """Compare several contractions, which are one program, with the reference."""
    inputs = [sample(spec, extents, dtype) for spec, extents in cases]

    def program(inputs):
        return [cg.contract(spec, *x) for (spec, _), x in zip(cases, inputs, strict=True)]

    found = cg.compile(program, types or cg.lang.function.as_types(inputs), target=target)(inputs)
    for case, x, y in zip(cases, inputs, found, strict=True):
        expected = np.einsum(case[0], *(each.astype(np.float64) for each in x)).astype(DTYPES[dtype])
        np.testing.assert_array_equal(np.asarray(y), expected, err_msg=str(case))


def sizes(m, k, n):
    return {"i": m, "k": k, "j": n}


def slow(*values):
    return pytest.param(*values, marks=pytest.mark.slow)


@pytest.mark.parametrize(
    ("dtype", "extents"), [(cg.f16, EVEN), (cg.f32, ODD), slow(cg.f16, ODD), slow(cg.f32, EVEN)], ids=str
)
def test_all_transposes(dtype, extents):
    check([(spec, sizes(*extents)) for spec in TRANSPOSES], dtype)


@pytest.mark.parametrize("dtype", [slow(cg.bf16), slow(cg.f64), slow(cg.i32)], ids=str)
def test_dtypes(dtype):
    check([("ik,kj->ij", sizes(17, 33, 19)), ("ki,jk->ij", sizes(16, 40, 8))], dtype)


@pytest.mark.parametrize("dtype", [cg.f16, slow(cg.f32)], ids=str)
def test_extents_that_are_few_or_none(dtype):
    extents = [(1, 1, 1), (0, 4, 5), (3, 0, 5), (1, 70, 1)]
    check([("ik,kj->ij", sizes(*each)) for each in extents], dtype)


@pytest.mark.parametrize("dtype", [slow(cg.f16), cg.f32], ids=str)
def test_batches_and_directions_of_several_dimensions(dtype):
    extents = {"a": 2, "b": 3, "i": 5, "j": 4, "k": 6, "l": 8}
    specs = "abik,abjk->abij", "aibk,kjbl->iajl", "kli,ljk->ij", "ijl,kj->ik", "lk,kal->a"
    check([(spec, extents) for spec in specs], dtype)


@pytest.mark.parametrize("dtype", [slow(cg.f16), cg.f32], ids=str)
@pytest.mark.parametrize("extents", [(33, 70, 17), (3, 0, 5), slow((0, 2, 2))], ids=str)
def test_sizes_known_at_run_time(dtype, extents):
    m, k, n = (cg.dim(name) for name in "MKN")
    types = [[TensorType(dtype, (m, k)), TensorType(dtype, (k, n))]]
    check([("ik,kj->ij", sizes(*extents))], dtype, types)


def layer(x, w, b, r):
    y = x @ w + b
    return cg.maximum(y, 0) + r, cg.cast(y > r, cg.f32)


def turned(x, w, b, r):
    return cg.permute_dims(x @ w, (1, 0)) * 2


def in_place(x, w, b, r):
    return r - x @ w


@pytest.mark.sampled(2, "function")
@pytest.mark.parametrize("dtype", [cg.f16, cg.f32], ids=str)
@pytest.mark.parametrize("function", [layer, turned, in_place])
def test_what_is_computed_of_single_elements_is_the_same_kernel(function, dtype):
    source = Source(*prepare(function, dtype["M", 33], dtype[33, 24], dtype[24], dtype["M", 24]), "cuda:emulate")
    text = source.ir("gpu")
    assert text.count("gpu.launch_func") == 1
    assert "memref.view" not in text


@pytest.mark.parametrize(
    ("dtype", "columns"), [(cg.f16, 24), slow(cg.f32, 24), slow(cg.f16, 21), slow(cg.f32, 21)], ids=str
)
def test_operations_on_single_elements_agree(dtype, columns):
    generator = np.random.default_rng(0)
    shapes = (17, 33), (33, columns), (columns,), (17, columns)
    operands = [generator.integers(-2, 3, each).astype(DTYPES[dtype]) for each in shapes]

    def program(*operands):
        return [*layer(*operands), turned(*operands), in_place(*operands)]

    term = cg.trace(program, *cg.lang.function.as_types(operands))
    found = cg.compile(term, target="cuda:emulate", donate=3)(*operands)
    for x, y in zip(found, cg.interpret(term, *operands), strict=True):
        np.testing.assert_array_equal(np.asarray(x), y)


def test_an_operand_is_not_overwritten_while_others_read_it():
    w = np.random.default_rng(0).integers(-2, 3, (40, 40)).astype(np.float32)
    square = cg.compile(lambda w: w - w @ w, cg.f32[40, 40], target="cuda:emulate", donate=0)
    np.testing.assert_array_equal(np.asarray(square(w)), w - w @ w)


TILES = [(16, 16), (16, 32), (32, 16), (32, 64), (64, 32), (64, 64), (64, 128), (128, 64), (128, 128)]
CASES = [*product([cg.f16, cg.f32], TILES), *product([cg.f16], [(16, 128), (128, 16)]), (cg.f64, (64, 64))]
FAST = cg.f16, (32, 64)


@pytest.mark.parametrize(("dtype", "size"), [case if case == FAST else slow(*case) for case in CASES], ids=str)
def test_every_tile(dtype, size, monkeypatch):
    """Two tiles down and across, the second ones cut, and one that is whole."""
    monkeypatch.setattr(tiles._Cost, "least", lambda _, all, extents: {(t.rows, t.columns): t for t in all}[size])
    monkeypatch.setenv("CATGRAD_EMULATOR_SCHEDULE", "random:1")
    specs = TRANSPOSES[: 1 if (dtype, size) == FAST else 4]
    check([(spec, sizes(size[0] + 8, 70, size[1] + 7)) for spec in specs], dtype)
    check([(spec, sizes(size[0], 160, size[1])) for spec in specs], dtype)


def gelu_layer(x, w, b):
    return cg.gelu(x @ w + b)


@pytest.mark.sampled(3, "dtype")
@pytest.mark.parametrize("machine", MACHINES, ids=str)
@pytest.mark.parametrize("dtype", [cg.f16, slow(cg.f32), slow(cg.bf16), slow(cg.f64), slow(cg.i64)], ids=str)
def test_kernels_assemble_without_spills(machine, dtype, tmp_path):
    m = cg.dim("M")
    types = [
        [(64, 40), (40, 72)],
        [(4096, 4096), (4096, 4096)],
        [(1000, 512), (512, 256)],  # a loop that a compiler would unroll
        [(m, 37), (37, 51)],
        [(m, 64), (64, 128), (128,)],
    ]
    function = gelu_layer if dtype.is_float else lambda x, w, b: x @ w + b

    def program(products):
        return [x @ y for x, y in products[:-1]], function(*products[-1])

    operands = [[TensorType(dtype, each) for each in shapes] for shapes in types]
    text = Source(*prepare(program, operands), f"cuda:{machine}").ir("ptx")
    said = assembly.assemble(text, tmp_path / "kernels.cubin")
    assert USAGE.findall(said) == [("0", "0", "0")] * len(types)
    assert "atom." not in text


EXTENTS = [(1, 1, 1, 1), (1, 64, 10, 128), (1, 4096, 4096, 64), (64, 64, 64, 64), (1, 1, 4096, 4096), (1, 9999, 1, 7)]


@pytest.mark.parametrize("machine", MACHINES, ids=str)
@pytest.mark.parametrize("extents", EXTENTS)
def test_tiles_fit_and_every_thread_moves_something(machine, extents):
    for tile, size, bytes in [
        *((squares(Extents(*extents), size, machine), size, size) for size in (1, 2, 4, 8)),
        (fragments(Extents(*extents), 2, machine), 2, 2),
    ]:
        lanes = machine.access_bytes // max(bytes, 2 if tile.worker > 1 else 4)
        assert tile.threads <= machine.block
        assert tile.stages * (tile.rows + tile.columns) * tile.depth * size <= machine.shared_bytes
        for side in (tile.rows, tile.columns):
            assert side * tile.depth % (lanes * tile.threads) == 0


def test_small_contractions_have_small_tiles():
    machine = GpuMachine.named("sm_80")
    small, large = Extents(1, 16, 16, 512), Extents(1, 8192, 8192, 512)
    for choose, size in ((squares, 4), (fragments, 2)):
        assert choose(small, size, machine).rows == 16
        assert choose(large, size, machine).rows == 128


def banks(layout, places, size, unit):
    """Return which of the parts of all banks, of `unit` bytes, accesses begin in."""
    starts = [(line * layout.shape[1] + along) * size for line, along in (layout.place(*each) for each in places)]
    return {start // unit % (128 // unit) for start in starts}


@pytest.mark.parametrize("extents", EXTENTS)
@pytest.mark.parametrize("deep", [True, False])
def test_fragments_are_read_and_written_without_conflicts_of_banks(extents, deep):
    """Eight threads at once write chunks one after the other, and read the same chunk of eight lines."""
    with ir.Context(), ir.Location.unknown():
        tile = fragments(Extents(*extents), 2, MACHINES[0])
        layouts = [Fragments(tile, ir.F16Type.get(), MACHINES[0]).layout(m, deep) for m in (tile.rows, tile.columns)]
    for layout in layouts:
        lines, along = layout.shape
        places = [(line, chunk) if deep else (chunk, line) for line in range(lines) for chunk in range(0, along, 8)]
        assert len({layout.place(*place) for place in places}) == lines * along // 8
        for start in range(0, len(places), 8):
            assert len(banks(layout, places[start : start + 8], 2, 16)) == 8
        for first, chunk in product(range(0, lines, 8), range(0, along, 8)):
            square = [(first + r, chunk) if deep else (chunk, first + r) for r in range(8)]
            assert len(banks(layout, square, 2, 16)) == 8


@pytest.mark.parametrize("extents", [(1, 4096, 4096, 64), (1, 9999, 1024, 7)])
def test_tiles_are_turned_without_conflicts_of_banks(extents):
    """A warp that has read four elements along the depth each writes each to its own line."""
    with ir.Context(), ir.Location.unknown():
        tile = squares(Extents(*extents), 4, MACHINES[0])
        layout = Squares(tile, ir.F32Type.get(), MACHINES[0]).layout(tile.rows, True)
    across = tile.depth // 4
    for first, lane in product(range(0, tile.threads, 32), range(4)):
        places = [(t // across, t % across * 4 + lane) for t in range(first, first + 32)]
        assert len(banks(layout, places, 4, 4)) == 32
