"""Loops that call elementary functions: the bits of formulas in place, in code that is vectorised at every level."""

import re
from functools import reduce

import numpy as np
import pytest

import catgrad as cg
from catgrad.backend import object_file, texts
from catgrad.passes import elementary
from catgrad.passes.machine import Machine
from catgrad.prepare import prepare
from catgrad.runtime.elf import undefined
from catgrad.runtime.link import MEMORY
from catgrad.target import LEVELS, target

RUNNABLE = [f"cpu:{level}" for level in LEVELS if not target(f"cpu:{level}").missing]
FUNCTIONS = (cg.expm1, cg.tanh, cg.sigmoid, cg.erf, cg.log, cg.log1p, cg.sin, cg.cos, cg.rsqrt)
N = cg.dim("N")


def every(x):
    """Functions of x, of which a sigmoid is made of exponentials, and a power of it."""
    return (*(f(x) for f in FUNCTIONS), cg.pow(x, x * 0.5))


def often(x):
    """So many sines that they are not copied."""
    return reduce(lambda y, i: cg.sin(y) * (i / 30) + x, range(24), x)


def seldom(x):
    """Sines that are."""
    return cg.sin(cg.sin(x) + x)


def patterns(dtype):
    """Numbers of every sign and exponent, NaN, infinities, zeros, subnormal numbers and the largest."""
    width = 8 * np.dtype(dtype).itemsize
    fractions = np.random.default_rng(0).integers(0, 1 << 62, 1 << 14, dtype=np.uint64)
    bits = (fractions * np.uint64(4) + np.uint64(1)) >> np.uint64(64 - width)
    x = bits.astype(f"u{width // 8}").view(dtype)
    info = np.finfo(dtype)
    edges = [0, 1, np.inf, np.nan, info.tiny, info.smallest_subnormal, info.max, np.pi, 0.5, 2, 88, 700]
    edges = np.array([*edges, *np.negative(edges)]).astype(dtype)
    return np.concatenate([edges, np.where(np.isnan(x), np.array(np.nan, dtype), x)])


def bits(results):
    """The bits of numbers; of a NaN, whose sign and payload LLVM leaves open, those of one."""
    return [np.where(np.isnan(x), np.array(np.nan, x.dtype), x).view(f"u{x.dtype.itemsize}") for x in results]


@pytest.mark.sampled(len(RUNNABLE) * 2)
@pytest.mark.parametrize("processor", RUNNABLE)
@pytest.mark.parametrize("dtype", [cg.f32, cg.f64])
def test_calls_give_the_bits_of_formulas(monkeypatch, processor, dtype):
    expanded = cg.compile(every, dtype[N], target=processor)
    monkeypatch.setattr(elementary, "_MANY", 1)
    calling = cg.compile(every, dtype[N], target=processor)
    assert "call @sin" in calling.ir("kernels")
    x = patterns(dtype.numpy)
    for size in (*range(70), x.size):
        for found, right in zip(bits(calling(x[:size])), bits(expanded(x[:size])), strict=True):
            np.testing.assert_array_equal(found, right)


@pytest.mark.sampled(2, "level")
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("dtype", [cg.f32, cg.f64])
def test_loops_are_vectorised_with_calls(level, dtype):
    program = prepare(often, dtype[4096])
    code = texts(*program, f"cpu:{level}")("asm")
    scalar = f"sin_{dtype}"
    lanes = Machine.named(level).lanes(8 * dtype.numpy.itemsize)
    called = re.findall(r"^\s+(?:callq|bl)\s+(\w+)\.function$", code, re.MULTILINE)
    defined = re.findall(r"^(\w+)\.function:", code, re.MULTILINE)
    assert called.count(f"{scalar}_{lanes}") == 24
    assert set(called) == set(defined), "what nothing calls is gone"
    assert set(called) - {f"{scalar}_{lanes}"} <= {scalar}, "one width suffices"
    assert undefined(object_file(*program, f"cpu:{level}")) <= set(MEMORY)


@pytest.mark.parametrize("program", [seldom, cg.softmax, cg.gelu, lambda x: cg.tanh(x @ x)])
def test_few_uses_are_copied(program):
    show = texts(*prepare(program, cg.f32[32, 32]), "cpu:x86-64-v3")
    assert "_f32" not in show("kernels")
    assert not re.search(r"callq\s+(sin|exp|tanh|erf)", show("asm"))


def test_folds_compute_what_they_fold():
    show = texts(*prepare(lambda x: cg.sum(often(x), axis=1), cg.f32[32, 32]), "cpu:x86-64-v3")
    assert "math.sin" not in show("kernels")


def test_a_function_of_the_program_may_have_the_name():
    @cg.function
    def sin_f32(x):
        return often(x) + 1

    def program(x):
        return sin_f32(sin_f32(x) * 2)

    x = np.linspace(-3, 3, 100, dtype=np.float32)
    found = cg.compile(program, cg.f32[100])(x)
    np.testing.assert_allclose(found, cg.interpret(cg.trace(program, cg.f32[100]), x), rtol=1e-5)
