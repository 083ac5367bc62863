"""One meaning: what is compiled agrees with the reference on every operation, dtype and sample, and so do gradients.

All samples of a dtype are one program, so that each is compiled by the whole pipeline but set-up is paid once.
"""

from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np
import pytest

import catgrad as cg
from catgrad.autodiff import DERIVATIVES
from catgrad.autodiff.rules import NotDifferentiable
from catgrad.ops import OPS, Op, Sample
from catgrad.passes.to_linalg.math import max_ulp
from catgrad.types import dtypes, f32, f64

ACCUMULATING = {"sum", "contract"}


@dataclass(frozen=True)
class Case:
    """A sample of an operation."""

    op: Op
    sample: Sample

    def __str__(self):
        shapes = [a.shape for a in self.sample.inputs]
        return f"{self.op.name}{shapes} {dict(self.sample.attributes)}"


def cases(dtype):
    return [
        Case(op, sample)
        for op in OPS.values()
        if op.name != "call" and dtype in op.dtypes
        for sample in op.samples(dtype)
    ]


def tolerance(case, dtype):
    """The error allowed, relative to the reference: ULPs of the function and of the result, or of the accumulation."""
    if not dtype.is_float:
        return 0.0
    unit = {16: 1e-2 if dtype.name == "bf16" else 1e-3, 32: 1.2e-7, 64: 2.3e-16}[dtype.bits]
    ulp = max_ulp.get(case.op.name, {}).get(dtype.name, 1.0)
    return unit * (64 if case.op.name in ACCUMULATING else 2 * ulp + 1)


def compare(found, expected, case, dtype):
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.dtype == expected.dtype, str(case)
    assert found.shape == expected.shape, str(case)
    if dtype.is_float and found.dtype != bool:
        allowed = tolerance(case, dtype)
        found, expected = found.astype(np.float64), expected.astype(np.float64)
        with np.errstate(invalid="ignore"):
            scale = np.max(np.abs(expected[np.isfinite(expected)]), initial=0.0) if case.op.name in ACCUMULATING else 0
        np.testing.assert_allclose(found, expected, rtol=allowed, atol=allowed * scale, err_msg=str(case))
    else:
        np.testing.assert_array_equal(found, expected, err_msg=str(case))


def everywhere(chosen):
    """Each dtype on each target."""
    marks = {"cuda": pytest.mark.gpu}
    targets = ("cpu", "cuda:emulate", "cuda")
    return [
        pytest.param(dtype, target, marks=marks.get(target, ()), id=f"{dtype}-{target}")
        for dtype, target in product(chosen, targets)
    ]


@dataclass(frozen=True)
class Together:
    """The program of many cases, its inputs, and what each case should give."""

    cases: list[Case]
    term: cg.Term
    inputs: list
    expected: list


@cache
def operations(dtype):
    """Every operation on each of its samples."""
    chosen = cases(dtype)
    inputs = [case.sample.inputs for case in chosen]

    def program(inputs):
        results = [c.op.record(*x, **c.sample.attributes) for c, x in zip(chosen, inputs, strict=True)]
        return [result if isinstance(result, tuple) else (result,) for result in results]

    expected = [c.op.evaluate(np, *c.sample.inputs, **c.sample.attributes) for c in chosen]
    return Together(chosen, cg.trace(program, cg.lang.function.as_types(inputs)), inputs, expected)


@cache
def gradients(dtype):
    """The gradient of every operation that has one, on each sample without kinks."""
    chosen = [
        case
        for case in cases(dtype)
        if case.sample.smooth and case.sample.inputs and not isinstance(DERIVATIVES[case.op], NotDifferentiable)
    ]
    inputs = [case.sample.inputs for case in chosen]

    def program(inputs):
        return [gradient(c)(*x) for c, x in zip(chosen, inputs, strict=True)]

    def gradient(case):
        def loss(*x):
            results = case.op.record(*x, **case.sample.attributes)
            results = results if isinstance(results, tuple) else (results,)
            floats = [cg.sum(r * r) for r in results if r.dtype.is_float]
            return sum(floats) if floats else cg.sum(x[0] * 0)

        wrt = [i for i, x in enumerate(case.sample.inputs) if x.dtype.kind == "f"]
        return cg.grad(loss, wrt=wrt)

    term = cg.trace(program, cg.lang.function.as_types(inputs))
    return Together(chosen, term, inputs, cg.interpret(term, inputs))


def pairs(together, target):
    """Each case, with every result and what it should be."""
    found = cg.compile(together.term, target=target)(together.inputs)
    for case, results, expected in zip(together.cases, found, together.expected, strict=True):
        yield from ((case, a, b) for a, b in zip(results, expected, strict=True))


@pytest.mark.parametrize(("dtype", "target"), everywhere(dtypes))
def test_every_operation_compiles_to_its_meaning(dtype, target):
    for case, found, expected in pairs(operations(dtype), target):
        compare(found, expected, case, dtype)


@cache
def squares(dtype):
    """Every operation of several operands, on samples where one value can be all of them."""
    chosen = [c for c in cases(dtype) if len({(x.shape, x.dtype) for x in c.sample.inputs}) == 1 < len(c.sample.inputs)]
    inputs = [case.sample.inputs[0] for case in chosen]

    def program(inputs):
        results = [
            c.op.record(*[x] * len(c.sample.inputs), **c.sample.attributes) for c, x in zip(chosen, inputs, strict=True)
        ]
        return [result if isinstance(result, tuple) else (result,) for result in results]

    term = cg.trace(program, cg.lang.function.as_types(inputs))
    return Together(chosen, term, inputs, cg.interpret(term, inputs))


@pytest.mark.parametrize(("dtype", "target"), everywhere([f32]))
def test_one_value_can_be_every_operand(dtype, target):
    for case, found, expected in pairs(squares(dtype), target):
        compare(found, expected, case, dtype)


@pytest.mark.parametrize(("dtype", "target"), everywhere([f32, f64]))
def test_every_gradient_compiles_to_its_meaning(dtype, target):
    close = {f32: {"rtol": 2e-4, "atol": 1e-4}, f64: {"rtol": 1e-12, "atol": 1e-12}}[dtype]
    for case, found, expected in pairs(gradients(dtype), target):
        np.testing.assert_allclose(found, expected, **close, err_msg=str(case))
