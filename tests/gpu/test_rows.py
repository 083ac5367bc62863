"""Chains on rows and columns: one kernel each, which moves what has to be moved and computes what is meant."""

import re
from itertools import product

import numpy as np
import pytest

import catgrad as cg
from catgrad import nn
from catgrad.prepare import prepare
from catgrad.runtime.gpu import assembly
from catgrad.source import Source
from catgrad.types import bf16, dtypes

TARGET = "cuda:emulate"
SHAPES = [(0, 5), (4, 0), (3, 1), (1, 31), (5, 33), (3, 1000), (2, 5000)]
SPECIAL = [np.nan, np.inf, -np.inf, 0.0, -0.0]


def normalised(x, weight, bias):
    """Layer normalisation."""
    centred = x - cg.mean(x, axis=-1, keepdims=True)
    return centred * cg.rsqrt(cg.mean(cg.square(centred), axis=-1, keepdims=True) + 1e-5) * weight + bias


CHAINS = {
    "softmax": (cg.softmax, 1),
    "log_softmax": (cg.log_softmax, 1),
    "softmax, reversed": (cg.grad(lambda x, w: cg.sum(cg.softmax(x) * w)), 2),
    "log_softmax, reversed": (cg.grad(lambda x, w: cg.sum(cg.log_softmax(x) * w)), 2),
}


def kernels(function, *types, target="cuda"):
    """Return the kernels of a function, as texts."""
    text = Source(*prepare(function, *types), target).ir("gpu")
    return [kernel for _, kernel in re.findall(r"\n( +)gpu\.func (.+?)\n\1\}", text, re.DOTALL)]


@pytest.mark.sampled(2, "chain")
@pytest.mark.parametrize("columns", [33, 1000])
@pytest.mark.parametrize("chain", CHAINS)
def test_a_chain_is_one_kernel_that_reads_and_writes_each_element_once(chain, columns):
    function, count = CHAINS[chain]
    (kernel,) = kernels(function, *[cg.f32[300, columns]] * count)
    assert "scf.for" not in kernel
    wide = columns % 4 == 0
    loads = [re.findall(rf"(vector|memref)\.load %arg{k}\[(.+?)\]", kernel) for k in range(count)]
    stores = re.findall(rf"(vector|memref)\.store .+?, %arg{count}\[(.+?)\]", kernel)
    places = {("vector" if wide else "memref", place) for _, place in stores}
    assert len(stores) == len(places)
    for found in loads:
        assert sorted(found) == sorted(places)
    assert len(re.findall(r"(?:load|store) .*memref<300x", kernel)) == len(places) * (count + 1)


def draw(generator, shape, dtype):
    """Return random elements, ties among them."""
    if dtype.is_float:
        return (generator.integers(-20, 20, shape) / 8).astype(dtype.numpy)
    return generator.integers(0, 2 if dtype.is_bool else 50, shape).astype(dtype.numpy)


def folds(x, rows, columns):
    """Return what can be folded of a matrix, along rows and along columns; nothing has neither maximum nor minimum."""
    along = [axis for axis, extent in enumerate((rows, columns)) if extent]
    if x.dtype.is_bool:
        return [fold(x, axis=axis) for fold in (cg.any, cg.all) for axis in along]
    sums = [cg.sum(x, axis=0), cg.sum(x, axis=1), cg.sum(x), cg.sum(x * x, axis=1)]
    return sums + [fold(x, axis=axis) for fold in (cg.max, cg.min, cg.argmax, cg.argmin) for axis in along[-1:]]


def chains(x, rows, columns):
    """Return chains of operations on the rows of a matrix, and on its columns."""
    if not (x.dtype.is_float and columns):
        return []
    along_columns = [cg.softmax(x, axis=0)] if rows else []
    return [cg.softmax(x), cg.log_softmax(x), x - cg.mean(x, axis=1, keepdims=True), *along_columns]


def program(inputs):
    """Return everything that is computed of some matrices."""
    return [[*folds(x, *shape), *chains(x, *shape)] for x, shape in zip(inputs, SHAPES, strict=True)]


def compare(found, expected, dtype):
    tolerance = {64: 1e-13, 32: 2e-6, 16: 1e-2 if dtype.name == "bf16" else 2e-3}.get(dtype.bits, 0)
    for a, b in zip(found, expected, strict=True):
        for result, wanted in zip(a, b, strict=True):
            result, wanted = np.asarray(result), np.asarray(wanted)
            assert (result.shape, result.dtype) == (wanted.shape, wanted.dtype)
            is_exact = not dtype.is_float or result.dtype.kind == "i"
            result, wanted = result.astype(np.float64), wanted.astype(np.float64)
            scale = np.max(np.abs(wanted[np.isfinite(wanted)]), initial=1) if not is_exact else 0
            np.testing.assert_allclose(result, wanted, rtol=0 if is_exact else tolerance, atol=tolerance * scale)


@pytest.mark.parametrize(
    ("dtype", "dynamic"),
    [
        pytest.param(*case, marks=[] if case == (bf16, True) else pytest.mark.slow)
        for case in product(dtypes, (False, True))
    ],
    ids=str,
)
def test_rows_and_columns_of_every_size(dtype, dynamic):
    generator = np.random.default_rng(0)
    inputs = [draw(generator, shape, dtype) for shape in SHAPES]
    types = [dtype[f"B{i}", f"N{i}"] if dynamic else dtype[shape] for i, shape in enumerate(SHAPES)]
    term = cg.trace(program, types)
    with np.errstate(all="ignore"):
        compare(cg.compile(term, target=TARGET)(inputs), cg.interpret(term, inputs), dtype)


def agree(function, *arrays, donate=()):
    """Check that what is compiled is what is meant; return the results."""
    types = cg.lang.function.as_types(arrays)
    term = cg.trace(function, *types)
    with np.errstate(all="ignore"):
        expected = cg.interpret(term, *(np.copy(x) for x in arrays))
    found = cg.compile(function, *types, target=TARGET, donate=donate)(*arrays)
    for a, b in zip(*(x if isinstance(x, tuple) else (x,) for x in (found, expected)), strict=True):
        np.testing.assert_allclose(np.asarray(a), b, rtol=2e-5, atol=2e-6)


def test_what_is_no_number_stays_in_its_row():
    x = np.random.default_rng(0).standard_normal((6, 40)).astype(np.float32)
    x[:5, 7] = SPECIAL
    x[5, 3:5] = np.inf
    agree(lambda x: (cg.softmax(x), cg.max(x, axis=1), cg.argmax(x, axis=1), cg.sum(x, axis=1), cg.log_softmax(x)), x)


@pytest.mark.sampled(2, "shape")
@pytest.mark.parametrize("fold", [cg.argmax, cg.argmin])
@pytest.mark.parametrize("shape", [(2, 300), (1, 20001), (300, 2)])
def test_the_first_of_the_best_and_of_what_is_no_number(fold, shape):
    x = np.random.default_rng(0).integers(-2, 3, shape).astype(np.float32)
    with_nan = np.where(np.random.default_rng(1).random(shape) < 0.02, np.nan, x).astype(np.float32)
    axis = int(np.argmax(shape))
    agree(
        lambda *xs: tuple(fold(x, axis=axis) for x in xs), x, with_nan, np.copysign(np.inf, -x), np.copysign(np.inf, x)
    )


@pytest.mark.parametrize("dtype", ["f16", "i64"])
def test_threads_share_a_row_that_is_searched(dtype):
    (kernel,) = kernels(lambda x: cg.argmax(x + x, axis=1, dtype=cg.i64), getattr(cg, dtype)[300, 1000])
    assert "gpu.shuffle" in kernel
    assert "workgroup(" in kernel


def test_a_search_joins_a_chain():
    def chain(x):
        return cg.argmax(cg.softmax(x), axis=1), cg.sum(x, axis=1)

    agree(chain, np.random.default_rng(0).standard_normal((5, 33)).astype(np.float32))
    assert len(kernels(chain, cg.f32[300, 33])) == 1


@pytest.mark.parametrize("shape", [(3, 7, 33), (2, 40, 5)])
def test_axes_in_the_middle_and_several(shape):
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    agree(lambda x: (cg.softmax(x, axis=1), cg.sum(x, axis=(0, 2)), cg.max(x, axis=(1, 2)), cg.sum(x, axis=0)), x)


def test_a_row_that_is_updated_in_place():
    rows = np.random.default_rng(0).standard_normal((5, 33)).astype(np.float32), np.ones(5, np.float32)

    def update(x, total):
        scale = total + cg.sum(x, axis=1)
        return x / cg.reshape(scale, (5, 1)) + cg.max(x, axis=1, keepdims=True), scale

    agree(update, *rows, donate=(0, 1))
    assert len(kernels(update, cg.f32[5, 33], cg.f32[5])) == 1


def test_the_cross_entropy_and_its_gradient_are_a_kernel_of_rows_and_one_sum():
    generator = np.random.default_rng(0)
    logits, labels = (
        generator.standard_normal((9, 33)).astype(np.float32),
        generator.integers(0, 33, 9).astype(np.int32),
    )
    loss = cg.value_and_grad(nn.softmax_cross_entropy)
    agree(loss, logits, labels)
    assert len(kernels(loss, cg.f32[9, 33], cg.i32[9])) == 2


@pytest.mark.parametrize("shape", [(4, 33), (3, 1000)])
def test_normalisation_of_layers_is_one_kernel(shape):
    x, weight, bias = (
        np.random.default_rng(0).standard_normal(s).astype(np.float32) for s in (shape, *[shape[1:]] * 2)
    )
    agree(normalised, x, weight, bias)
    assert len(kernels(normalised, *cg.lang.function.as_types((x, weight, bias)))) == 1


def test_rows_too_long_for_registers():
    agree(CHAINS["softmax, reversed"][0], *np.random.default_rng(0).standard_normal((2, 2, 20000)).astype(np.float32))


@pytest.mark.sampled(2)
@pytest.mark.parametrize("shape", [(2, 20001), (20001, 3)])
def test_blocks_share_few_and_long_rows(shape):
    x = np.random.default_rng(0).integers(-9, 9, shape).astype(np.float32)
    axis = int(np.argmax(shape))

    def folds(x):
        return cg.sum(x, axis=axis), cg.max(x, axis=axis) + 1

    agree(folds, x)
    agree(lambda x: cg.sum(x), x)
    assert len(kernels(folds, cg.f32[shape])) == 2


@pytest.mark.parametrize(("shape", "count"), [((131, 8193), 1), ((88, 8193), 1), ((87, 8193), 4), ((1, "N"), 4)])
def test_long_rows_are_one_kernel_where_idle_processors_cost_less_than_passes_over_memory(shape, count):
    assert len(kernels(cg.softmax, cg.f32[shape], target="cuda:sm_90")) == count


def test_long_columns_are_one_kernel_where_their_blocks_are_enough():
    counts = [len(kernels(lambda x: cg.softmax(x, axis=0), cg.f32[8193, n], target="cuda:sm_90")) for n in (4000, 1000)]
    assert counts[0] == 1 < counts[1]


def test_what_is_known_before_a_fold_is_written_on_the_way():
    def both(x):
        double = x + x
        return double, cg.sum(double, axis=0)

    agree(both, np.random.default_rng(0).integers(-9, 9, (5, 200)).astype(np.float32))
    (kernel,) = kernels(both, cg.f32["B", 200])
    assert len(re.findall(r"store .*: memref<\?x200xf32>", kernel)) == 1
    assert len(re.findall(r"load .*: memref<\?x200xf32>", kernel)) == 1


USAGE = re.compile(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads")


def everywhere():
    """Each length on each architecture; a known and an unknown one are enough for the fast tests."""
    fast = {("sm_90", 5000), ("sm_100", "N")}
    cases = [(a, n) for a in ("sm_80", "sm_90", "sm_100") for n in (33, 5000, 32768, "N")]
    return [pytest.param(*case, marks=[] if case in fast else pytest.mark.slow) for case in cases]


@pytest.mark.parametrize(("architecture", "columns"), everywhere())
def test_chains_assemble_without_spills(architecture, columns, tmp_path):
    def together(xs):
        return [function(*xs[:count]) for (function, count), xs in zip(CHAINS.values(), xs, strict=True)]

    types = [[cg.f32[300, columns]] * 2 for _ in CHAINS]
    text = Source(*prepare(together, types), f"cuda:{architecture}").ir("ptx")
    said = assembly.assemble(text, tmp_path / "kernels.cubin")
    assert USAGE.findall(said) == [("0", "0", "0")] * len(CHAINS)
