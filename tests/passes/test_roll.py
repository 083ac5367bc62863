"""Loops of calls: what is compiled does not grow with depth, and computes what the term means."""

import numpy as np
import pytest
from lowered import after

import catgrad as cg
from catgrad import nn, optim, trees
from catgrad.types import bf16, bool_, f32

B = cg.dim("B")
DEPTH = 11
WEIGHTS = (f32[5, 5],) * DEPTH


class Deep(cg.Module):
    def __init__(self, depth):
        self.layers = [nn.Linear(8, 8) for _ in range(depth)]

    def forward(self, x):
        for layer in self.layers:
            x = cg.relu(layer(x))
        return x


def chain(x, weights):
    for weight in weights:
        x = cg.tanh(x @ weight)
    return x


def chain_of_numpy(x, weights):
    for weight in weights:
        x = np.tanh(x @ weight)
    return x


def masks(x, weights):
    found = []
    for weight in weights:
        x = x @ weight
        found.append(x > 0)
        x = cg.where(found[-1], x, 0.1 * x)
    return x, found


def prefixes(x, weights):
    found = []
    for weight in weights:
        x = cg.tanh(x @ weight)
        found.append(x)
    return found, x, weights[3], x


def products(x, weights):
    found = []
    for weight in weights:
        x = cg.tanh(x @ weight)
        found.append(x @ weight)
    return found


def two_chains(x, y, weights):
    return chain(x, weights), chain(y, weights)


def chosen(x, weights, masks):
    for weight, mask in zip(weights, masks, strict=True):
        x = cg.where(mask, x @ weight, x)
    return x


def _drawn(kind, rng, size):
    shape = [cg.dims.evaluate(extent, {"B": size}) for extent in kind.shape]
    return (rng.uniform(-1, 1, shape) > 0) if kind.dtype.is_bool else rng.uniform(-1, 1, shape).astype(kind.dtype.numpy)


def _assert_right(f, *types, size=3, donate=None, close=1e-5):
    """Compare what is compiled with the meaning of the term; return the executable."""
    exe, rng = cg.compile(f, *types, donate=donate), np.random.default_rng(0)
    leaves, tree = trees.flatten(types)
    arrays = [_drawn(leaf, rng, size) for leaf in leaves]
    expected = trees.flatten(cg.interpret(cg.trace(f, *types), *trees.unflatten(tree, arrays)))[0]
    found = trees.flatten(exe(*trees.unflatten(tree, [array.copy() for array in arrays])))[0]
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(np.asarray(a, np.float64), np.asarray(b, np.float64), rtol=close, atol=close)
    return exe


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("f", "types", "size"),
    [
        pytest.param(chain, (f32[3, 5], WEIGHTS), 3, id="known sizes"),
        pytest.param(chain, (f32[0, 5], WEIGHTS), 3, id="nothing"),
        pytest.param(chain, (f32[B, 5], WEIGHTS), 7, id="a symbol"),
        pytest.param(chain, (f32[B, 5], WEIGHTS), 0, id="a symbol that is 0"),
        pytest.param(chain, (f32[2 * B + 1, 5], WEIGHTS), 3, id="an expression"),
        pytest.param(masks, (f32[B, 5], WEIGHTS), 3, id="bools come out"),
        pytest.param(chosen, (f32[B, 5], WEIGHTS, (bool_[B, 5],) * DEPTH), 3, id="bools go in"),
        pytest.param(prefixes, (f32[3, 5], WEIGHTS), 3, id="results that are read, returned twice, or inputs"),
        pytest.param(two_chains, (f32[B, 5], f32[2 * B, 5], WEIGHTS), 5, id="values of several sizes"),
    ],
)
def test_loops_compute_what_the_term_means(f, types, size):
    exe = _assert_right(f, *types, size=size)
    assert "catgrad.words" in exe.ir("linalg")
    assert "memref.alloc" not in exe.ir("kernels")


def test_bf16():
    _assert_right(chain, bf16[3, 5], (bf16[5, 5],) * DEPTH, close=0.1)


@pytest.mark.parametrize(
    ("f", "donate"),
    [
        pytest.param(chain, 0, id="the first input"),
        pytest.param(products, 1, id="what the last call reads"),
        pytest.param(lambda x, weights: products(x, weights)[::-1], 1, id="what later calls read"),
        pytest.param(lambda x, weights: ((*weights[1:], weights[0]), chain(x, weights)), 1, id="a permutation"),
        pytest.param(lambda x, weights: ([w - x for w in weights], chain(x, weights)), 1, id="what is read after"),
    ],
)
def test_donated_arrays_are_read_before_they_are_written(f, donate):
    _assert_right(f, f32[5, 5], WEIGHTS, donate=donate)


def test_loops_run_on_devices():
    types, rng = (f32[B, 5], WEIGHTS), np.random.default_rng(0)
    x, *weights = (rng.uniform(-1, 1, shape).astype(np.float32) for shape in ((3, 5), *((5, 5),) * DEPTH))
    exe = cg.compile(chain, *types, target="cuda:emulate")
    np.testing.assert_allclose(np.asarray(exe(x, tuple(weights))), chain_of_numpy(x, weights), rtol=1e-5, atol=1e-6)
    assert "catgrad.words" in exe.ir("linalg")


@pytest.mark.parametrize(
    ("optimizer", "batch"),
    [(optim.sgd(0.1, momentum=0.9), 4), pytest.param(optim.adam(1e-2), B, marks=pytest.mark.slow)],
)
def test_a_training_step_has_as_many_operations_for_any_depth(optimizer, batch):
    def operations(depth):
        learner = cg.learner(Deep(depth), loss=nn.softmax_cross_entropy, optimizer=optimizer)
        text = after("kernels", learner.step, f32[batch, 8], cg.i32[batch])
        return [line for line in text.splitlines() if "arith.constant" not in line and "memref.global" not in line]

    assert len(operations(16)) == len(operations(32))


def test_a_gradient_has_one_forward_and_one_reverse_function():
    @cg.function
    def layer(x, weight):
        return cg.relu(x @ weight)

    def loss(x, weights):
        for weight in weights:
            x = layer(x, weight)
        return cg.mean(x * x)

    text = after("linalg", cg.grad(loss, wrt=1), f32[4, 8], (f32[8, 8],) * 40)
    assert text.count("@layer.fwd(") == text.count("@layer.rev(") == 2
    assert text.count("scf.for") == 2
