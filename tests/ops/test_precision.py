"""Working precision: what is composed of several operations is rounded once where it is of 16-bit floats."""

import numpy as np
import pytest

import catgrad as cg
from catgrad import nn, ops
from catgrad.errors import TypeCheckError
from catgrad.types import bf16, f16, f32, f64, i32

NARROW = pytest.mark.parametrize("dtype", [f16, bf16], ids=str)


@ops.upcast
def scaled(x, y=None, *, by=2.0):
    total = ops.sum(x * by)
    return total if y is None else (total, y, x)


@NARROW
def test_operands_are_converted_and_results_converted_back(dtype):
    term = cg.trace(lambda x, i: scaled(x, i, by=3.0), dtype[4], i32[2])
    assert [str(s.operation.op.name) for s in term.steps if s.operation.op is ops.cast] == ["cast"] * 3
    assert term.target_types == (dtype[()], i32[2], dtype[4])
    assert all(s.operation.op in (ops.cast, ops.copy) or f32 is term.node_types[s.outputs[0]].dtype for s in term.steps)


@pytest.mark.parametrize("dtype", [f32, f64], ids=str)
def test_wide_floats_are_computed_as_written(dtype):
    plain = scaled.__wrapped__
    written, decorated = (cg.trace(f, dtype[4]) for f in (plain, scaled))
    assert str(written) == str(decorated)


def test_different_dtypes_stay_an_error():
    for other in (f32, bf16):
        with pytest.raises(TypeCheckError, match="operands of one dtype"):
            cg.trace(ops.upcast(lambda x, y: x + y), f16[3], other[3])


@pytest.mark.sampled(2, "dtype")
@NARROW
@pytest.mark.parametrize("run", ["interpreter", "cpu"])
def test_what_overflows_on_the_way_does_not(dtype, run):
    """Counts, sums, squares and exponentials beyond the range, or the precision, of 16-bit floats."""
    many = 70_000
    quotient_by_y = cg.grad(lambda x, y: cg.sum(x / y * 2.0**-13), wrt=1)
    functions = [
        (cg.mean, np.ones(many), 1),
        (cg.softmax, np.zeros(many), 1 / many),
        (lambda x: nn.softmax_cross_entropy(x, np.asarray(0)), np.zeros(many), np.log(many)),
        (cg.logsumexp, np.zeros(many), np.log(many)),
        (cg.grad(cg.max), np.ones(many), 1 / many),
        (cg.grad(cg.mean), np.ones(many), 1 / many),
        (cg.grad(lambda x: cg.sum(cg.gelu(x, approximate="tanh"))), np.array([300.0, -300.0]), [1, 0]),
        (lambda x: nn.mse(x, -x), np.full(many, 100.0), 40_000),
        (cg.grad(lambda x: cg.sum(cg.rsqrt(x) * 1e-3)), np.array([2.0**-13]), -0.5e-3 * 2**19.5),
        (lambda x: quotient_by_y(x, x * 2.0**-17), np.full(2, 64.0), [-(2.0**15)] * 2),
        (cg.grad(lambda x: cg.sum(cg.expm1(x))), np.array([-10.0]), np.exp(-10)),
        (cg.grad(lambda x: cg.sum(x**-2.0 * 1e-4)), np.array([2.0**-7]), -2e-4 * 2**21),
    ]
    xs = [np.asarray(x, dtype.numpy) for _, x, _ in functions]
    term = cg.trace(lambda xs: [f(x) for (f, *_), x in zip(functions, xs, strict=True)], [dtype[x.shape] for x in xs])
    results = cg.interpret(term, xs) if run == "interpreter" else cg.compile(term)(xs)
    for (_, _, expected), y in zip(functions, results, strict=True):
        assert y.dtype == dtype.numpy
        np.testing.assert_allclose(y.astype(np.float64), np.broadcast_to(expected, y.shape), rtol=2e-2)
