"""Sums and contractions to the last bit, against the order of `support/order.py`, for every form of kernel."""

import numpy as np
import order
import pytest

import catgrad as cg
from catgrad.dims import Extent

N, M, K = cg.dim("N"), cg.dim("M"), cg.dim("K")
DTYPES = [cg.f32, cg.f64]
EXTENTS = (0, 1, 63, 64, 65, 255, 256, 257, 600)
LONG = pytest.param((65535, 65536, 65537), marks=pytest.mark.slow)


def numbers(*shape, dtype=np.float32, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def same(found, expected):
    """Check that the bits of two arrays are equal."""
    found = np.asarray(found)
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    np.testing.assert_array_equal(found.view(f"u{found.itemsize}"), expected.view(f"u{found.itemsize}"))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("extents", [EXTENTS, LONG])
def test_inner_and_outer_axes_of_unknown_extent(dtype, extents):
    rows = cg.compile(lambda x: (cg.sum(x, axis=1), cg.sum(x * x, axis=1), cg.sum(cg.exp(x), axis=1)), dtype[M, N])
    exp = cg.compile(cg.exp, dtype[M, N])
    columns = cg.compile(lambda x: (cg.sum(x, axis=0), cg.sum(x * x, axis=0), cg.sum(x.T, axis=1)), dtype[N, M])
    for extent in extents:
        x = numbers(3, extent, dtype=dtype.numpy, seed=extent)
        for found, terms in zip(rows(x), (x, x * x, np.asarray(exp(x))), strict=True):
            same(found, order.rows(terms))
        *found, turned = columns(np.ascontiguousarray(x.T))
        same(turned, order.rows(x))
        if extent < 65535 or dtype is cg.f32:
            for each, terms in zip(found, (x, x * x), strict=True):
                same(each, order.blocks(terms))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("depths", [EXTENTS, LONG])
def test_products_of_unknown_depth(dtype, depths):
    f = cg.compile(lambda x, y: (x @ y, cg.contract("ij,ji->i", x, y)), dtype[2, N], dtype[N, 2])
    wide = cg.compile(lambda x, y: x @ y, dtype[M, N], dtype[N, 19])
    for depth in depths if dtype is cg.f32 else depths[:4]:
        x, y = numbers(2, depth, dtype=dtype.numpy, seed=depth), numbers(depth, 19, dtype=dtype.numpy, seed=depth + 1)
        products = order.chained(x[:, None], y.T[None])
        few, dots = f(x, y[:, :2].copy())
        same(few, products[:, :2].copy())
        same(dots, np.diag(products[:, :2]).copy())
        same(wide(x, y), products)


@pytest.mark.parametrize("width", [1, 7, 63, 64, 75, 300])
def test_rows_of_known_extent(width):
    x, shift = numbers(3, width), numbers(width, seed=1)

    def f(x, shift):
        return cg.sum(x, axis=1), cg.sum(x * shift, axis=1), cg.sum(x * shift), cg.sum(cg.exp(x), axis=1), cg.exp(x)

    plain, scaled, everything, exponentials, terms = cg.compile(f, cg.f32[3, width], cg.f32[width])(x, shift)
    same(plain, order.rows(x))
    same(scaled, order.rows(x * shift))
    same(everything, order.rows((x * shift).reshape(-1)))
    same(exponentials, order.rows(terms))


def test_the_sum_in_a_softmax_is_one_over_rows():
    x = numbers(5, 1000)
    exponentials, softmax = cg.compile(
        lambda x: (cg.exp(x - cg.max(x, axis=1, keepdims=True)), cg.softmax(x)), cg.f32[5, N]
    )(x)
    same(softmax, np.asarray(exponentials) / order.rows(np.asarray(exponentials))[:, None])


@pytest.mark.parametrize("shape", [(5, 3, 40), (300, 3, 41), (2, 1, 1)])
@pytest.mark.parametrize("is_known", [True, False])
def test_several_axes(shape, is_known):
    x = numbers(*shape)
    extents: tuple[Extent, ...] = shape if is_known else (N, shape[1], M)
    axes = [(0, 2), (1, 2), (0, 1), (0, 1, 2), (1,)]
    found = cg.compile(lambda x: tuple(cg.sum(x, axis=each) for each in axes), cg.f32[extents])(x)
    same(found[0], order.inner_and_outer(x, [0]))
    same(found[1], order.rows(x.reshape(shape[0], -1)))
    same(found[2], order.blocks(x.reshape(-1, shape[2]).T))
    same(found[3], order.rows(x.reshape(-1)))
    same(found[4], order.blocks(np.moveaxis(x, 1, 2)))


SIZES = [(7, 5, 33), (37, 300, 35), (4, 3, 2), (1, 600, 30), (1, 1000, 2), (130, 260, 4), (2, 600, 3), (3, 257, 9)]


def products(x, y, x_turned, y_turned):
    return x @ y, x @ y_turned.T, x_turned.T @ y, x_turned.T @ y_turned.T


def test_products_of_unknown_extents():
    compiled = cg.compile(lambda x, y: x @ y.T, cg.f32[M, N], cg.f32[K, N])
    for rows, depth, columns in SIZES:
        x, y = numbers(rows, depth), numbers(columns, depth, seed=1)
        same(compiled(x, y), order.chained(x[:, None], y[None]))


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_products_of_known_extents(size):
    rows, depth, columns = size
    x, y = numbers(rows, depth), numbers(depth, columns, seed=1)
    types = cg.f32[x.shape], cg.f32[y.shape], cg.f32[depth, rows], cg.f32[columns, depth]
    for found in cg.compile(products, *types)(x, y, x.T.copy(), y.T.copy()):
        same(found, order.chained(x[:, None], y.T[None]))


def test_a_row_that_streams_a_large_matrix():
    x, y = numbers(2, 700), numbers(700, 1100, seed=1)
    same(cg.compile(lambda x, y: x @ y, cg.f32[2, 700], cg.f32[700, 1100])(x, y), order.chained(x[:, None], y.T[None]))


SPECS = (
    *("bij,bij->bj", "bij,bij->b", "bij,bij->", "bij,bij->bi", "bij,bkj->ik", "bij,bik->jk", "bij,kij->bk"),
    *("bij,ikj->bk", "bij,kji->bk", "bij,jbi->", "bij,kbj->ki"),
)


@pytest.mark.parametrize("dtype", [cg.f32, cg.f16], ids=str)
def test_contractions_over_several_indices(dtype):
    sizes = {"b": 4, "i": 67, "j": 9, "k": 5}
    operands = {
        term: numbers(*(sizes[index] for index in term), seed=seed).astype(dtype.numpy)
        for seed, term in enumerate(dict.fromkeys(part for spec in SPECS for part in spec.split("->")[0].split(",")))
    }

    def f(operands):
        return tuple(cg.contract(spec, *(operands[term] for term in spec.split("->")[0].split(","))) for spec in SPECS)

    found = cg.compile(f, {term: dtype[each.shape] for term, each in operands.items()})(operands)
    for spec, result in zip(SPECS, found, strict=True):
        same(result, contracted(spec, operands, sizes).astype(dtype.numpy))


def contracted(spec, operands, sizes):
    """Return what a contraction is, by its definition: the summed indices are in the order of the first operand."""
    first, second = spec.split("->")[0].split(",")
    out = spec.split("->")[1]
    letters = out + "".join(index for index in first if index not in out)

    def aligned(term):
        kept = "".join(index for index in letters if index in term)
        x = np.einsum(f"{term}->{kept}", operands[term].astype(np.float32))
        x = x.reshape([sizes[index] if index in term else 1 for index in letters])
        whole = np.broadcast_to(x, [sizes[index] for index in letters])
        return whole.reshape(*(sizes[index] for index in out), -1)

    return order.chained(aligned(first), aligned(second))


def test_the_machine_does_not_matter(monkeypatch):
    from catgrad.passes.machine import Machine

    x, y, z = numbers(17, 300), numbers(300, 23, seed=1), numbers(23, 300, seed=2)

    def f(x, y, z):
        return cg.sum(x, axis=1), cg.sum(x, axis=0), x @ y, x @ z.T, z @ cg.reshape(x, (300, 17))

    types = cg.f32[17, 300], cg.f32[300, 23], cg.f32[23, 300]
    expected = cg.compile(f, *types)(x, y, z)
    for name in ("x86-64-v2", "x86-64-v4"):
        machine = Machine(name, Machine.named(name).vector_bits, Machine.named(name).vector_registers)
        monkeypatch.setattr(Machine, "host", staticmethod(lambda machine=machine: machine))
        for found, each in zip(cg.compile(f, *types)(x, y, z), expected, strict=True):
            same(found, np.asarray(each))


def test_long_sums_keep_their_digits():
    total = cg.compile(lambda x: (cg.sum(x), x @ x), cg.f32[N])
    assert [float(each) for each in total(np.ones(2 * 10**7, np.float32))] == [2e7, 2e7]
    tenths = np.full(10**7, 0.1, np.float32)
    assert abs(float(total(tenths)[0]) / (float(tenths[0]) * 1e7) - 1) < 1e-5
    x = np.random.default_rng(0).random(10**6).astype(np.float32)
    exact = x.astype(np.float64) @ x
    assert abs(float(total(x)[1]) / exact - 1) < 1e-6


@pytest.mark.slow
def test_groups_of_chunks_and_of_blocks():
    x = numbers((1 << 24) + 70000)
    same(cg.compile(cg.sum, cg.f32[N])(x), order.rows(x))
    x = x[:131400].copy()
    columns, dot = cg.compile(lambda x: (cg.sum(cg.reshape(x, (N, 1)), axis=0), x @ x), cg.f32[N])(x)
    same(columns, order.blocks(x[None]))
    same(dot, order.chained(x, x))


@pytest.mark.parametrize("size", [(7, 5, 33), (37, 300, 35), pytest.param((2, 66000, 3), marks=pytest.mark.slow)])
def test_gpus_multiply_in_the_same_order(size):
    rows, depth, columns = size
    x, y = numbers(rows, depth), numbers(depth, columns, seed=1)
    product = cg.compile(lambda x, y: x @ y, cg.f32[M, depth], cg.f32[depth, N], target="cuda:emulate")
    same(product(x, y), order.chained(x[:, None], y.T[None]))


def test_gpus_keep_the_digits_of_long_sums():
    x = np.full((2, 10**6), 0.1, np.float32)
    f = cg.compile(lambda x: (cg.sum(x), cg.sum(x, axis=1)), cg.f32[M, N], target="cuda:emulate")
    g = cg.compile(lambda x: cg.sum(x, axis=0), cg.f32[N, M], target="cuda:emulate")
    exact = float(x[0, 0]) * 1e6
    everything, rows = f(x)
    np.testing.assert_allclose(float(everything), 2 * exact, rtol=1e-6)
    for found in (rows, g(np.ascontiguousarray(x.T))):
        np.testing.assert_allclose(np.asarray(found, np.float64), exact, rtol=1e-6)


def test_the_reference_keeps_them_as_well():
    x = np.full((10**6, 2), 0.1, np.float32)
    np.testing.assert_allclose(cg.sum(x, axis=0).astype(np.float64), float(x[0, 0]) * 1e6, rtol=1e-6)
    np.testing.assert_allclose(cg.contract("ij,ij->j", x, np.ones_like(x)), float(x[0, 0]) * 1e6, rtol=1e-6)
