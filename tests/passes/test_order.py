"""Sums and contractions to the last bit, against the order of `support/order.py`, for every form of kernel."""

import numpy as np
import order
import pytest

import catgrad as cg
from catgrad.dims import Extent

N, M, K = cg.dim("N"), cg.dim("M"), cg.dim("K")
DTYPES = [cg.f32, cg.f64]
EXTENTS = (0, 1, 63, 64, 65, 129, 600, 4095, 4096, 4097, 9000)
DEPTHS = (0, 1, 255, 256, 257, 600)
LONG = (65535, 65536, 65537)


def numbers(*shape, dtype=np.float32, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def same(found, expected):
    """Check that the bits of two arrays are equal."""
    found = np.asarray(found)
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    np.testing.assert_array_equal(found.view(f"u{found.itemsize}"), expected.view(f"u{found.itemsize}"))


@pytest.mark.sampled(2)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_inner_and_outer_axes_of_unknown_extent(dtype):
    rows = cg.compile(lambda x: (cg.sum(x * x, axis=1), cg.sum(cg.exp(x), axis=1)), dtype[M, N])
    exp = cg.compile(cg.exp, dtype[M, N])
    columns = cg.compile(lambda x: (cg.sum(x * x, axis=0), cg.sum(x.T, axis=1)), dtype[N, M])
    for extent in EXTENTS:
        x = numbers(3, extent, dtype=dtype.numpy, seed=extent)
        for found, terms in zip(rows(x), (x * x, np.asarray(exp(x))), strict=True):
            same(found, order.rows(terms))
        squares, turned = columns(np.ascontiguousarray(x.T))
        same(turned, order.rows(x))
        same(squares, order.blocks(x * x))


@pytest.mark.sampled(3)
@pytest.mark.parametrize(("dtype", "depths"), [(cg.f32, DEPTHS), (cg.f64, DEPTHS[:4]), (cg.f32, LONG)])
def test_products_of_unknown_depth(dtype, depths):
    f = cg.compile(lambda x, y: (x @ y, cg.contract("ij,ji->i", x, y)), dtype[2, N], dtype[N, 2])
    wide = cg.compile(lambda x, y: x @ y, dtype[M, N], dtype[N, 19])
    for depth in depths:
        x, y = numbers(2, depth, dtype=dtype.numpy, seed=depth), numbers(depth, 19, dtype=dtype.numpy, seed=depth + 1)
        products = order.chained(x[:, None], y.T[None])
        few, dots = f(x, y[:, :2].copy())
        same(few, products[:, :2].copy())
        same(dots, np.diag(products[:, :2]).copy())
        same(wide(x, y), products)


@pytest.mark.sampled(4)
@pytest.mark.parametrize("width", [1, 7, 63, 64, 75, 300, 4096, 5000])
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


@pytest.mark.sampled(2)
@pytest.mark.parametrize("is_known", [True, False])
def test_results_in_parts(is_known):
    x = numbers(70, 5000)
    sums, squares = cg.compile(
        lambda x: (cg.sum(x, axis=0), cg.contract("ij,ij->j", x, x)), cg.f32[x.shape if is_known else (N, M)]
    )(x)
    same(sums, order.blocks(x.T))
    same(squares, order.chained(x.T, x.T))


@pytest.mark.sampled(8)
@pytest.mark.parametrize("shape", [(5, 3, 40), (300, 3, 41), (2, 1, 1), (3, 2, 4100)])
@pytest.mark.parametrize("is_known", [True, False])
def test_several_axes(shape, is_known):
    x = numbers(*shape)
    extents: tuple[Extent, ...] = shape if is_known else (N, shape[1], M)
    axes = [(0, 2), (1, 2), (0, 1), (0, 1, 2), (1,)]
    found = cg.compile(lambda x: tuple(cg.sum(x, axis=each) for each in axes), cg.f32[extents])(x)
    same(found[0], order.inner_and_outer(x))
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


@pytest.mark.sampled(8)
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


@pytest.mark.sampled(8)
@pytest.mark.parametrize("specs", [SPECS[start::4] for start in range(4)], ids=",".join)
@pytest.mark.parametrize("dtype", [cg.f32, cg.f16], ids=str)
def test_contractions_over_several_indices(dtype, specs):
    sizes = {"b": 4, "i": 67, "j": 9, "k": 5}
    operands = {
        term: numbers(*(sizes[index] for index in term), seed=seed).astype(dtype.numpy)
        for seed, term in enumerate(dict.fromkeys(part for spec in specs for part in spec.split("->")[0].split(",")))
    }

    def f(operands):
        return tuple(cg.contract(spec, *(operands[term] for term in spec.split("->")[0].split(","))) for spec in specs)

    found = cg.compile(f, {term: dtype[each.shape] for term, each in operands.items()})(operands)
    for spec, result in zip(specs, found, strict=True):
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


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", ["x86-64-v2", "x86-64-v4"])
def test_the_machine_does_not_matter(monkeypatch, name):
    from catgrad.passes.machine import Machine

    machine = Machine(name, Machine.named(name).vector_bits, Machine.named(name).vector_registers)
    monkeypatch.setattr(Machine, "host", staticmethod(lambda: machine))
    x, y, z = numbers(17, 300), numbers(300, 23, seed=1), numbers(23, 300, seed=2)
    types = cg.f32[x.shape], cg.f32[y.shape], cg.f32[z.shape]
    rows, columns, plain, turned = cg.compile(
        lambda x, y, z: (cg.sum(x, axis=1), cg.sum(x, axis=0), x @ y, x @ z.T), *types
    )(x, y, z)
    same(rows, order.rows(x))
    same(columns, order.blocks(x.T))
    same(plain, order.chained(x[:, None], y.T[None]))
    same(turned, order.chained(x[:, None], z[None]))


CONSTANTS = (0.1, 0.3, 0.7, 1 / 3, 1e-3, 3.14159, 0.9)


def sums_of_equal_terms(terms, target="cpu"):
    """Yield the relative errors of sums of equal terms: all of them, rows, rows that lie across, and columns."""
    rows = cg.compile(lambda x: (cg.sum(x), cg.sum(x, axis=1)), cg.f32[1, N], target=target)
    columns = cg.compile(lambda x: (cg.sum(x.T, axis=1), cg.sum(x, axis=0)), cg.f32[N, 1], target=target)
    for number in CONSTANTS:
        x = np.full((1, terms), number, np.float32)
        for found in (*rows(x), *columns(x.T)):
            yield float(np.asarray(found).ravel()[0]) / (float(x[0, 0]) * terms) - 1


def test_long_sums_of_equal_terms_keep_their_digits():
    errors = list(sums_of_equal_terms(10**7))
    assert len(errors) == 4 * len(CONSTANTS)
    assert max(map(abs, errors)) < 1e-6


@pytest.mark.parametrize("terms", [10**5, pytest.param(10**6, marks=pytest.mark.slow)])
def test_gpus_keep_them_as_well(terms):
    assert max(map(abs, sums_of_equal_terms(terms, "cuda:emulate"))) < 1e-6


def test_long_products_keep_their_digits():
    dot = cg.compile(lambda x, y: x @ y, cg.f32[N], cg.f32[N])
    ones = np.ones(2 * 10**7, np.float32)
    assert float(dot(ones, ones)) == 2e7
    x = np.random.default_rng(0).random(10**6).astype(np.float32)
    assert abs(float(dot(x, x)) / (x.astype(np.float64) @ x) - 1) < 1e-6


@pytest.mark.slow
def test_groups_of_blocks():
    x = numbers(131400)
    same(cg.compile(lambda x: x @ x, cg.f32[N])(x), order.chained(x, x))


@pytest.mark.parametrize(
    "size", [(7, 5, 33), *(pytest.param(size, marks=pytest.mark.slow) for size in ((37, 300, 35), (2, 66000, 3)))]
)
def test_gpus_multiply_in_the_same_order(size):
    rows, depth, columns = size
    x, y = numbers(rows, depth), numbers(depth, columns, seed=1)
    product = cg.compile(lambda x, y: x @ y, cg.f32[M, depth], cg.f32[depth, N], target="cuda:emulate")
    same(product(x, y), order.chained(x[:, None], y.T[None]))


def test_the_reference_keeps_them_as_well():
    x = np.full((10**6, 2), 0.1, np.float32)
    np.testing.assert_allclose(cg.sum(x, axis=0).astype(np.float64), float(x[0, 0]) * 1e6, rtol=1e-6)
    np.testing.assert_allclose(cg.contract("ij,ij->j", x, np.ones_like(x)), float(x[0, 0]) * 1e6, rtol=1e-6)
