"""One meaning: what is compiled agrees with the reference on every operation, dtype and sample, and so do gradients.

The samples of a dtype are a few programs, so that each is compiled by the whole pipeline but set-up is paid seldom.
Each of the programs has every operation.
"""

from dataclasses import dataclass
from functools import cache
from itertools import product

import ml_dtypes
import numpy as np
import pytest

import catgrad as cg
from catgrad.autodiff import DERIVATIVES
from catgrad.autodiff.rules import NotDifferentiable
from catgrad.backend import object_file
from catgrad.ops import OPS, Op, Sample
from catgrad.passes.to_linalg.math import max_ulp
from catgrad.prepare import prepare
from catgrad.target import LEVELS, is_cpu
from catgrad.target import target as processor
from catgrad.types import bf16, bool_, dtypes, f16, f32, f64, i32

RUN = ("cpu", "cuda:emulate", "cuda")
PROCESSORS = (*(f"cpu:{level}" for level in LEVELS), "cpu:x86-64-v4+avx512bf16")
"""Each level, with instructions for floats of 16 bits and without."""
ACCUMULATING = {"sum", "contract"}
PARTS = 4
"""The programs that the samples of a dtype are divided into."""


@dataclass(frozen=True)
class Case:
    """A sample of an operation."""

    op: Op
    sample: Sample

    def __str__(self):
        shapes = [a.shape for a in self.sample.inputs]
        return f"{self.op.name}{shapes} {dict(self.sample.attributes)}"


def cases(dtype, part):
    """Return a part of the samples of each operation; of one with few of them, some are in several parts."""
    chosen = []
    for start, op in enumerate(op for op in OPS.values() if op.name != "call" and dtype in op.dtypes):
        samples = op.samples(dtype)
        chosen += [Case(op, sample) for sample in samples[(part + start) % min(PARTS, len(samples)) :: PARTS]]
    return chosen


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


def everywhere(chosen, quick):
    """Run a test on each part of dtypes on each target; those that `quick` has for a target are not slow."""
    cases = [
        pytest.param(dtype, target, part, marks=marks(dtype, target, quick), id=f"{dtype}-{target}-{part}")
        for dtype, target, part in product(chosen, (*RUN, *PROCESSORS), range(PARTS))
    ]
    names = "dtype", "target", "part"
    sampled, each = pytest.mark.sampled(PARTS, "dtype", "target"), pytest.mark.parametrize(names, cases)
    return lambda test: sampled(each(test))


def marks(dtype, target, quick):
    if target == "cuda":
        return [pytest.mark.gpu]
    return [] if dtype in quick.get(target, ()) else [pytest.mark.slow]


@dataclass(frozen=True)
class Together:
    """The program of many cases, its inputs, and what each case should give."""

    cases: list[Case]
    term: cg.Term
    inputs: list
    expected: list


@cache
def operations(dtype, part):
    """Every operation on samples of it."""
    chosen = cases(dtype, part)
    inputs = [case.sample.inputs for case in chosen]

    def program(inputs):
        results = [c.op.record(*x, **c.sample.attributes) for c, x in zip(chosen, inputs, strict=True)]
        return [result if isinstance(result, tuple) else (result,) for result in results]

    expected = [c.op.evaluate(np, *c.sample.inputs, **c.sample.attributes) for c in chosen]
    return Together(chosen, cg.trace(program, cg.lang.function.as_types(inputs)), inputs, expected)


@cache
def gradients(dtype, part):
    """The gradient of every operation that has one, on samples without kinks; in 16 bits, on the first of them."""
    chosen = [
        case
        for case in cases(dtype, part)
        if case.sample.smooth and case.sample.inputs and not isinstance(DERIVATIVES[case.op], NotDifferentiable)
    ]
    if dtype.bits == 16:
        chosen = list({case.op: case for case in reversed(chosen)}.values())
    inputs = [case.sample.inputs for case in chosen]

    def program(inputs):
        return [gradient(c)(*x) for c, x in zip(chosen, inputs, strict=True)]

    def gradient(case):
        def loss(*x):
            results = case.op.record(*x, **case.sample.attributes)
            results = results if isinstance(results, tuple) else (results,)
            floats = [cg.sum(r * r) for r in results if r.dtype.is_float]
            return sum(floats) if floats else cg.sum(x[0] * 0)

        wrt = [i for i, x in enumerate(case.sample.inputs) if x.dtype == dtype.numpy]
        return cg.grad(loss, wrt=wrt)

    term = cg.trace(program, cg.lang.function.as_types(inputs))
    return Together(chosen, term, inputs, cg.interpret(term, inputs))


def pairs(together, target):
    """Each case, with every result and what it should be."""
    missing = processor(target).missing if is_cpu(target) else ()
    if missing:
        object_file(*prepare(together.term), target)
        pytest.skip(f"compiled and checked, but not run: this processor lacks {', '.join(missing)}")
    found = cg.compile(together.term, target=target)(together.inputs)
    for case, results, expected in zip(together.cases, found, together.expected, strict=True):
        yield from ((case, a, b) for a, b in zip(results, expected, strict=True))


@everywhere(dtypes, quick={"cpu": dtypes, "cuda:emulate": (bool_, i32, f32)})
def test_every_operation_compiles_to_its_meaning(dtype, target, part):
    for case, found, expected in pairs(operations(dtype, part), target):
        compare(found, expected, case, dtype)


@cache
def squares(dtype, part):
    """Every operation of several operands, on samples where one value can be all of them."""
    chosen = [
        case
        for case in cases(dtype, part)
        if len({(x.shape, x.dtype) for x in case.sample.inputs}) == 1 < len(case.sample.inputs)
    ]
    inputs = [case.sample.inputs[0] for case in chosen]

    def program(inputs):
        results = [
            c.op.record(*[x] * len(c.sample.inputs), **c.sample.attributes) for c, x in zip(chosen, inputs, strict=True)
        ]
        return [result if isinstance(result, tuple) else (result,) for result in results]

    term = cg.trace(program, cg.lang.function.as_types(inputs))
    return Together(chosen, term, inputs, cg.interpret(term, inputs))


@everywhere([f32], quick={"cpu": (f32,), "cuda:emulate": (f32,)})
def test_one_value_can_be_every_operand(dtype, target, part):
    for case, found, expected in pairs(squares(dtype, part), target):
        compare(found, expected, case, dtype)


@everywhere([f32, f64, f16, bf16], quick={"cpu": (f32, bf16)})
def test_every_gradient_compiles_to_its_meaning(dtype, target, part):
    few_roundings = (2 * float(ml_dtypes.finfo(dtype.numpy).eps),) * 2
    rtol, atol = {f32: (2e-4, 1e-4), f64: (1e-12, 1e-12)}.get(dtype, few_roundings)
    for case, found, expected in pairs(gradients(dtype, part), target):
        found, expected = (np.asarray(each).astype(np.float64) for each in (found, expected))
        np.testing.assert_allclose(found, expected, rtol=rtol, atol=atol, err_msg=str(case))
